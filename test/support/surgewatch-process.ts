/**
 * The whole product as its users run it: one process from the one entry, configured by nothing but its environment, with a
 * data directory and a port of its own. Waits for readiness, which is all that a load balancer would know.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findFreePort } from './free-port.ts';
import { startProcess } from './real-process.ts';
import { makeTempDir } from './temp-dir.ts';
import { waitFor } from './wait-for.ts';

const entry = fileURLToPath(new URL('../../src/surgewatch.js', import.meta.url));
const READY_DEADLINE_MS = 60_000;

export interface SurgewatchProcess {
  /** Without a trailing slash. */
  readonly url: string;
  readonly pid: number;
  readonly dataDir: string;
  readonly port: number;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number>;
  /** SIGKILL to the service alone. */
  kill9(): Promise<void>;
  /** Resolves with the exit code when the process ends for whatever reason. */
  readonly exited: Promise<number>;
  /** Log and everything else it printed. */
  output(): string;
}

export interface StartSurgewatch {
  /** Variables by their documented names; win over the ones chosen here. */
  readonly env?: Readonly<Record<string, string>>;
  /** Of an earlier start, to go on where it ended; the caller removes it. */
  readonly dataDir?: string;
  /** False: resolve as soon as the process runs, for starts that are to fail or to wait. */
  readonly waitUntilReady?: boolean;
}

/** @throws Error with the output when the process ends before it is ready. */
export async function startSurgewatch(options: StartSurgewatch = {}): Promise<SurgewatchProcess> {
  const { env = {}, waitUntilReady = true } = options;
  const dir = options.dataDir === undefined ? makeTempDir('process') : null;
  const dataDir = options.dataDir ?? join(dir?.path ?? '', 'data');
  const port = env['PORT'] === undefined ? await findFreePort() : Number(env['PORT']);
  const url = `http://127.0.0.1:${port}`;
  const service = await startProcess({
    command: process.execPath,
    args: [entry],
    // Nothing else of ours: a variable of the machine must not decide a test.
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      HOST: '127.0.0.1',
      PORT: String(port),
      DATA_DIR: dataDir,
      ...env,
    },
  });
  if (waitUntilReady) {
    const isSettled = async () => !service.isRunning() || (await fetch(`${url}/health/ready`)).ok;
    try {
      await waitFor(isSettled, { deadlineMs: READY_DEADLINE_MS, what: 'surgewatch to be ready' });
      if (!service.isRunning()) throw new Error('surgewatch ended before it was ready');
    } catch (error) {
      await service.kill();
      throw new Error(`${String(error)}:\n${service.output()}`, { cause: error });
    }
  }
  async function stop(): Promise<number> {
    const code = await service.stop();
    dir?.remove();
    return code;
  }
  async function kill9(): Promise<void> {
    await service.killAlone();
  }
  const { pid, exited, output } = service;
  return { url, pid, dataDir, port, stop, kill9, exited, output };
}
