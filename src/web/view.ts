/** What every page is drawn with: the moment, where links begin, and who asks. */
export interface View {
  /** One clock for a whole page, epoch milliseconds. */
  readonly nowMs: number;
  readonly retentionDays: number;
  /** A link of this site, below the path prefix of PUBLIC_URL. `parts` are escaped as path segments. */
  link(...parts: readonly string[]): string;
  /** This site as its visitor reaches it, without a slash at the end. */
  readonly siteUrl: string;
}

export function createLink(publicUrl: string | null): View['link'] {
  const prefix = publicUrl === null ? '' : new URL(publicUrl).pathname.replace(/\/+$/, '');
  return (...parts) => `${prefix}/${parts.map(encodeURIComponent).join('/')}`;
}

/** A link with a query; empty and missing values are left out. */
export function withQuery(link: string, query: Readonly<Record<string, string | number | null | undefined>>): string {
  const entries = Object.entries(query).flatMap(([name, value]) =>
    value === null || value === undefined || value === '' ? [] : [[name, String(value)]],
  );
  return entries.length === 0 ? link : `${link}?${new URLSearchParams(entries)}`;
}
