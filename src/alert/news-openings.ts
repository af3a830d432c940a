/**
 * From codes that came for the first time, or again, to spikes that tell it. A sender of random codes brings thousands at
 * once: spans and samples are read once for all of them.
 */
import type { Catalogue } from '../catalogue/catalogue.ts';
import { judgeSighting, type Sighting } from './code-news.ts';
import { type StaticLabels, spikeLabels } from './payload.ts';
import type { DetectionStore, NewestError, SpikeChange, SpikeStore } from './ports.ts';
import { type NewSpike, NO_EVIDENCE } from './spike.ts';
import { BUCKET_MS, type LifeTime, NEWS_MS } from './spike-life.ts';
import { WATERMARK_LAG_MS } from './watermark.ts';

export interface NewsDeps {
  readonly detection: Pick<DetectionStore, 'readSpans'>;
  readonly spikes: Pick<SpikeStore, 'sampleNewest'>;
  readonly catalogue: Catalogue;
  readonly staticLabels: StaticLabels;
}

/** @throws StoreUnavailable: nothing was decided, the same call may be made again. */
export async function newsOfSightings(
  sightings: readonly Sighting[],
  { nowMs, evaluatedUntilMs }: LifeTime,
  { detection, spikes, catalogue, staticLabels }: NewsDeps,
): Promise<readonly SpikeChange[]> {
  const recent = sightings.filter(({ atSeconds }) => nowMs - atSeconds * 1000 <= NEWS_MS);
  if (recent.length === 0) return [];
  const spans = await detection.readSpans({ startSeconds: 0, endSeconds: evaluatedUntilMs / 1000 });
  const news = recent.flatMap((sighting) => {
    const kind = judgeSighting(sighting, { isCatalogued: catalogue.codes.has(sighting.code), spans });
    return kind === null ? [] : [{ kind, sighting }];
  });
  if (news.length === 0) return [];
  const fromMs = Math.min(...news.map(({ sighting }) => sighting.atSeconds * 1000));
  const codes = news.map(({ sighting }) => sighting.code);
  const newest = await spikes.sampleNewest(codes, fromMs, evaluatedUntilMs + WATERMARK_LAG_MS);
  return news.map(({ kind, sighting }): SpikeChange => {
    const errors = newest.get(sighting.code) ?? [];
    const status = errors[0]?.status ?? catalogue.codes.get(sighting.code)?.status ?? null;
    const labels = spikeLabels({ kind, code: sighting.code, status }, catalogue, staticLabels);
    return { kind: 'begin', spike: newSpike(kind, sighting, { errors, status, labels }), isCovered: false };
  });
}

interface Known {
  readonly errors: readonly NewestError[];
  readonly status: number | null;
  readonly labels: Readonly<Record<string, string>>;
}

function newSpike(kind: NewSpike['kind'], sighting: Sighting, { errors, status, labels }: Known): NewSpike {
  const atMs = sighting.atSeconds * 1000;
  return {
    kind,
    code: sighting.code,
    pair: null,
    status: status === null ? 'unknown' : String(status),
    startsAtMs: atMs,
    openedAtMs: atMs,
    observed: sighting.count,
    expected: 0,
    windowSeconds: BUCKET_MS / 1000,
    score: 0,
    labels,
    evidence: { ...NO_EVIDENCE, requestIds: errors.map(({ requestId }) => requestId) },
    lastSeenAtMs: sighting.lastSeenSeconds === null ? null : sighting.lastSeenSeconds * 1000,
    breadth: null,
  };
}
