/**
 * When each code was last seen, in event time: what lets a code be new, or back. Read from the stored counts at a start,
 * kept in memory from then on. Not the detector's states, which reach back two weeks: a code may be older than that.
 */
import { isCodeKey } from '../envelope/series-key.ts';
import { AWAY_SECONDS, type Sighting } from './code-news.ts';
import type { BucketCount } from './ports.ts';

export interface LastSeen {
  /** Takes counts in, and answers the codes that came for the first time, or for the first time in a week. */
  note(counts: readonly BucketCount[]): readonly Sighting[];
  /** In seconds; null: never. */
  secondsOf(code: string): number | null;
}

/** @param known seconds by code, as of where the counts to note begin. */
export function createLastSeen(known: ReadonlyMap<string, number>): LastSeen {
  const lastSeen = new Map(known);
  return {
    secondsOf: (code) => lastSeen.get(code) ?? null,
    note(counts) {
      const sightings: Sighting[] = [];
      for (const [code, fresh] of freshCounts(counts, lastSeen)) {
        const before = lastSeen.get(code) ?? null;
        lastSeen.set(code, fresh.untilSeconds);
        if (before !== null && fresh.atSeconds - before < AWAY_SECONDS) continue;
        sightings.push({ code, atSeconds: fresh.atSeconds, count: fresh.count, lastSeenSeconds: before });
      }
      return sightings;
    },
  };
}

/** By code, pairs inside one left out, what came after it was last seen: the first and last bucket, and how many errors. */
function freshCounts(counts: readonly BucketCount[], lastSeen: ReadonlyMap<string, number>) {
  const fresh = new Map<string, { atSeconds: number; untilSeconds: number; count: number }>();
  for (const { code, bucketStartSeconds, count } of counts) {
    if (!isCodeKey(code) || count === 0 || bucketStartSeconds <= (lastSeen.get(code) ?? Number.NEGATIVE_INFINITY)) continue;
    const known = fresh.get(code);
    if (known === undefined) fresh.set(code, { atSeconds: bucketStartSeconds, untilSeconds: bucketStartSeconds, count });
    else {
      known.atSeconds = Math.min(known.atSeconds, bucketStartSeconds);
      known.untilSeconds = Math.max(known.untilSeconds, bucketStartSeconds);
      known.count += count;
    }
  }
  return fresh;
}
