/** PURE. What one write does with each storable: which rows and dead letters it sends, in which order, counted under which names. */
import { identityOf } from '../envelope/identity.ts';
import type { Storable } from '../ingest/ports.ts';
import { type LabelCaps, statusLabel } from './label-caps.ts';
import type { DeadRow, Row } from './write-rows.ts';

export interface Plan {
  readonly rows: readonly Row[];
  readonly dead: readonly DeadRow[];
  /** Place of a repeat -> place of the same identity earlier in the batch. */
  readonly repeats: ReadonlyMap<number, number>;
  readonly uncountedCodes: readonly string[];
  readonly unlabelledPairs: readonly string[];
}

export function planOf(storables: readonly Storable[], caps: Pick<LabelCaps, 'hasSeries' | 'isCounted'>): Plan {
  const rows: Row[] = [];
  const dead: DeadRow[] = [];
  const repeats = new Map<number, number>();
  const places = new Map<string, number>();
  const siblings = new Map<string, number>();
  const uncounted = new Set<string>();
  const unlabelled = new Set<string>();
  storables.forEach((storable, n) => {
    if (storable.kind === 'rejected') {
      if (storable.isRecorded) dead.push({ n, storable, reason: storable.reason });
      return;
    }
    const { envelope } = storable;
    const thread = `${envelope.requestId} ${envelope.day}`;
    const identity = identityOf(envelope);
    const earlier = places.get(identity);
    if (earlier !== undefined) {
      repeats.set(n, earlier);
      return;
    }
    places.set(identity, n);
    const rank = siblings.get(thread) ?? 0;
    siblings.set(thread, rank + 1);
    rows.push({ n, storable, rank });
    if (!envelope.isCodeValid || !caps.isCounted(envelope.code)) uncounted.add(envelope.code);
    const status = statusLabel(envelope);
    if (!envelope.isCodeValid || !caps.hasSeries(envelope.code, status)) unlabelled.add(seriesKey(envelope.code, status));
  });
  rows.sort(byKey);
  return { rows, dead, repeats, uncountedCodes: [...uncounted], unlabelledPairs: [...unlabelled] };
}

function byKey({ storable: { envelope: a } }: Row, { storable: { envelope: b } }: Row): number {
  if (a.requestId !== b.requestId) return a.requestId < b.requestId ? -1 : 1;
  if (a.code !== b.code) return a.code < b.code ? -1 : 1;
  return a.day < b.day ? -1 : 1;
}

/** A status label holds no space, a code might: the last space parts them. */
export function seriesKey(code: string, status: string): string {
  return `${code} ${status}`;
}

export function splitKey(key: string): readonly string[] {
  const at = key.lastIndexOf(' ');
  return [key.slice(0, at), key.slice(at + 1)];
}
