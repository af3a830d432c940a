/** `surgewatch migrate`: brings the schema up to date and says what it did. */
import { Command } from 'commander';
import { loadConfig } from '../config.ts';
import { readConnectionFile } from '../store/embedded-connection-file.ts';
import { startEmbeddedPostgres } from '../store/embedded-postgres.ts';
import { migrate } from '../store/migrate.ts';

export function createMigrateCommand(): Command {
  return new Command('migrate')
    .description('apply pending migrations (MIGRATION_DATABASE_URL, DATABASE_URL, or the embedded database)')
    .action(async () => {
      const { database } = loadConfig(process.env);
      const url = database.migrationUrl ?? (await readConnectionFile(database.dataDir))?.connectionString;
      if (url !== undefined) return say(await migrate(url));
      const log = { info: () => {}, warn: (text: string) => process.stderr.write(`${text}\n`) };
      const embedded = await startEmbeddedPostgres({ dataDir: database.dataDir, log });
      try {
        say(await migrate(embedded.connectionString));
      } finally {
        await embedded.stop();
      }
    });
}

function say(applied: readonly string[]): void {
  process.stdout.write(
    applied.length === 0 ? 'nothing to do: the schema is up to date\n' : applied.map((name) => `applied ${name}\n`).join(''),
  );
}
