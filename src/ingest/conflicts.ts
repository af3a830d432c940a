/**
 * Looks at what was a duplicate: is it the same body again, or another one under the same identity? The first is kept
 * either way; another one is flagged, so that nobody can take a requestId over unseen. What comes while one look is under
 * way waits for the next and shares it: a replay costs one connection, however many deliveries are in flight.
 */
import type { ConflictStore, Source, Storable, Written } from './ports.ts';

type Repeat = Extract<Storable, { kind: 'envelope' }>;

export interface ConflictDeps {
  readonly store: ConflictStore;
  /** Called after COMMIT with the source of each conflict that was not known. */
  readonly onFlagged: (sources: readonly Source[]) => void;
}

export function createConflictFlag({ store, onFlagged }: ConflictDeps) {
  let next: { readonly repeats: Repeat[]; readonly done: Promise<void> } | null = null;
  let last: Promise<void> = Promise.resolve();

  function gather(found: readonly Repeat[]): Promise<void> {
    if (next !== null) {
      next.repeats.push(...found);
      return next.done;
    }
    const repeats = [...found];
    const done = last.then(async () => {
      next = null;
      onFlagged(await store.flag(repeats));
    });
    next = { repeats, done };
    last = done.catch(() => {}); // Whoever waits for it hears of the fault.
    return done;
  }

  /** @throws StoreUnavailable, StoreRefused: nothing of these deliveries may be acknowledged; they come again. */
  return async function flagConflicts(storables: readonly Storable[], written: readonly Written[]): Promise<void> {
    const repeats = storables.filter(
      (storable, index): storable is Repeat => storable.kind === 'envelope' && written[index]?.kind === 'duplicate',
    );
    if (repeats.length > 0) await gather(repeats);
  };
}
