/**
 * From what the detector says of a code to what becomes of its spike: begin one, let it go on, close it. Follows the
 * spikes that are not resolved through a stretch of event time, in memory, so that a backlog with many openings and
 * closings of one code is one list of changes, written at once.
 */
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { CodeTransition } from './code-states.ts';
import { createEvidence, type EvidenceDeps } from './evidence.ts';
import { type StaticLabels, spikeLabels } from './payload.ts';
import type { SpikeChange } from './ports.ts';
import type { NewSpike, SpikeRecord } from './spike.ts';
import { judgeOpening, type LifeTime, type SpikePlace } from './spike-life.ts';

const KIND = 'surge';

export interface OpeningsDeps {
  readonly evidence: EvidenceDeps;
  readonly catalogue: Catalogue;
  readonly staticLabels: StaticLabels;
}

/** Whether the all-codes spike tells of a surge that begins now. */
type Covers = (spike: Pick<NewSpike, 'code' | 'labels'>) => boolean;

/** @throws StoreUnavailable: nothing was decided, the same call may be made again. */
export async function changesOf(
  transitions: readonly CodeTransition[],
  active: readonly SpikeRecord[],
  time: LifeTime,
  deps: OpeningsDeps & { readonly covers: Covers },
): Promise<readonly SpikeChange[]> {
  const places = new Map<string, SpikePlace>(active.filter(({ kind }) => kind === KIND).map((spike) => [spike.code, spike]));
  const gather = createEvidence(deps.evidence);
  const changes: SpikeChange[] = [];
  for (const each of transitions) {
    const { code, transition } = each;
    const place = places.get(code) ?? null;
    const atMs = transition.bucketStartSeconds * 1000;
    if (transition.event === 'close') {
      if (place === null || place.closedAtMs !== null) continue;
      places.set(code, { ...place, closedAtMs: atMs });
      changes.push({ kind: 'close', of: KIND, code, closedAtMs: atMs, reason: transition.reason ?? 'recomputed' });
      continue;
    }
    const judged = judgeOpening(place, atMs, time);
    if (judged === 'continue') {
      if (place !== null) places.set(code, { ...place, closedAtMs: null });
      changes.push({ kind: 'continue', of: KIND, code });
      continue;
    }
    if (judged === 'end_and_begin') changes.push({ kind: 'end_untold', of: KIND, code });
    places.set(code, { state: 'pending', openedAtMs: atMs, closedAtMs: null });
    const spike = await newSpike(each, gather, deps);
    changes.push({ kind: 'begin', spike, isCovered: deps.covers(spike) });
  }
  return changes;
}

async function newSpike(
  { code, transition }: CodeTransition,
  gather: ReturnType<typeof createEvidence>,
  { catalogue, staticLabels }: OpeningsDeps,
): Promise<NewSpike> {
  const { evidence, status: sampled } = await gather(code, transition);
  const status = sampled === undefined ? (catalogue.codes.get(code)?.status ?? null) : sampled;
  return {
    kind: KIND,
    code,
    status: status === null ? 'unknown' : String(status),
    startsAtMs: transition.startsAtSeconds * 1000,
    openedAtMs: transition.bucketStartSeconds * 1000,
    observed: transition.observed,
    expected: transition.expected,
    windowSeconds: transition.windowSeconds,
    score: transition.score,
    labels: spikeLabels({ kind: KIND, code, status }, catalogue, staticLabels),
    evidence,
    lastSeenAtMs: null,
    breadth: null,
  };
}
