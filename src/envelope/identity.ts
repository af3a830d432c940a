/**
 * What makes two deliveries one envelope, and the digest that stands in for bytes we must not keep. Identity never covers
 * the body: a changed redaction rule would turn every replay into new rows.
 */
import { createHmac } from 'node:crypto';
import type { ErrorEnvelope } from './schema.ts';

const DIGEST_BYTES = 16;

/** Key of (requestId, day, code). Neither requestId nor day can hold a line break, so no two identities share a key. */
export function identityOf({ requestId, day, code }: Pick<ErrorEnvelope, 'requestId' | 'day' | 'code'>): string {
  return `${requestId}\n${day}\n${code}`;
}

/** HMAC-SHA-256 of a delivery's bytes, cut to 16 bytes. Keyed, so that a guessed secret cannot be confirmed by hashing it. */
export function digestOf(key: Uint8Array, bytes: Uint8Array | null): Uint8Array {
  const hmac = createHmac('sha256', key);
  // The leading byte tells a tombstone from an empty value.
  hmac.update(Uint8Array.of(bytes === null ? 0 : 1));
  if (bytes !== null) hmac.update(bytes);
  return new Uint8Array(hmac.digest().subarray(0, DIGEST_BYTES));
}
