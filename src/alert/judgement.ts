/**
 * What a stretch of event time means for spikes of every kind, put together: surges as the detector opened and closed
 * them, one for all when they rose together, codes that are news or silent, and the ends of both. Reads, and writes
 * nothing: the caller writes it with how far it read.
 */
import { endsOfNews, type Sighting } from './code-news.ts';
import type { CodeTransition } from './code-states.ts';
import { collapse, endOfCollapse } from './collapse.ts';
import type { Rise } from './common-rise.ts';
import { escalationsOf, type Lately } from './escalation.ts';
import { type NewsDeps, newsOfSightings } from './news-openings.ts';
import { changesOf, type OpeningsDeps } from './openings.ts';
import type { SpikeChange, SpikeStore } from './ports.ts';
import { changesOfSilence, type SilenceDeps } from './silence-changes.ts';
import type { SpikeKind } from './spike.ts';
import { type LifeTime, NEWS_MS } from './spike-life.ts';

/** What was found in a stretch. */
export interface Found {
  readonly transitions: readonly CodeTransition[];
  readonly sightings: readonly Sighting[];
  /** Of all codes together, in so many seconds before the stretch ended; empty when nothing opened. */
  readonly rises: readonly Rise[];
  readonly windowSeconds: number;
  /** Of the series that are open, the last minutes before the stretch ended. */
  readonly lately: ReadonlyMap<string, Lately>;
  readonly lastSeenSeconds: (code: string) => number | null;
}

export interface JudgementDeps extends OpeningsDeps, NewsDeps, SilenceDeps {
  readonly detection: NewsDeps['detection'] & SilenceDeps['detection'];
  readonly spikes: Pick<SpikeStore, 'spikesToTell' | 'sampleNewest'>;
}

/** @throws StoreUnavailable: nothing was decided, the same call may be made again. */
export async function judge(
  found: Found & { readonly fromMs: number | null },
  time: LifeTime,
  deps: JudgementDeps,
): Promise<readonly SpikeChange[]> {
  const recent = await deps.spikes.spikesToTell(time.nowMs - NEWS_MS);
  const active = recent.filter(({ state }) => state !== 'resolved');
  const collapsed = await collapse({ ...found, active, time }, deps);
  const codes = found.transitions.length === 0 ? [] : await changesOf(found.transitions, recent, time, { ...deps, ...collapsed });
  const surges = [...collapsed.changes, ...codes];
  return [
    ...surges,
    ...escalationsOf(active, found.lately, time.evaluatedUntilMs),
    ...endOfCollapse(active, surges, time.evaluatedUntilMs),
    ...endsOfNews(active, time.evaluatedUntilMs),
    ...(await newsOfSightings(found.sightings, time, deps)),
    ...(await changesOfSilence({ ...found, time, active }, deps)),
  ];
}

/** Of each spike that begins and is news. */
export function kindsOfNews(changes: readonly SpikeChange[], nowMs: number): readonly SpikeKind[] {
  return changes.flatMap((change) =>
    change.kind === 'begin' && nowMs - change.spike.openedAtMs <= NEWS_MS ? [change.spike.kind] : [],
  );
}
