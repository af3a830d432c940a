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
