/** Process edge: argv to command, fault to exit code. 0 = fine, 1 = failed, 2 = usage. No logic. */
import { Command, CommanderError } from 'commander';
import { createBacktestCommand } from './cli/backtest.ts';
import { createCatalogueCommand } from './cli/catalogue.ts';
import { createConfigCommand } from './cli/config.ts';
import { createDeadLettersCommand } from './cli/dead-letters.ts';
import { createDemoCommand } from './cli/demo.ts';
import { createExportCommand } from './cli/export.ts';
import { createImportCommand } from './cli/import.ts';
import { createKafkaCommand } from './cli/kafka.ts';
import { createMigrateCommand } from './cli/migrate.ts';
import { createReconcileCommand } from './cli/reconcile.ts';
import { createServeCommand } from './cli/serve.ts';
import { ConfigurationFault, Fault, UsageFault } from './errors.ts';

const program = new Command('surgewatch')
  .description("Watches an API's error envelopes: stores, counts, raises surges, answers lookups.")
  .addCommand(createServeCommand(), { isDefault: true })
  .addCommand(createMigrateCommand())
  .addCommand(createImportCommand())
  .addCommand(createExportCommand())
  .addCommand(createReconcileCommand())
  .addCommand(createBacktestCommand())
  .addCommand(createDeadLettersCommand())
  .addCommand(createKafkaCommand())
  .addCommand(createCatalogueCommand())
  .addCommand(createConfigCommand())
  .addCommand(createDemoCommand());
for (const command of [program, ...program.commands, ...program.commands.flatMap((each) => each.commands)])
  command.exitOverride();

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

function exitCodeOf(error: unknown): number {
  // commander has printed its own words already: help is fine, the rest is usage.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof ConfigurationFault)
    process.stderr.write(`surgewatch cannot start with this configuration:\n${bullets(error.faults)}`);
  else
    process.stderr.write(
      `surgewatch: ${error instanceof Fault ? error.message : String(error instanceof Error ? error.stack : error)}\n`,
    );
  return error instanceof UsageFault ? 2 : 1;
}

function bullets(lines: readonly string[]): string {
  return lines.map((line) => `  - ${line}\n`).join('');
}
