/**
 * What a stretch of event time means for spikes of every kind, put together: surges as the detector opened and closed
 * them, codes that are news, and the ends of news. Reads, and writes nothing: the caller writes it with how far it read.
 */
import { endsOfNews, type Sighting } from './code-news.ts';
import type { CodeTransition } from './code-states.ts';
import { type NewsDeps, newsOfSightings } from './news-openings.ts';
import { changesOf, type OpeningsDeps } from './openings.ts';
import type { SpikeChange, SpikeStore } from './ports.ts';
import type { LifeTime } from './spike-life.ts';

/** What was found in a stretch. */
export interface Found {
  readonly transitions: readonly CodeTransition[];
  readonly sightings: readonly Sighting[];
}

export interface JudgementDeps extends OpeningsDeps, NewsDeps {
  readonly spikes: Pick<SpikeStore, 'activeSpikes' | 'sampleNewest'>;
}

/** @throws StoreUnavailable: nothing was decided, the same call may be made again. */
export async function judge(found: Found, time: LifeTime, deps: JudgementDeps): Promise<readonly SpikeChange[]> {
  const active = await deps.spikes.activeSpikes();
  return [
    ...(found.transitions.length === 0 ? [] : await changesOf(found.transitions, active, time, deps)),
    ...endsOfNews(active, time.evaluatedUntilMs),
    ...(await newsOfSightings(found.sightings, time, deps)),
  ];
}
