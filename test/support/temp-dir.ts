/** A directory of its own for each thing a test starts; gone with the thing, or at the latest with the test process. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const left = new Set<string>();
process.on('exit', () => {
  for (const path of left) rmSync(path, { recursive: true, force: true });
});

export interface TempDir {
  readonly path: string;
  remove(): void;
}

export function makeTempDir(purpose: string): TempDir {
  const path = mkdtempSync(join(tmpdir(), `surgewatch-${purpose}-`));
  left.add(path);
  function remove(): void {
    // Retried: a process that was just killed may still be writing its last file.
    rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    left.delete(path);
  }
  return { path, remove };
}
