/**
 * The bounds of what is taken in, in one place because HTTP, Kafka and file edges quote them too. They hold before
 * anything is parsed, so that no input can cost more than a pass over its bytes.
 */

/** Largest envelope and largest webhook body, in bytes; above it a delivery is rejected as `too_large`. */
export const MAX_ENVELOPE_BYTES = 1_048_576;
/** Most envelopes in one webhook request. */
export const MAX_BATCH_COUNT = 1000;
/** Deepest nesting of objects and arrays, the envelope itself being 1. */
export const MAX_DEPTH = 64;
export const MAX_OBJECT_KEY_COUNT = 1000;
export const MAX_KEY_COUNT = 10_000;
/** Longest key of an object, in characters. */
export const MAX_KEY_LENGTH = 256;
/** Longest number, in characters. */
export const MAX_NUMBER_LENGTH = 1000;
/** Longest code that is kept, in UTF-16 units; the rest is clipped. */
export const MAX_CODE_LENGTH = 128;
/** Longest message that is kept, in bytes of UTF-8. */
export const MAX_MESSAGE_BYTES = 8192;
/** Most items of `details.errors` that are kept. */
export const MAX_DETAIL_ERROR_COUNT = 100;
/** Further ahead of our clock than this an envelope is flagged `clock_ahead`. */
export const CLOCK_AHEAD_MS = 300_000;
/** Older than this on arrival an envelope is flagged `late`. */
export const LATE_MS = 3_600_000;
export const DAY_MS = 86_400_000;
