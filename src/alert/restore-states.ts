/**
 * From the stored snapshots back to states, after a start or a takeover. Each stands where it was taken; the evaluation
 * steps them on from there. What cannot be used (another version of the detector, another bucket width, or from past the
 * place where the detector stands) is named, to be computed anew from the counts.
 */
import type { CodeStates, Snapshot } from './code-states.ts';
import type { AlertLog, SnapshotStore } from './ports.ts';
import type { Snapshots } from './snapshots.ts';

const STATES_A_READ = 500;

export interface RestoreDeps {
  readonly store: Pick<SnapshotStore, 'readShared' | 'readCodes'>;
  readonly states: CodeStates;
  readonly snapshots: Pick<Snapshots, 'note' | 'noteShared'>;
  readonly log: AlertLog;
  /** Renews the lease when due; false: another leads. */
  readonly keepOn: () => Promise<boolean>;
}

export interface Restored {
  readonly historyStartSeconds: number;
  /** Of the state that has come least far. */
  readonly positionSeconds: number;
  /** Without a usable state. */
  readonly missing: readonly string[];
  /** With a state that lacks late counts. */
  readonly outdated: readonly string[];
}

/** @returns null: there is nothing to go on from. @throws StoreUnavailable. */
export async function restoreStates(evaluatedUntilMs: number, deps: RestoreDeps): Promise<Restored | 'stale' | null> {
  const { store, states, snapshots, log } = deps;
  const untilSeconds = evaluatedUntilMs / 1000;
  const shared = await store.readShared();
  if (shared === null || shared.silent === null) return null;
  const { silent } = shared;
  const fault = attempt(silent, untilSeconds, () => states.restoreSilent(silent));
  if (fault !== null) {
    log.warn({ err: fault }, 'the stored detector states cannot be used; they are computed anew from the counts');
    return null;
  }
  snapshots.noteShared(shared);
  let positionSeconds = silent.steppedUntilSeconds;
  const missing: string[] = [];
  const outdated: string[] = [];
  let firstFault: Error | null = null;
  for (let after: string | null = null; ; ) {
    const page = await store.readCodes(after, STATES_A_READ);
    for (const { code, isOutdated, snapshot } of page) {
      const unfit = snapshot === null ? null : attempt(snapshot, untilSeconds, () => states.restore(code, snapshot));
      firstFault ??= unfit;
      if (snapshot === null || unfit !== null) missing.push(code);
      else {
        snapshots.note(code, snapshot.steppedUntilSeconds);
        positionSeconds = Math.min(positionSeconds, snapshot.steppedUntilSeconds);
        if (isOutdated) outdated.push(code);
      }
    }
    const last = page.at(-1);
    if (last === undefined || page.length < STATES_A_READ) break;
    after = last.code;
    if (!(await deps.keepOn())) return 'stale';
  }
  if (firstFault !== null) {
    log.warn({ err: firstFault, count: missing.length }, 'some stored detector states cannot be used; they are computed anew');
  }
  states.restoreThreshold(shared.thresholdHours, positionSeconds);
  return { historyStartSeconds: shared.historyStartSeconds, positionSeconds, missing, outdated };
}

/** Answers why the snapshot cannot be used. */
function attempt({ steppedUntilSeconds }: Snapshot, untilSeconds: number, restore: () => void): Error | null {
  if (steppedUntilSeconds > untilSeconds) return new TypeError('it is from past the place where the detector stands');
  try {
    restore();
    return null;
  } catch (error) {
    if (error instanceof TypeError || error instanceof SyntaxError) return error;
    throw error;
  }
}
