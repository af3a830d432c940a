/** The one maker of the `RequestId` brand, so that whatever carries it may stand in a path, a row or an answer as it is. */
import type { RequestId } from './schema.ts';

const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;

/** The text as a `RequestId`, or null when it is anything else than 1 to 128 characters of `[A-Za-z0-9._:-]`. */
export function parseRequestId(text: unknown): RequestId | null {
  return typeof text === 'string' && REQUEST_ID.test(text) ? (text as RequestId) : null;
}
