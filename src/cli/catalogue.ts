/** `surgewatch catalogue`: tells the author of a catalogue file what is wrong with it before a deployment does. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { BUILT_IN_CATALOGUE } from '../catalogue/built-in.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';
import { CatalogueFault } from '../catalogue/catalogue-fault.ts';
import { parseCatalogue } from '../catalogue/parse-catalogue.ts';

export interface CatalogueCommandOptions {
  /** `CATALOGUE_FILE`, checked when no FILE is given. */
  readonly catalogueFile?: string;
}

export function createCatalogueCommand({ catalogueFile }: CatalogueCommandOptions = {}): Command {
  const command = new Command('catalogue').description('the table of error codes and what they mean');
  command
    .command('check')
    .description('check a catalogue file and report every problem with its line')
    .argument('[FILE]', 'YAML file; CATALOGUE_FILE, else the built-in catalogue, when left out')
    .action(async (file: string | undefined) => {
      const checked = await check(file ?? catalogueFile);
      if (typeof checked !== 'string') {
        process.stdout.write(`ok: ${checked.codes.size} codes, ${checked.statuses.size} statuses\n`);
        return;
      }
      process.stderr.write(`${checked}\n`);
      process.exitCode = 1;
    });
  return command;
}

/** The catalogue, or the lines that say why there is none. */
async function check(file: string | undefined): Promise<Catalogue | string> {
  const builtInFile = fileURLToPath(BUILT_IN_CATALOGUE);
  try {
    const builtIn = parseCatalogue(await readFile(builtInFile, 'utf8'), builtInFile);
    return file === undefined ? builtIn : parseCatalogue(await readFile(file, 'utf8'), file, builtIn);
  } catch (fault) {
    if (fault instanceof CatalogueFault) return fault.message;
    if (fault instanceof Error && 'syscall' in fault && 'code' in fault)
      return `${file}: the file cannot be read (${fault.code})`;
    throw fault;
  }
}
