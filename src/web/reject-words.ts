/** What each reason of a dead letter means, and what somebody can do about it, in words for who looks after the intake. */
import type { RejectReason } from '../envelope/schema.ts';

export interface RejectWords {
  readonly meaning: string;
  readonly action: string;
}

const PRODUCER = 'Fix the producer';

export const REJECT_WORDS: Readonly<Record<RejectReason, RejectWords>> = {
  empty: { meaning: 'The record or body held nothing.', action: `${PRODUCER}: it sends without a value.` },
  tombstone: {
    meaning: 'A Kafka record with a null value. It deletes nothing here.',
    action: 'Harmless. If there are many, the topic is compacted or somebody deletes by key: neither is of use here.',
  },
  syntax: {
    meaning: 'Not one well-formed JSON value: cut off, followed by more, or not JSON at all.',
    action: `${PRODUCER}: one envelope a record, serialised by a JSON library. Read one at its offset to see which it is.`,
  },
  utf8: {
    meaning: 'Bytes that are not UTF-8.',
    action: `${PRODUCER}: it writes another character set, or cuts text in the middle of a character.`,
  },
  charset: {
    meaning: 'A charset other than UTF-8 was declared.',
    action: 'Have the sender encode as UTF-8 and declare that or nothing.',
  },
  encoding: {
    meaning: 'The body was compressed.',
    action: 'Have the sender turn compression off; batches of up to 1000 save more.',
  },
  media_type: {
    meaning: 'A Content-Type other than JSON or NDJSON.',
    action: 'Have the sender state application/json or application/x-ndjson.',
  },
  too_large: {
    meaning: 'Larger than 1 MiB, or more than 1000 envelopes in one request.',
    action: `${PRODUCER}: an error answer of that size holds something that does not belong in it.`,
  },
  schema: {
    meaning: 'JSON, but no error envelope: error, message or details has another shape than it should.',
    action: `Does something else write to this topic? Else ${PRODUCER.toLowerCase()}: README, The envelope.`,
  },
  depth: {
    meaning: 'Nested more than 64 deep.',
    action: `${PRODUCER}: details hold a structure that refers to itself, or somebody attacks.`,
  },
  keys: {
    meaning: 'More than 1000 keys in one object, or 10000 in all.',
    action: `${PRODUCER}: details hold a whole data set instead of what went wrong.`,
  },
  key_length: { meaning: 'A key of more than 256 characters.', action: `${PRODUCER}: it uses values as keys.` },
  number_length: {
    meaning: 'A number of more than 1000 characters.',
    action: `${PRODUCER}, or look for who sends such numbers to the API.`,
  },
  duplicate_key: {
    meaning: 'One of the envelope’s own fields was stated twice with different values.',
    action: `${PRODUCER}: it builds JSON by joining text. Two readers of such an envelope would see two different errors.`,
  },
  proto_key: {
    meaning: 'A key that poisons JavaScript programs: __proto__ or constructor.prototype.',
    action: 'Somebody tries an attack, or echoes one: look at who sent it.',
  },
  request_id: {
    meaning: 'No requestId, or one that is not 1 to 128 characters of A-Z a-z 0-9 . _ : -',
    action: `${PRODUCER}: an error without a usable requestId can never be looked up.`,
  },
  status: {
    meaning: 'The field status is not the string "error".',
    action: 'Does something else write to this topic, or does a success path send here?',
  },
  code: { meaning: 'error.code is missing or empty.', action: `${PRODUCER}: each error needs its code.` },
  timestamp: {
    meaning: 'No timestamp, one without a zone, or a moment that does not exist.',
    action: `${PRODUCER}: RFC 3339 with a zone, 2026-11-03T14:02:11Z.`,
  },
  too_old: {
    meaning: 'It occurred before the time that is kept.',
    action:
      'Usual after a replay of an old topic. If new errors come so, the producer’s clock is wrong. To take them after all, raise RETENTION_DAYS and replay.',
  },
  sibling_cap: {
    meaning: 'Its requestId has 100 other codes that day already.',
    action: `${PRODUCER}: one requestId is used for many requests.`,
  },
  erased: { meaning: 'Its requestId was erased, and stays erased.', action: 'Nothing: this is the erasure at work.' },
  store_refused: {
    meaning: 'PostgreSQL refused the row, which no accepted envelope should meet.',
    action: 'Report it with the coordinates: it is a fault of surgewatch. After an upgrade that mends it, replay.',
  },
};

export function wordsForReason(reason: string): RejectWords | null {
  return isReason(reason) ? REJECT_WORDS[reason] : null;
}

function isReason(reason: string): reason is RejectReason {
  return Object.hasOwn(REJECT_WORDS, reason);
}
