/** `surgewatch serve`: the service until a signal. */
import { Command } from 'commander';
import { createApp } from '../app.ts';
import { loadConfig } from '../config.ts';
import { createLog, runUntilSignal } from './run.ts';

export function createServeCommand(): Command {
  return new Command('serve').description('run the service (the default)').action(async () => {
    const config = loadConfig(process.env);
    const app = createApp(config, createLog(config));
    await runUntilSignal(app);
  });
}
