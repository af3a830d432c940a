/** How a verb that serves runs: its log, its signals, its exit code. Shared by `serve` and `demo`. */
import closeWithGrace from 'close-with-grace';
import { pino } from 'pino';
import type { App } from '../app.ts';
import type { Config } from '../config.ts';

/** Longest that a stop may take, in milliseconds; what hangs is left behind then. */
const STOP_DEADLINE_MS = 9_000;
/** Whatever a log line carries under these names is a secret. */
const SECRET_PATHS = ['authorization', 'x-auth-token', 'webhook-signature', 'password', 'connectionString'].flatMap((name) => [
  `["${name}"]`,
  `*["${name}"]`,
  `*.*["${name}"]`,
]);

export function createLog(config: Config) {
  return pino({
    level: config.logLevel,
    redact: { paths: SECRET_PATHS, censor: '(secret)' },
    base: { replica: config.replicaId },
  });
}

/** Starts the app and leaves it running until SIGTERM, SIGINT or its own failure. @throws what the start threw. */
export async function runUntilSignal(app: App, onStarted?: (url: string) => Promise<void>): Promise<void> {
  let failure: Error | undefined;
  const grace = closeWithGrace({ delay: STOP_DEADLINE_MS, logger: false }, async ({ err }) => {
    if (err) app.log.fatal({ err }, 'stopping after a fault that nobody caught');
    await app.stop();
    if (failure !== undefined) throw failure; // Makes the exit code 1; it is logged already.
  });
  app.onFailure((fault) => {
    app.log.fatal({ err: fault }, 'stopping: the service cannot go on');
    failure = fault;
    grace.close();
  });
  try {
    const { url } = await app.start();
    await onStarted?.(url);
  } catch (error) {
    if (app.isStopping()) return; // A signal came first; what it does is on its way.
    grace.uninstall();
    await app.stop();
    throw error;
  }
}
