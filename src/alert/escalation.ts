/**
 * PURE. Whether a surge that was told as a warning has become a matter to wake somebody for. Not its size decides, nor how
 * long it lasts: those were known, or could be, to who read the warning and let it be. It is that the warning no longer
 * says how bad it is.
 */
import type { StretchSum } from '../detect/stretch.ts';
import { seriesKeyOf } from '../envelope/series-key.ts';
import type { CodeStates } from './code-states.ts';
import type { SpikeChange } from './ports.ts';
import type { SpikeRecord } from './spike.ts';
import { BUCKET_SECONDS } from './way.ts';

/** So many times the factor that it opened with, and that it has at least had since. */
const GROWN_BY = 4;
/** And so many times the expected: four times hardly anything is hardly anything. */
const LEAST_FACTOR = 10;
/** In each of two stretches that follow each other, so that one burst of seconds, however large, is not worse. */
const EARLIER_SECONDS = 240;
const LAST_SECONDS = 60;
const WINDOW_SECONDS = EARLIER_SECONDS + LAST_SECONDS;
/** As far back as the states remember. */
const MEMORY_SECONDS = 3600;

/** What came of a series that is open in the minutes before a moment. */
export interface Lately {
  readonly earlier: StretchSum;
  readonly last: StretchSum;
  /**
   * Observed over expected in the calmest five minutes since it opened, as far as that is remembered. The factor at the
   * opening alone is too little to compare with: a busy code opens in the first seconds of a surge, at a fraction of what it will be.
   */
  readonly lowestFactor: number;
}

/** By series' key; without those that are not ten minutes old, or of which too little was collected. */
export function latelyOf(
  states: Pick<CodeStates, 'openCodes' | 'lastOpening' | 'sumOf'>,
  endSeconds: number,
): ReadonlyMap<string, Lately> {
  const splitSeconds = endSeconds - LAST_SECONDS;
  const startSeconds = endSeconds - WINDOW_SECONDS;
  return new Map(
    states.openCodes().flatMap((key): readonly [string, Lately][] => {
      const earlier = states.sumOf(key, startSeconds, splitSeconds);
      const last = states.sumOf(key, splitSeconds, endSeconds);
      const lowestFactor = lowestFactorOf(states, key, startSeconds);
      return earlier === null || last === null || lowestFactor === null ? [] : [[key, { earlier, last, lowestFactor }]];
    }),
  );
}

/** Over the whole windows between the opening and the last one; null: there is none yet. */
function lowestFactorOf(states: Pick<CodeStates, 'lastOpening' | 'sumOf'>, key: string, untilSeconds: number): number | null {
  const opening = states.lastOpening(key);
  if (opening === null) return null;
  const rememberedSeconds = untilSeconds + WINDOW_SECONDS - MEMORY_SECONDS;
  const sinceSeconds = Math.max(opening.bucketStartSeconds + BUCKET_SECONDS, rememberedSeconds);
  const factors: number[] = [];
  for (let at = untilSeconds - WINDOW_SECONDS; at >= sinceSeconds; at -= WINDOW_SECONDS) {
    const sum = states.sumOf(key, at, at + WINDOW_SECONDS);
    if (sum !== null && sum.expected > 0) factors.push(sum.observed / sum.expected);
  }
  return factors.length === 0 ? null : Math.min(...factors);
}

/** @param untilMs where the minutes of `lately` end, event time. */
export function escalationsOf(
  active: readonly SpikeRecord[],
  lately: ReadonlyMap<string, Lately>,
  untilMs: number,
): readonly SpikeChange[] {
  return active.filter(mayEscalate).flatMap((spike): readonly SpikeChange[] => {
    const seen = lately.get(seriesKeyOf(spike));
    if (seen === undefined) return [];
    const { earlier, last, lowestFactor } = seen;
    const factor = Math.max(LEAST_FACTOR, GROWN_BY * Math.max(spike.observed / spike.expected, lowestFactor));
    if (earlier.observed < factor * earlier.expected || last.observed < factor * last.expected) return [];
    const escalation = {
      atMs: untilMs,
      observed: earlier.observed + last.observed,
      expected: earlier.expected + last.expected,
      windowSeconds: WINDOW_SECONDS,
    };
    return [{ kind: 'escalate', of: 'surge', code: spike.code, pair: spike.pair, escalation }];
  });
}

function mayEscalate({ kind, labels, closedAtMs, coveredBy, escalation }: SpikeRecord): boolean {
  const isWarning = kind === 'surge' && labels['severity'] === 'warning';
  return isWarning && closedAtMs === null && coveredBy === null && escalation === null;
}

/** As what it is told: itself, and beside it as critical once it is. Both live and end by the same row. */
export function toldAs(spike: SpikeRecord): readonly SpikeRecord[] {
  if (spike.escalation === null) return [spike];
  return [spike, { ...spike, labels: { ...spike.labels, severity: 'critical' } }];
}
