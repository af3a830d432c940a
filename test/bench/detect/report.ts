/** What was measured, as text: the gates with their verdicts, the anchors beside them, and a breakdown for whoever looks closer. */
import { type Gate, isMet, type Measured } from './gates.ts';
import type { Grade, GradedEvent } from './grade.ts';
import { partOf, type Summary, summarise } from './summary.ts';

export interface GateRow {
  readonly gate: Gate;
  /** One a suite. */
  readonly each: readonly number[];
  readonly mean: number;
}

const PERCENT = 100;
const COLUMN_GAP = '  ';

export function rowsOf(gates: readonly Gate[], measured: readonly Measured[]): readonly GateRow[] {
  return gates.map((gate) => {
    const each = measured.map(gate.of);
    return { gate, each, mean: each.reduce((sum, value) => sum + value, 0) / each.length };
  });
}

export function renderGates(rows: readonly GateRow[], labels: readonly string[]): string {
  const several = labels.length > 1;
  const head = ['what', 'reach', 'unit', ...labels, ...(several ? ['mean'] : []), 'verdict'];
  const body = rows.map(({ gate, each, mean }) => {
    const verdict = isMet(gate, mean);
    return [
      gate.what,
      `${gate.is === 'at_most' ? '≤' : '≥'} ${gate.reach}`,
      gate.unit,
      ...each.map(digits),
      ...(several ? [digits(mean)] : []),
      verdict === null ? 'not measured' : verdict ? 'met' : 'SHORT',
    ];
  });
  return table([head, ...body], [0, 2]);
}

/** One line a detector: the product first, then what a team would write without it. */
export function renderAnchors(rows: readonly { readonly name: string; readonly summaries: readonly Summary[] }[]): string {
  const head = [
    'mean of all',
    'FA',
    'POD %',
    'square %',
    'delay p50',
    'p90',
    'resolve p50',
    'p90',
    'early %',
    'cold FA',
    'utility',
  ];
  const body = rows.map(({ name, summaries }) => {
    const mean = (of: (summary: Summary) => number) =>
      digits(summaries.reduce((sum, summary) => sum + of(summary), 0) / summaries.length);
    return [
      name,
      mean(({ falseAlarmRate }) => falseAlarmRate),
      mean(({ all }) => all.pod * PERCENT),
      mean(({ square }) => square.pod * PERCENT),
      mean(({ all }) => all.delayP50),
      mean(({ all }) => all.delayP90),
      mean(({ all }) => all.resolveP50),
      mean(({ all }) => all.resolveP90),
      mean(({ all }) => all.early * PERCENT),
      mean(({ coldFalseAlarmRate }) => coldFalseAlarmRate),
      mean(({ utility }) => utility),
    ];
  });
  return table([head, ...body]);
}

/** The material surges by size, shape, volume and length, as `synth_grade.py` prints them. */
export function renderDetail(grade: Grade): string {
  const events = grade.events.filter(({ event }) => event.material);
  const immaterial = grade.events.filter(({ event }) => !event.material);
  const summary = summarise(grade);
  const parts: (readonly [string, readonly GradedEvent[]])[] = [
    ['all', events],
    ['k >= 5, box, 5+ min', events.filter(({ event }) => event.k >= 4.9 && event.kind === 'box' && event.minutes >= 5)],
    ['ratio >= 3', events.filter(({ event }) => event.ratio >= 3)],
    ...K_CLASSES.map(({ name, low, high }) => [name, events.filter(({ event }) => event.k >= low && event.k < high)] as const),
    ...groupsBy(events, ({ event }) => event.kind),
    ...groupsBy(events, ({ mean }) => mean).map(([name, group]) => [`mean ${name}/min`, group] as const),
    ...LENGTHS.map(
      ([low, high]) =>
        [
          low === high ? `${low} min` : `${low}-${high} min`,
          events.filter(({ event }) => event.minutes >= low && event.minutes <= high && event.kind !== 'step'),
        ] as const,
    ),
  ];
  const body = parts.map(([name, group]) => {
    const part = partOf(group);
    return [
      name,
      String(part.count),
      (part.pod * PERCENT).toFixed(1),
      ...[part.delayP50, part.delayP90, part.resolveP50, part.resolveP90, part.early * PERCENT].map((value) => value.toFixed(0)),
    ];
  });
  return [
    `false alarms ${summary.falseAlarmRate.toFixed(4)} per code-day (${grade.falseAlarms} in ${grade.codeDays.toFixed(0)}; ` +
      `${grade.falseAlarmsAtTroubles} of them in or after a gap or drop); cold start ${summary.coldFalseAlarmRate.toFixed(3)} per code-day`,
    `utility ${summary.utility.toFixed(1)}; re-alerts ${grade.realerts}; masked ${events.filter(({ isMasked }) => isMasked).length}; ` +
      `cron bursts alerted ${grade.cron.alerted}/${grade.cron.total}; blips alerted ${grade.blips.alerted}/${grade.blips.total}; ` +
      `immaterial alerted ${immaterial.filter(({ isHit }) => isHit).length}/${immaterial.length}`,
    table([['material surges', 'n', 'POD %', 'delay', 'p90', 'resolve', 'p90', 'early %'], ...body]),
  ].join('\n');
}

const K_CLASSES = [
  { name: 'k 1', low: 0, high: 1.5 },
  { name: 'k 2', low: 1.5, high: 2.5 },
  { name: 'k 3', low: 2.5, high: 4 },
  { name: 'k 5', low: 4, high: 6 },
  { name: 'k 7', low: 6, high: 8.5 },
  { name: 'k 10', low: 8.5, high: 12.5 },
  { name: 'k 15+', low: 12.5, high: Number.POSITIVE_INFINITY },
];
const LENGTHS = [
  [3, 3],
  [5, 5],
  [10, 10],
  [15, 20],
  [30, 40],
  [60, 60],
  [61, 999],
] as const;

function groupsBy(
  events: readonly GradedEvent[],
  of: (event: GradedEvent) => string | number,
): readonly (readonly [string, readonly GradedEvent[]])[] {
  const groups = Map.groupBy(events, of);
  return [...groups].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, group]) => [String(name), group]);
}

/** Four significant digits, never in powers of ten. */
export function digits(value: number): string {
  if (Number.isNaN(value)) return '-';
  return Math.abs(value) >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

/** @param left columns that stand to the left, for they hold words. */
export function table(rows: readonly (readonly string[])[], left: readonly number[] = [0]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (left.includes(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join(COLUMN_GAP)
        .trimEnd(),
    )
    .join('\n');
}
