#!/usr/bin/env node
/**
 * The one plain-JavaScript file: an older Node cannot even load TypeScript, so the version is checked here, in words,
 * before anything else is imported.
 */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 11)) {
  process.stderr.write(
    `surgewatch needs Node 24.11 or newer; this is ${process.version}.\n` +
      'Start it with `npm start` or `npx surgewatch`: the repository brings its own Node. Where it has none for this platform, install Node 24.\n',
  );
  process.exit(2);
}
await import('./main.ts');
