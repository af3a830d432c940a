/** Rows of text as columns that line up, for a terminal or a file alike. */

export interface Column {
  readonly head: string;
  readonly align: 'left' | 'right';
}

const GAP = '  ';

/** The head first. Lines carry no spaces at their end. */
export function renderTable(columns: readonly Column[], rows: readonly (readonly string[])[]): readonly string[] {
  const lines = [columns.map(({ head }) => head), ...rows];
  const widths = columns.map((_, at) => Math.max(...lines.map((cells) => widthOf(cells[at]))));
  return lines.map((cells) =>
    columns
      .map(({ align }, at) => pad(cells[at] ?? '', widths[at] ?? 0, align))
      .join(GAP)
      .trimEnd(),
  );
}

/** At most `width` characters; what was cut shows as an ellipsis. */
export function shorten(text: string, width: number): string {
  return widthOf(text) <= width ? text : `${[...text].slice(0, Math.max(width - 1, 0)).join('')}…`;
}

function pad(text: string, width: number, align: Column['align']): string {
  const space = ' '.repeat(Math.max(width - widthOf(text), 0));
  return align === 'left' ? `${text}${space}` : `${space}${text}`;
}

function widthOf(text = ''): number {
  return [...text].length;
}
