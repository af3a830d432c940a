/**
 * PURE. Codes that were counted alike ever since they were first seen have equal states, and share one: ten thousand codes
 * that somebody invents cost the memory and the time of a few dozen.
 */
export interface SharedStates<State> {
  /** Several codes may have the same one. */
  readonly byCode: Map<string, State>;
  /** What a code that was never seen starts from. */
  readonly silent: State;
  readonly copyOf: (state: State) => State;
}

/**
 * Before the states move on: gives every newcomer a state, and parts those that are counted otherwise from the rest of
 * theirs. Afterwards codes with the same state have the same counts, and none has the silent one.
 * @param counts by code; of each by the start of the bucket.
 */
export function part<State>(states: SharedStates<State>, counts: ReadonlyMap<string, ReadonlyMap<number, number>>): void {
  const { byCode, silent, copyOf } = states;
  const shares = new Map<State, number>();
  for (const state of byCode.values()) shares.set(state, (shares.get(state) ?? 0) + 1);
  const parted = new Map<State, Map<string, State>>();
  for (const [code, ofCode] of counts) {
    const shared = byCode.get(code) ?? silent;
    if (shares.get(shared) === 1) continue;
    const heirs = parted.get(shared) ?? new Map<string, State>();
    const sequence = sequenceOf(ofCode);
    const heir = heirs.get(sequence) ?? copyOf(shared);
    parted.set(shared, heirs.set(sequence, heir));
    byCode.set(code, heir);
  }
}

/** Equal for equal counts that came in the same order. */
export function sequenceOf(counts: ReadonlyMap<number, number>): string {
  return [...counts].join(' ');
}
