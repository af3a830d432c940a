/** Figures as the table that people read. Medians first, the spread of the rounds behind them, ratios beside the absolutes. */
import { type Aim, type Figure, isMet, ratiosOf, type Spread, spreadOf } from './figures.ts';

const HEAD = ['what', 'median', 'min-max', 'unit', 'ratio', 'min-max', 'to', 'aim', 'verdict'] as const;

export function renderTable(figures: readonly Figure[]): string {
  const rows = [HEAD, ...figures.map(cellsOf)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => pad(cell, widths[column] ?? 0, column))
      .join('  ')
      .trimEnd(),
  );
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [lines[0], rule, ...lines.slice(1)].join('\n');
}

/** Numbers stand to the right of their column. */
function pad(cell: string, width: number, column: number): string {
  return column === 1 || column === 4 ? cell.padStart(width) : cell.padEnd(width);
}

function cellsOf(figure: Figure): readonly string[] {
  const { what, unit, values, reference, aim } = figure;
  const spread = spreadOf(values);
  const ratio = spreadOf(ratiosOf(figure));
  const verdict = isMet(figure);
  return [
    what,
    numberText(spread.median),
    values.length > 1 ? rangeText(spread) : '',
    unit,
    reference === undefined ? '' : numberText(ratio.median),
    reference === undefined ? '' : rangeText(ratio),
    reference?.what ?? '',
    aim === undefined ? '' : aimText(aim, unit),
    verdict === null ? '' : verdict ? 'met' : 'FALLS SHORT',
  ];
}

function rangeText({ min, max }: Spread): string {
  return `${numberText(min)}-${numberText(max)}`;
}

function aimText({ of, is, bound }: Aim, unit: string): string {
  return `${is === 'at_least' ? '>=' : '<='} ${numberText(bound)}${of === 'figure' ? ` ${unit}` : ''}`;
}

/** Three significant digits below a thousand, whole numbers with thin groups above. */
function numberText(value: number): string {
  if (!Number.isFinite(value)) return '-';
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US').replaceAll(',', ' ');
  return String(Number(value.toPrecision(3)));
}
