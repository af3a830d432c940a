/**
 * Which states are written when. A snapshot saves the next leader the event time before it, so what is worth writing is
 * how far a state has come since its last one: every code has a place of its own, those that saw errors are renewed
 * sooner than silent ones, and a tick writes only so many that it stays short.
 *
 * The silent state is written only once every code has a snapshot: a code without one that shows up later in the counts
 * is then surely a newcomer of after the silent state's place, and starts from it as it did the first time.
 */
import type { CodePlace, CodeStates } from './code-states.ts';
import type { SharedSnapshot, SnapshotStore, Written } from './ports.ts';
import { BUCKET_SECONDS } from './way.ts';

/** Event time after which a snapshot is renewed: of a code with errors since, and of one without. */
const SEEN_AGE_SECONDS = 5 * 60;
const IDLE_AGE_SECONDS = 15 * 60;
/** Most states a write: 10 000 codes, all with errors, are renewed within SEEN_AGE_SECONDS by ticks of 4 s. */
const STATES_A_WRITE = 150;

export interface SnapshotsDeps {
  readonly store: Pick<SnapshotStore, 'writeSnapshots'>;
  readonly states: CodeStates;
  /** Late counts came for the code that are not in its state yet. */
  readonly isOutdated: (code: string) => boolean;
}

export interface Snapshots {
  /** Writes those that are due, up to a tick's share. @throws StoreUnavailable. */
  writeDue(epoch: number, historyStartSeconds: number): Promise<Written>;
  /** Before the leader goes: all that have come further, the busiest first, while `mayGoOn`. @throws StoreUnavailable. */
  writeAll(epoch: number, historyStartSeconds: number, mayGoOn: () => boolean): Promise<Written>;
  /** Notes what is stored. */
  note(code: string, steppedUntilSeconds: number): void;
  noteShared(shared: SharedSnapshot): void;
  /** The code's state was computed anew. */
  forget(code: string): void;
}

export function createSnapshots({ store, states, isOutdated }: SnapshotsDeps): Snapshots {
  /** Place of each stored snapshot. */
  const stored = new Map<string, number>();
  let silentSeconds = Number.NEGATIVE_INFINITY;
  let lastHourSeconds = Number.NEGATIVE_INFINITY;

  /** From 1: due. */
  function urgencyOf({ code, steppedUntilSeconds, lastSeenSeconds, isOpen }: CodePlace): number {
    const place = stored.get(code) ?? Number.NEGATIVE_INFINITY;
    const mostSeconds = isOpen || lastSeenSeconds >= place ? SEEN_AGE_SECONDS : IDLE_AGE_SECONDS;
    return (steppedUntilSeconds - place) / mostSeconds;
  }
  function byUrgency(places: readonly CodePlace[], least: number): readonly string[] {
    const due = places
      .map((place) => ({ code: place.code, urgency: urgencyOf(place) }))
      .filter(({ urgency }) => urgency >= least);
    return due.sort((one, other) => (one.urgency < other.urgency ? 1 : -1)).map(({ code }) => code);
  }

  async function write(
    epoch: number,
    codes: readonly string[],
    options: { readonly places: readonly CodePlace[]; readonly historyStartSeconds: number; readonly silentAgeSeconds: number },
  ): Promise<Written> {
    const batch = codes.flatMap((code) => {
      const snapshot = states.snapshotOf(code);
      return snapshot === null ? [] : [{ code, isOutdated: isOutdated(code), snapshot }];
    });
    const shared = sharedWhenDue(new Set(codes), options);
    if (batch.length === 0 && shared === null) return 'written';
    if ((await store.writeSnapshots(epoch, { codes: batch, shared })) === 'stale') return 'stale';
    for (const { code, snapshot } of batch) note(code, snapshot.steppedUntilSeconds);
    if (shared !== null) noteShared(shared);
    return 'written';
  }

  /** An hour's threshold is stored no later than any state that was stepped past it. */
  function sharedWhenDue(
    batch: ReadonlySet<string>,
    { places, historyStartSeconds, silentAgeSeconds }: Parameters<typeof write>[2],
  ): SharedSnapshot | null {
    const thresholdHours = states.thresholdHours();
    const silent = places.every(({ code }) => stored.has(code) || batch.has(code)) ? states.silentSnapshot() : null;
    const isSilentDue = silent !== null && silent.steppedUntilSeconds - silentSeconds >= silentAgeSeconds;
    const hasNewHour = (thresholdHours.at(-1)?.hourSeconds ?? Number.NEGATIVE_INFINITY) > lastHourSeconds;
    if (!isSilentDue && !hasNewHour) return null;
    return { historyStartSeconds, thresholdHours, silent: isSilentDue ? silent : null };
  }

  function note(code: string, steppedUntilSeconds: number): void {
    stored.set(code, steppedUntilSeconds);
  }
  function noteShared({ thresholdHours, silent }: SharedSnapshot): void {
    if (silent !== null) silentSeconds = silent.steppedUntilSeconds;
    lastHourSeconds = thresholdHours.at(-1)?.hourSeconds ?? Number.NEGATIVE_INFINITY;
  }

  return {
    async writeDue(epoch, historyStartSeconds) {
      const places = states.places();
      const due = byUrgency(places, 1).slice(0, STATES_A_WRITE);
      return write(epoch, due, { places, historyStartSeconds, silentAgeSeconds: IDLE_AGE_SECONDS });
    },
    async writeAll(epoch, historyStartSeconds, mayGoOn) {
      const places = states.places();
      const changed = byUrgency(places, Number.MIN_VALUE);
      for (let from = 0; from <= changed.length && mayGoOn(); from += STATES_A_WRITE) {
        const options = { places, historyStartSeconds, silentAgeSeconds: BUCKET_SECONDS };
        if ((await write(epoch, changed.slice(from, from + STATES_A_WRITE), options)) === 'stale') return 'stale';
      }
      return 'written';
    },
    note,
    noteShared,
    forget: (code) => stored.delete(code),
  };
}
