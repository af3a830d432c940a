/** PURE. What one write does with each storable: which rows and dead letters it sends, in which order, counted under which names. */
import { identityOf } from '../envelope/identity.ts';
import { fieldKey, type ValidationField } from '../envelope/validation-fields.ts';
import type { Storable } from '../ingest/ports.ts';
import { type LabelCaps, statusLabel } from './label-caps.ts';
import { labelKey } from './lane-totals.ts';
import type { DeadRow, Row } from './write-rows.ts';

export interface Plan {
  readonly rows: readonly Row[];
  readonly dead: readonly DeadRow[];
  /** Place of a repeat -> place of the same identity earlier in the batch. */
  readonly repeats: ReadonlyMap<number, number>;
  readonly uncountedCodes: readonly string[];
  readonly unlabelledPairs: readonly string[];
  /** The validation fields that the rows name by their place here, from 1, under the names they are counted by. */
  readonly fields: readonly ValidationField[];
}

type PlanCaps = Pick<LabelCaps, 'hasSeries' | 'isCounted' | 'countedField'>;

export function planOf(storables: readonly Storable[], caps: PlanCaps): Plan {
  const rows: Row[] = [];
  const dead: DeadRow[] = [];
  const repeats = new Map<number, number>();
  const places = new Map<string, number>();
  const siblings = new Map<string, number>();
  const uncounted = new Set<string>();
  const unlabelled = new Set<string>();
  const fields = createFieldPlaces(caps);
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
    rows.push({ n, storable, rank, fields: fields.placesOf(envelope.validationFields) });
    if (!envelope.isCodeValid || !caps.isCounted(envelope.code)) uncounted.add(envelope.code);
    const status = statusLabel(envelope);
    if (!envelope.isCodeValid || !caps.hasSeries(envelope.code, status)) unlabelled.add(labelKey(envelope.code, status));
  });
  rows.sort(byKey);
  return { rows, dead, repeats, uncountedCodes: [...uncounted], unlabelledPairs: [...unlabelled], fields: fields.all };
}

function byKey({ storable: { envelope: a } }: Row, { storable: { envelope: b } }: Row): number {
  if (a.requestId !== b.requestId) return a.requestId < b.requestId ? -1 : 1;
  if (a.code !== b.code) return a.code < b.code ? -1 : 1;
  return a.day < b.day ? -1 : 1;
}

const NO_PLACES: readonly number[] = [];

/** Numbers the fields of a batch; two of one envelope that are counted under one name are one. */
function createFieldPlaces({ countedField }: PlanCaps) {
  const all: ValidationField[] = [];
  const places = new Map<string, number>();
  function placeOf(field: ValidationField): number {
    const counted = countedField(field);
    const key = fieldKey(counted);
    const known = places.get(key) ?? all.push(counted);
    places.set(key, known);
    return known;
  }
  const placesOf = (fields: readonly ValidationField[]) => (fields.length === 0 ? NO_PLACES : [...new Set(fields.map(placeOf))]);
  return { all, placesOf };
}
