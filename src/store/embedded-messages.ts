/**
 * What the service and the process that keeps its PostgreSQL say to each other. Both sides check the kind before they
 * believe a message: `node --watch` sends its own ones through every channel, and ours was once taken from them.
 */

/** Service to keeper. The end of the channel means the same. */
export type ToKeeper = { readonly kind: 'stop' };

export type FromKeeper =
  | { readonly kind: 'started'; readonly port: number; readonly password: string }
  | { readonly kind: 'failed'; readonly fault: 'data_dir_in_use' | 'refused'; readonly text: string }
  | { readonly kind: 'log'; readonly level: 'info' | 'warn'; readonly text: string }
  | { readonly kind: 'ended'; readonly reason: string };

export function isStop(message: unknown): message is ToKeeper {
  return isRecord(message) && message['kind'] === 'stop';
}

/** Answers null for whatever is not ours. */
export function parseFromKeeper(message: unknown): FromKeeper | null {
  if (!isRecord(message)) return null;
  const { kind, port, password, fault, text, level, reason } = message;
  if (kind === 'started' && typeof port === 'number' && typeof password === 'string') return { kind, port, password };
  if (kind === 'failed' && (fault === 'data_dir_in_use' || fault === 'refused') && typeof text === 'string') {
    return { kind, fault, text };
  }
  if (kind === 'log' && (level === 'info' || level === 'warn') && typeof text === 'string') return { kind, level, text };
  if (kind === 'ended' && typeof reason === 'string') return { kind, reason };
  return null;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
