/** Ctrl-C for a verb that has something to bring to its end: the first asks it to stop, the second ends it at once. */
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** Runs `work` with a signal that is aborted by SIGINT and SIGTERM. */
export async function withStopSignal<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const onSignal = () => {
    for (const name of SIGNALS) process.off(name, onSignal);
    stop.abort(new Error('stopped by a signal'));
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  try {
    return await work(stop.signal);
  } finally {
    for (const name of SIGNALS) process.off(name, onSignal);
  }
}
