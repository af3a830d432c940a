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
import { BUCKET_MS } from './spike-life.ts';

/** So many times the factor that it opened with. */
const GROWN_BY = 4;
/** And so many times the expected: four times hardly anything is hardly anything. */
const LEAST_FACTOR = 10;
/** In each of two stretches that follow each other, so that one burst of seconds, however large, is not worse. */
const EARLIER_SECONDS = 240;
const LAST_SECONDS = 60;
const WINDOW_SECONDS = EARLIER_SECONDS + LAST_SECONDS;

/** What came of a series that is open in the minutes before a moment. */
export interface Lately {
  readonly earlier: StretchSum;
  readonly last: StretchSum;
}

/** By series' key; without those of which too little was collected. */
export function latelyOf(states: Pick<CodeStates, 'openCodes' | 'sumOf'>, endSeconds: number): ReadonlyMap<string, Lately> {
  const splitSeconds = endSeconds - LAST_SECONDS;
  return new Map(
    states.openCodes().flatMap((key) => {
      const earlier = states.sumOf(key, endSeconds - WINDOW_SECONDS, splitSeconds);
      const last = states.sumOf(key, splitSeconds, endSeconds);
      return earlier === null || last === null ? [] : [[key, { earlier, last }]];
    }),
  );
}

/** @param untilMs where the minutes of `lately` end, event time. */
export function escalationsOf(
  active: readonly SpikeRecord[],
  lately: ReadonlyMap<string, Lately>,
  untilMs: number,
): readonly SpikeChange[] {
  return active
    .filter((spike) => mayEscalate(spike, untilMs))
    .flatMap((spike): readonly SpikeChange[] => {
      const seen = lately.get(seriesKeyOf(spike));
      if (seen === undefined || !isWorse(seen.earlier, spike) || !isWorse(seen.last, spike)) return [];
      const escalation = {
        atMs: untilMs,
        observed: seen.earlier.observed + seen.last.observed,
        expected: seen.earlier.expected + seen.last.expected,
        windowSeconds: WINDOW_SECONDS,
      };
      return [{ kind: 'escalate', of: 'surge', code: spike.code, pair: spike.pair, escalation }];
    });
}

/** Its minutes begin after the opening, which told of all before. */
function mayEscalate({ kind, labels, closedAtMs, coveredBy, escalation, openedAtMs }: SpikeRecord, untilMs: number): boolean {
  if (kind !== 'surge' || labels['severity'] !== 'warning') return false;
  if (closedAtMs !== null || coveredBy !== null || escalation !== null) return false;
  return openedAtMs + BUCKET_MS <= untilMs - WINDOW_SECONDS * 1000;
}

function isWorse(seen: StretchSum, opened: Pick<SpikeRecord, 'observed' | 'expected'>): boolean {
  const factor = Math.max(LEAST_FACTOR, (GROWN_BY * opened.observed) / opened.expected);
  return seen.observed >= factor * seen.expected;
}

/** As what it is told: itself, and beside it as critical once it is. Both live and end by the same row. */
export function toldAs(spike: SpikeRecord): readonly SpikeRecord[] {
  if (spike.escalation === null) return [spike];
  return [spike, { ...spike, labels: { ...spike.labels, severity: 'critical' } }];
}
