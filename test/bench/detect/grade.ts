/**
 * The rules by which alerts are graded against a truth, the same as those every other suite is graded by:
 * - a surge is detected when an alert opens between its start and five minutes after its end (a step: within an hour). One
 *   that was open before does not count, so an alert that never closes earns nothing;
 * - an opening outside every surge (and 15 minutes after it; a day after a step) is a false alarm, unless it falls into a
 *   blip or a daily burst, which are counted apart;
 * - a second opening in the same surge or its tail is a re-alert.
 * What happens before `fromDay` is the cold start: its false alarms are counted apart and its surges not at all.
 */
import type { SeriesTruth, Truth, TruthEvent } from '../../fixtures/worlds/truth.ts';
import type { Span, SpansBySeries } from './spans.ts';

export interface GradedEvent {
  readonly series: string;
  readonly mean: number;
  readonly event: TruthEvent;
  readonly isHit: boolean;
  /** Not detected, and an alert opened earlier was still open when it began. */
  readonly isMasked: boolean;
  /** Of a hit, in buckets: from its first bucket to the one that opened the alert. */
  readonly delay: number | null;
  /** Of a hit, in buckets: from its end to the close; below 0 = closed too early. */
  readonly resolve: number | null;
}

/** Alerted, and how many there were. */
export interface Share {
  readonly alerted: number;
  readonly total: number;
}

export interface Grade {
  readonly bucketSeconds: number;
  readonly events: readonly GradedEvent[];
  readonly falseAlarms: number;
  /** Of those, in a gap or drop or within 15 minutes after. */
  readonly falseAlarmsAtTroubles: number;
  readonly falseAlarmsCold: number;
  readonly realerts: number;
  readonly cron: Share;
  readonly blips: Share;
  readonly codes: number;
  readonly codeDays: number;
  readonly coldDays: number;
}

const SECONDS_PER_DAY = 86_400;
const GRACE_SECONDS = 300;
const TAIL_SECONDS = 900;
const STEP_HIT_SECONDS = 3600;
const STEP_TAIL_SECONDS = SECONDS_PER_DAY;
/** A daily burst may be alerted until it has been seen so often. */
const KNOWN_FROM_OCCURRENCE = 4;

export function gradeAlerts(truth: Truth, spans: SpansBySeries, fromDay: number): Grade {
  const first = truth.start + fromDay * SECONDS_PER_DAY;
  const grades = Object.entries(truth.series).map(([name, series]) =>
    gradeSeries(
      truth,
      first,
      name,
      series,
      (spans.get(name) ?? []).toSorted((a, b) => a.open - b.open),
    ),
  );
  return sumGrades(truth.bucket, grades);
}

/** Several grades as if they were one: counts add up, no series weighs more than another. */
export function sumGrades(bucketSeconds: number, grades: readonly Grade[]): Grade {
  const sum = (of: (grade: Grade) => number) => grades.reduce((total, grade) => total + of(grade), 0);
  const share = (of: (grade: Grade) => Share) => ({
    alerted: sum((grade) => of(grade).alerted),
    total: sum((grade) => of(grade).total),
  });
  return {
    bucketSeconds,
    events: grades.flatMap(({ events }) => events),
    falseAlarms: sum((grade) => grade.falseAlarms),
    falseAlarmsAtTroubles: sum((grade) => grade.falseAlarmsAtTroubles),
    falseAlarmsCold: sum((grade) => grade.falseAlarmsCold),
    realerts: sum((grade) => grade.realerts),
    cron: share((grade) => grade.cron),
    blips: share((grade) => grade.blips),
    codes: sum((grade) => grade.codes),
    codeDays: sum((grade) => grade.codeDays),
    coldDays: sum((grade) => grade.coldDays),
  };
}

function gradeSeries(truth: Truth, first: number, name: string, series: SeriesTruth, spans: readonly Span[]): Grade {
  /** Openings that belong to something. */
  const used = new Set<number>();
  const openedIn = (from: number, until: number) =>
    spans.flatMap(({ open }, index) => (open >= from && open < until ? [index] : []));
  const events: GradedEvent[] = [];
  let realerts = 0;
  for (const event of series.events) {
    const tail = event.kind === 'step' ? event.start + STEP_TAIL_SECONDS : event.end + TAIL_SECONDS;
    const mine = openedIn(event.start, tail);
    for (const index of mine) used.add(index);
    if (event.start < first) continue;
    const graded = gradeEvent(truth, name, series.params.mean, event, spans, mine);
    events.push(graded);
    realerts += Math.max(0, mine.length - (graded.isHit ? 1 : 0));
  }
  const shares = { cron: { alerted: 0, total: 0 }, blip: { alerted: 0, total: 0 } };
  const troubled = new Set<number>();
  for (const { kind, start, end, occurrence = KNOWN_FROM_OCCURRENCE } of series.nuisances) {
    const mine = openedIn(start, end + TAIL_SECONDS).filter((index) => !used.has(index));
    for (const index of mine) (kind === 'cron' || kind === 'blip' ? used : troubled).add(index);
    if (kind !== 'cron' && kind !== 'blip') continue;
    if (start < first || occurrence < KNOWN_FROM_OCCURRENCE) continue;
    shares[kind].total += 1;
    if (mine.length > 0) shares[kind].alerted += 1;
  }
  const stray = spans.flatMap(({ open }, index) => (used.has(index) ? [] : [{ open, index }]));
  const late = stray.filter(({ open }) => open >= first);
  return {
    bucketSeconds: truth.bucket,
    events,
    falseAlarms: late.length,
    falseAlarmsAtTroubles: late.filter(({ index }) => troubled.has(index)).length,
    falseAlarmsCold: stray.length - late.length,
    realerts,
    cron: shares.cron,
    blips: shares.blip,
    codes: 1,
    codeDays: (truth.end - first) / SECONDS_PER_DAY,
    coldDays: (first - truth.start) / SECONDS_PER_DAY,
  };
}

/** @param mine indices of the spans that opened in the event or its tail, in order. */
function gradeEvent(
  truth: Truth,
  series: string,
  mean: number,
  event: TruthEvent,
  spans: readonly Span[],
  mine: readonly number[],
): GradedEvent {
  const isStep = event.kind === 'step';
  const deadline = isStep ? event.start + STEP_HIT_SECONDS : event.end + GRACE_SECONDS;
  const openOf = (index: number) => spans[index]?.open ?? Number.POSITIVE_INFINITY;
  const hit = mine.find((index) => openOf(index) < deadline);
  if (hit === undefined) {
    const before = spans.findLast(({ open }) => open < event.start);
    const isMasked = before !== undefined && (before.close === null || before.close > event.start);
    return { series, mean, event, isHit: false, isMasked, delay: null, resolve: null };
  }
  // The alert that was open at the end is the last that opened in time.
  const last = mine.findLast((index) => openOf(index) < Math.max(deadline, event.end)) ?? hit;
  const close = spans[last]?.close ?? truth.end;
  return {
    series,
    mean,
    event,
    isHit: true,
    isMasked: false,
    delay: Math.round((openOf(hit) - event.start) / truth.bucket),
    resolve: (close - (isStep ? event.start : event.end)) / truth.bucket,
  };
}
