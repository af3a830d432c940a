/** What a scrape says, read back: sums of samples by name and labels. */

/** Sum of the samples of `name` whose labels hold all of `labels`; null: there is no such sample. */
export async function readMetric(
  url: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number | null> {
  const response = await fetch(`${url}/metrics`);
  const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
  const values = (await response.text()).split('\n').flatMap((line) => {
    const [, found, inside = '', value] = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*?)\})? (\S+)/.exec(line) ?? [];
    return found === name && wanted.every((each) => inside.split(',').includes(each)) ? [Number(value)] : [];
  });
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0);
}

/** How many series each metric of one scrape has, and how long the scrape took. */
export async function readSeriesCounts(url: string) {
  const startedMs = performance.now();
  const text = await (await fetch(`${url}/metrics`)).text();
  const durationMs = performance.now() - startedMs;
  const counts = new Map<string, number>();
  for (const [, name = ''] of text.matchAll(/^([a-zA-Z_:][a-zA-Z0-9_:]*)[{ ]/gm)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return { counts, durationMs };
}
