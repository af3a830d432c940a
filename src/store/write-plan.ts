/** PURE. What one write does with each storable: which rows and dead letters it sends, in which order, counted under which names. */
import { identityOf } from '../envelope/identity.ts';
import type { RequestId } from '../envelope/schema.ts';
import { fieldKey, type ValidationField } from '../envelope/validation-fields.ts';
import type { Storable } from '../ingest/ports.ts';
import { type LabelCaps, statusLabel } from './label-caps.ts';
import { labelKey } from './lane-totals.ts';
import type { DeadRow, Row } from './write-rows.ts';

export interface Plan {
  /** In the order of their key, so that two writers never wait for each other in a circle. */
  readonly rows: readonly Row[];
  readonly dead: readonly DeadRow[];
  /** Place of a repeat -> place of the same identity earlier in the batch. */
  readonly repeats: ReadonlyMap<number, number>;
  /** The requestIds of the rows; several rows of one id make a list. */
  readonly ids: ReadonlyMap<RequestId, unknown>;
  /** Whether some requestId has more than one row. */
  readonly hasSiblings: boolean;
  readonly uncountedCodes: readonly string[];
  readonly unlabelledPairs: readonly string[];
  /** The validation fields that the rows name, under the names they are counted by. */
  readonly fields: readonly ValidationField[];
  /** Lists of places in `fields`, both from 1: most rows of a code name the same ones, so a row names its list. */
  readonly fieldLists: readonly (readonly number[])[];
}

type PlanCaps = Pick<LabelCaps, 'hasSeries' | 'isCounted' | 'countedField'>;

export function planOf(storables: readonly Storable[], caps: PlanCaps): Plan {
  const rows: Row[] = [];
  const dead: DeadRow[] = [];
  const repeats = new Map<number, number>();
  const ids = new Map<RequestId, Row | Row[]>();
  let hasSiblings = false;
  const uncounted = new Set<string>();
  const unlabelled = new Set<string>();
  const judged = new Map<string, number | null>();
  const fields = createFieldLists(caps);
  let n = -1;
  for (const storable of storables) {
    n += 1;
    if (storable.kind === 'rejected') {
      if (storable.isRecorded) dead.push({ n, storable, reason: storable.reason });
      continue;
    }
    const { envelope } = storable;
    const { requestId, code, status, validationFields } = envelope;
    const earlier = ids.get(requestId);
    const same =
      earlier === undefined
        ? undefined
        : asList(earlier).find((row) => identityOf(row.storable.envelope) === identityOf(envelope));
    if (same !== undefined) {
      repeats.set(n, same.n);
      continue;
    }
    const row: Row = { n, storable, fields: validationFields.length === 0 ? 0 : fields.listOf(validationFields) };
    hasSiblings ||= earlier !== undefined;
    ids.set(requestId, earlier === undefined ? row : [...asList(earlier), row]);
    rows.push(row);
    if (judged.get(code) === status && judged.has(code)) continue; // Most of a batch share few codes.
    judged.set(code, status);
    if (!envelope.isCodeValid || !caps.isCounted(code)) uncounted.add(code);
    const label = statusLabel(envelope);
    if (!envelope.isCodeValid || !caps.hasSeries(code, label)) unlabelled.add(labelKey(code, label));
  }
  rows.sort(byKey);
  const { all, lists } = fields;
  return {
    rows,
    dead,
    repeats,
    ids,
    hasSiblings,
    uncountedCodes: [...uncounted],
    unlabelledPairs: [...unlabelled],
    fields: all,
    fieldLists: lists,
  };
}

function asList(rows: Row | Row[]): readonly Row[] {
  return Array.isArray(rows) ? rows : [rows];
}

function byKey({ storable: { envelope: a } }: Row, { storable: { envelope: b } }: Row): number {
  if (a.requestId !== b.requestId) return a.requestId < b.requestId ? -1 : 1;
  if (a.code !== b.code) return a.code < b.code ? -1 : 1;
  return a.day < b.day ? -1 : 1;
}

/** Numbers the fields of a batch, and the lists of them; two of one envelope that are counted under one name are one. */
function createFieldLists({ countedField }: PlanCaps) {
  const all: ValidationField[] = [];
  const lists: (readonly number[])[] = [];
  const placeByField = new Map<string, number>();
  const placeByList = new Map<string, number>();
  function placeOf(field: ValidationField): number {
    const counted = countedField(field);
    const key = fieldKey(counted);
    const known = placeByField.get(key) ?? all.push(counted);
    placeByField.set(key, known);
    return known;
  }
  function listOf(fields: readonly ValidationField[]): number {
    const places = new Set(fields.map(placeOf));
    const key = [...places].join();
    const known = placeByList.get(key) ?? lists.push([...places]);
    placeByList.set(key, known);
    return known;
  }
  return { all, lists, listOf };
}
