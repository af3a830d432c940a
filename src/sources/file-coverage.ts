/**
 * PURE. Which event time a file covers, so that no error there means zero: from its first envelope to its last, without
 * stretches of a day and more in which it has none of any code. Those were not collected, or are where a single envelope
 * of long ago stands apart.
 */
const HOUR_MS = 3_600_000;
const LONGEST_GAP_MS = 24 * HOUR_MS;

export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Coverage {
  add(occurredAtMs: number): void;
  /** Ascending, at least a gap apart. */
  stretches(): readonly Stretch[];
}

export function createCoverage(): Coverage {
  // By the hour: as many as retention has, however many envelopes come.
  const hours = new Map<number, { fromMs: number; toMs: number }>();
  return {
    add(occurredAtMs) {
      const hour = Math.floor(occurredAtMs / HOUR_MS);
      const known = hours.get(hour);
      if (known === undefined) hours.set(hour, { fromMs: occurredAtMs, toMs: occurredAtMs });
      else if (occurredAtMs < known.fromMs) known.fromMs = occurredAtMs;
      else if (occurredAtMs > known.toMs) known.toMs = occurredAtMs;
    },
    stretches() {
      const joined: Stretch[] = [];
      for (const next of [...hours.values()].sort((one, other) => one.fromMs - other.fromMs)) {
        const last = joined.at(-1);
        if (last !== undefined && next.fromMs - last.toMs < LONGEST_GAP_MS)
          joined[joined.length - 1] = { ...last, toMs: next.toMs };
        else joined.push({ ...next });
      }
      return joined;
    },
  };
}
