/**
 * What `surgewatch backtest --catalogue` adds: how grave the alert of each spike would be. Counts hold no HTTP status, so a
 * code is judged by the one that the catalogue states for it; live it is the commonest of the errors themselves.
 */
import { readFile } from 'node:fs/promises';
import { BUILT_IN_CATALOGUE } from '../catalogue/built-in.ts';
import { type Severity, severityOf } from '../catalogue/catalogue.ts';
import { parseCatalogue } from '../catalogue/parse-catalogue.ts';
import { InputFault } from '../errors.ts';

/** null: the catalogue does not list it. */
export type SeverityOf = (code: string) => Severity | null;

/** @throws InputFault when the file cannot be read, CatalogueFault with all that is wrong in it. */
export async function readSeverities(file: string): Promise<SeverityOf> {
  const builtIn = parseCatalogue(await readFile(BUILT_IN_CATALOGUE, 'utf8'), 'built-in.yaml');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new InputFault(`--catalogue: ${file} cannot be read: it must be an existing file`, cause);
  }
  const catalogue = parseCatalogue(text, file, builtIn);
  return (code) => {
    const entry = catalogue.codes.get(code);
    return entry === undefined ? null : severityOf(catalogue, code, entry.status);
  };
}
