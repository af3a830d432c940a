#!/usr/bin/env node
/**
 * The one plain-JavaScript file: an older Node cannot even load TypeScript, so the version is checked here, in words,
 * before anything else is imported.
 */
import { setFlagsFromString } from 'node:v8';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 11)) {
  process.stderr.write(
    `surgewatch needs Node 24.11 or newer; this is ${process.version}.\n` +
      'Start it with `npm start` or `npx surgewatch`: the repository brings its own Node. Where it has none for this platform, install Node 24.\n',
  );
  process.exit(2);
}

// A young generation that may grow to 128 MB fills up with envelopes that were stored long ago. This flag is read before any
// of our code runs, so the process replaces itself, same pid, same streams; where that cannot be done it only takes more memory.
const LEAN = '--max-semi-space-size=8';
const stated = [process.env.NODE_OPTIONS ?? '', ...process.execArgv];
if (process.platform !== 'win32' && !stated.some((flags) => flags.includes('--max-semi-space-size'))) {
  const flags = [LEAN, ...process.execArgv];
  process.execve?.(process.execPath, [process.execPath, ...flags, ...process.argv.slice(1)], process.env);
}
// And an old generation that may be four times what lives in it is full of the same; less than twice is what the bound on memory leaves.
setFlagsFromString('--heap-growing-percent=90');
await import('./main.ts');
