/**
 * What must become of a delivery's bytes, told by the pure rooms alone: the canonical row, or the reason why there is none.
 * Tests hold the service to it on each of its paths.
 */
import { readFileSync } from 'node:fs';
import { BUILT_IN_CATALOGUE } from '../../src/catalogue/built-in.ts';
import { parseCatalogue } from '../../src/catalogue/parse-catalogue.ts';
import { decode } from '../../src/envelope/decode.ts';
import { createRedact } from '../../src/envelope/redact.ts';
import type { RedactedEnvelope, RejectReason } from '../../src/envelope/schema.ts';

export type Judgement =
  | { readonly kind: 'row'; readonly row: RedactedEnvelope }
  | { readonly kind: 'rejected'; readonly reason: RejectReason };

/** HTTP status by reason where it is not 422, as the table of bad inputs states them. */
const STATUSES: Partial<Record<RejectReason, number>> = {
  empty: 400,
  tombstone: 400,
  syntax: 400,
  utf8: 400,
  proto_key: 400,
  too_large: 413,
  charset: 415,
  encoding: 415,
  media_type: 415,
};
const RETENTION_DAYS = 30;

const catalogue = parseCatalogue(readFileSync(BUILT_IN_CATALOGUE, 'utf8'), 'built-in.yaml');
const redact = createRedact({ catalogue });

export function judge(bytes: Uint8Array | null, receivedAtMs: number): Judgement {
  const isCatalogued = (code: string) => catalogue.codes.has(code);
  const decoded = decode(bytes, { receivedAtMs, retentionDays: RETENTION_DAYS, isCatalogued });
  if (decoded.kind === 'rejected') return { kind: 'rejected', reason: decoded.reason };
  return { kind: 'row', row: redact(decoded.envelope, receivedAtMs) };
}

/** As the table of bad inputs writes it: `ok`, `fix:a,b` or `400 reason`. */
export function answerOf(judgement: Judgement): string {
  if (judgement.kind === 'rejected') return refusalAnswer(judgement.reason);
  return storedAnswer(judgement.row.sanitized);
}

export function refusalAnswer(reason: RejectReason): string {
  return `${STATUSES[reason] ?? 422} ${reason}`;
}

export function storedAnswer(sanitized: readonly string[]): string {
  return sanitized.length === 0 ? 'ok' : `fix:${sanitized.join()}`;
}
