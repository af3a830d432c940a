/**
 * From what the detector says of a code to what becomes of its spike: begin one, let it go on, close it. Follows the
 * spikes that are not resolved through a stretch of event time, in memory, so that a backlog with many openings and
 * closings of one code is one list of changes, written at once.
 */
import type { Catalogue } from '../catalogue/catalogue.ts';
import { seriesKeyOf, seriesOf } from '../envelope/series-key.ts';
import type { CodeTransition } from './code-states.ts';
import type { Collapse } from './collapse.ts';
import { createEvidence, type EvidenceDeps } from './evidence.ts';
import { type StaticLabels, spikeLabels } from './payload.ts';
import type { SpikeChange } from './ports.ts';
import type { NewSpike, SpikeRecord } from './spike.ts';
import { judgeOpening, type LifeTime, type SpikePlace } from './spike-life.ts';
import { isToldByCode } from './told-by-code.ts';

const KIND = 'surge';

export interface OpeningsDeps {
  readonly evidence: EvidenceDeps;
  readonly catalogue: Catalogue;
  readonly staticLabels: StaticLabels;
}

/**
 * @param recent spikes that are not resolved, and those resolved while what opened during them may still be news.
 * @throws StoreUnavailable: nothing was decided, the same call may be made again.
 */
export async function changesOf(
  transitions: readonly CodeTransition[],
  recent: readonly SpikeRecord[],
  time: LifeTime,
  deps: OpeningsDeps & Pick<Collapse, 'changes' | 'covers'>,
): Promise<readonly SpikeChange[]> {
  const live = recent.filter(({ kind, state }) => kind === KIND && state !== 'resolved');
  const places = new Map<string, SpikePlace>(live.map((spike) => [seriesKeyOf(spike), spike]));
  const isAllBeginning = deps.changes.some(({ kind }) => kind === 'begin');
  const gather = createEvidence(deps.evidence);
  const changes: SpikeChange[] = [];
  for (const each of transitions) {
    const { code: key, transition } = each;
    const series = seriesOf(key);
    const place = places.get(key) ?? null;
    const atMs = transition.bucketStartSeconds * 1000;
    if (transition.event === 'close') {
      if (place === null || place.closedAtMs !== null) continue;
      places.set(key, { ...place, closedAtMs: atMs });
      changes.push({ kind: 'close', of: KIND, ...series, closedAtMs: atMs, reason: transition.reason ?? 'recomputed' });
      continue;
    }
    if (
      place === null &&
      series.pair !== null &&
      isToldByCode({ code: series.code, atMs }, { recent, transitions, isAllBeginning })
    )
      continue;
    const judged = judgeOpening(place, atMs, time);
    if (judged === 'continue') {
      if (place !== null) places.set(key, { ...place, closedAtMs: null });
      changes.push({ kind: 'continue', of: KIND, ...series });
      continue;
    }
    if (judged === 'end_and_begin') changes.push({ kind: 'end_untold', of: KIND, ...series });
    places.set(key, { state: 'pending', openedAtMs: atMs, closedAtMs: null });
    const spike = await newSpike(each, gather, deps);
    changes.push({ kind: 'begin', spike, isCovered: deps.covers(spike) });
  }
  return changes;
}

async function newSpike(
  { code: key, transition }: CodeTransition,
  gather: ReturnType<typeof createEvidence>,
  { catalogue, staticLabels }: OpeningsDeps,
): Promise<NewSpike> {
  const series = seriesOf(key);
  const { code, pair } = series;
  const { evidence, status: sampled } = await gather(series, transition);
  const status = sampled === undefined ? (catalogue.codes.get(code)?.status ?? null) : sampled;
  return {
    kind: KIND,
    code,
    pair,
    status: status === null ? 'unknown' : String(status),
    startsAtMs: transition.startsAtSeconds * 1000,
    openedAtMs: transition.bucketStartSeconds * 1000,
    observed: transition.observed,
    expected: transition.expected,
    windowSeconds: transition.windowSeconds,
    score: transition.score,
    labels: spikeLabels({ kind: KIND, code, pair, status }, catalogue, staticLabels),
    evidence,
    lastSeenAtMs: null,
    breadth: null,
  };
}
