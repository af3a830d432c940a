/**
 * How far a long verb is, on stderr so that stdout stays what was asked for: a bar that redraws itself on a terminal, a
 * line now and then elsewhere, and nothing at all when it is over soon.
 */
import { sayLasting } from './terminal-words.ts';

export interface ProgressState {
  /** 0 to 1; null: nobody knows how much there is. */
  readonly share: number | null;
  /** Things done so far, in `unit`. */
  readonly doneCount: number;
  readonly unit: string;
  readonly elapsedMs: number;
}

export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface Progress {
  readonly update: (share: number | null, doneCount: number) => void;
  /** Takes the bar away. */
  readonly end: () => void;
}

const REDRAW_MS = 100;
const LINE_MS = 10_000;
const BAR_COLUMNS = 24;
const DEFAULT_COLUMNS = 80;
/** Return to the start of the line and clear it. */
const CLEAR = '\r\u001b[K';

export interface CreateProgress {
  readonly stream: ProgressStream;
  readonly unit: string;
  readonly monotonicMs: () => number;
}

export function createProgress({ stream, unit, monotonicMs }: CreateProgress): Progress {
  const isTerminal = stream.isTTY === true;
  const startedMs = monotonicMs();
  // The first bar at once, the first line only after a while.
  let saidMs = isTerminal ? Number.NEGATIVE_INFINITY : startedMs;
  return {
    update(share, doneCount) {
      const nowMs = monotonicMs();
      if (nowMs - saidMs < (isTerminal ? REDRAW_MS : LINE_MS)) return;
      saidMs = nowMs;
      const state = { share, doneCount, unit, elapsedMs: nowMs - startedMs };
      const text = `${isTerminal && share !== null ? `${barOf(share)} ` : ''}${progressText(state)}`;
      const columns = stream.columns ?? DEFAULT_COLUMNS;
      stream.write(isTerminal ? `${CLEAR}${text.slice(0, columns - 1)}` : `${text}\n`);
    },
    end() {
      if (isTerminal) stream.write(CLEAR);
    },
  };
}

/** ' 42 %, 1.2 M buckets/s, 4s left', or '7 M lines, 80 k lines/s' of what has no known end. */
export function progressText({ share, doneCount, unit, elapsedMs }: ProgressState): string {
  if (share === null) {
    const text = `${shortNumber(doneCount)} ${unit}`;
    return elapsedMs <= 0 ? text : `${text}, ${shortNumber((doneCount * 1000) / elapsedMs)} ${unit}/s`;
  }
  const percent = `${Math.floor(share * 100)} %`.padStart(5);
  if (elapsedMs <= 0 || share <= 0) return percent;
  const speed = (doneCount * 1000) / elapsedMs;
  const leftSeconds = Math.ceil((elapsedMs * (1 - share)) / share / 1000);
  return `${percent}, ${shortNumber(speed)} ${unit}/s, ${sayLasting(leftSeconds)} left`;
}

function barOf(share: number): string {
  const full = Math.round(Math.min(share, 1) * BAR_COLUMNS);
  return `${'█'.repeat(full)}${'░'.repeat(BAR_COLUMNS - full)}`;
}

function shortNumber(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)} M`;
  if (value >= 1e3) return `${Math.round(value / 1e3)} k`;
  return String(Math.round(value));
}
