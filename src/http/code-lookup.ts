/** Reads what there is to say about codes, for the JSON routes and the pages alike. */
import type { SpikeReader, SpikeRecord } from '../alert/spike.ts';
import { type Catalogue, type FaultSide, faultOf } from '../catalogue/catalogue.ts';
import type { WatchedSeries } from '../envelope/series-key.ts';
import { type WordsAnswer, wordsFor } from './envelope-answer.ts';
import type { CodeCount, LookupReader } from './ports.ts';
import type { Span } from './span.ts';
import { median, spansBefore, startOfStep, type UsualPoint, withUsual } from './usual.ts';

/** Fields that are listed of a code. */
const MOST_FIELDS = 10;
const NEVER = { lastHourCount: 0, earlierHourCounts: [], lastDayCount: 0, lastSeenAtMs: null };

export interface CodeOverview {
  readonly code: string;
  readonly status: number | null;
  readonly fault: FaultSide;
  readonly words: WordsAnswer;
  readonly lastHourCount: number;
  readonly usualHourCount: number | null;
  readonly lastDayCount: number;
  readonly lastSeenAtMs: number | null;
  /** Its open spike. */
  readonly spike: SpikeRecord | null;
}

/** A field that fails inside validation errors. */
export interface FieldOverview {
  readonly field: string;
  /** The sub-code. */
  readonly code: string;
  readonly lastHourCount: number;
  readonly usualHourCount: number | null;
  /** Its own open spike. */
  readonly spike: SpikeRecord | null;
}

export interface CodeDetail {
  readonly overview: CodeOverview;
  readonly span: Span;
  /** Of the whole code, or of the pair that was asked for. */
  readonly points: readonly UsualPoint[];
  /** Those that failed most in the last hour; empty for a code that has none. */
  readonly fields: readonly FieldOverview[];
}

export interface CodeQuery extends WatchedSeries {
  readonly span: Span;
}

export interface CodeLookupDeps {
  readonly lookup: LookupReader;
  readonly spikes: SpikeReader;
  readonly catalogue: Catalogue;
  readonly now: () => number;
}

/** Every code of the catalogue and every other that came lately: spiking ones first, then by errors in the last hour. */
export async function readCodes({ lookup, spikes, catalogue, now }: CodeLookupDeps): Promise<readonly CodeOverview[]> {
  const [counts, active] = [await lookup.countCodes(now()), await spikes.activeSpikes()];
  const counted = new Set(counts.map(({ code }) => code));
  const silent: CodeCount[] = [...catalogue.codes.values()]
    .filter(({ code }) => !counted.has(code))
    .map(({ code, status }) => ({ ...NEVER, code, status }));
  return [...counts, ...silent]
    .map((count) => overviewOf(catalogue, count, active))
    .sort((a, b) => rankOf(b) - rankOf(a) || b.lastHourCount - a.lastHourCount || b.lastDayCount - a.lastDayCount);
}

/** null: the code is neither catalogued nor was it counted in the span or lately. */
export async function readCode(deps: CodeLookupDeps, { code, pair, span }: CodeQuery): Promise<CodeDetail | null> {
  const { lookup, catalogue } = deps;
  const count = await lookup.countCode(code, deps.now());
  const knownSinceMs = await lookup.readKnownSinceMs(pair === null ? 'codes' : 'fields');
  const { toMs, stepSeconds } = span;
  const fromMs = startOfStep(span.fromMs, stepSeconds);
  const buckets = await lookup.readBuckets({ code, pair, spans: spansBefore(fromMs, toMs), stepSeconds });
  if (!catalogue.codes.has(code) && buckets.length === 0 && count.lastDayCount === 0) return null;
  const active = await deps.spikes.activeSpikes();
  const fields = await lookup.countFields(code, deps.now(), MOST_FIELDS);
  return {
    overview: overviewOf(catalogue, count, active),
    span,
    points: withUsual({ buckets, fromMs, toMs, stepSeconds, knownSinceMs }),
    fields: fields.map(({ earlierHourCounts, ...each }) => ({
      ...each,
      usualHourCount: median(earlierHourCounts),
      spike: active.find((spike) => spike.code === code && isOf(spike.pair, each)) ?? null,
    })),
  };
}

function overviewOf(catalogue: Catalogue, count: CodeCount, active: readonly SpikeRecord[]): CodeOverview {
  const { code, lastHourCount, lastDayCount, lastSeenAtMs, earlierHourCounts } = count;
  const status = count.status ?? catalogue.codes.get(code)?.status ?? null;
  return {
    code,
    status,
    fault: faultOf(catalogue, code, status),
    words: wordsFor(catalogue, code, status),
    lastHourCount,
    usualHourCount: median(earlierHourCounts),
    lastDayCount,
    lastSeenAtMs,
    // Its own before one of a field inside it.
    spike:
      active.find((spike) => spike.code === code && spike.pair === null) ?? active.find((spike) => spike.code === code) ?? null,
  };
}

function isOf(pair: WatchedSeries['pair'], { field, code }: Pick<FieldOverview, 'field' | 'code'>): boolean {
  return pair !== null && pair.field === field && pair.code === code;
}

function rankOf({ spike }: CodeOverview): number {
  return spike === null ? 0 : 1;
}
