/** `surgewatch migrate`: brings the schema up to date and says what it did. */
import { Command } from 'commander';
import { loadConfig } from '../config.ts';
import { migrate } from '../store/migrate.ts';
import { findDatabase } from './verb-database.ts';

export function createMigrateCommand(): Command {
  return new Command('migrate')
    .description('apply pending migrations (MIGRATION_DATABASE_URL, DATABASE_URL, or the embedded database)')
    .action(async () => {
      const { migrationUrl, dataDir } = loadConfig(process.env).database;
      const database = await findDatabase({ url: migrationUrl, dataDir, warn: (text) => process.stderr.write(`${text}\n`) });
      try {
        say(await migrate(database.url));
      } finally {
        await database.close();
      }
    });
}

function say(applied: readonly string[]): void {
  process.stdout.write(
    applied.length === 0 ? 'nothing to do: the schema is up to date\n' : applied.map((name) => `applied ${name}\n`).join(''),
  );
}
