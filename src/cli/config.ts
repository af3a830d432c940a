/** `surgewatch config print`: every effective value, secrets masked, and where it came from. */
import { Command } from 'commander';
import { loadConfig } from '../config.ts';

export function createConfigCommand(): Command {
  const print = new Command('print').description('show every effective value and its origin, secrets masked').action(() => {
    const { printed, warnings } = loadConfig(process.env);
    const width = Math.max(...printed.map(({ name }) => name.length));
    for (const { name, value, origin } of printed)
      process.stdout.write(`${name.padEnd(width)}  ${value === '' ? '-' : value}  (${origin})\n`);
    for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
  });
  return new Command('config').description('show the configuration').addCommand(print);
}
