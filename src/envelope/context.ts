/**
 * What the producer states beside the error: the envelope's own `context` first, then headers of the same names. Every
 * field is optional and attacker-chosen, so one that is out of bounds is dropped as if it had not been stated; it is no
 * reason to lose the error it came with.
 */
import type { EnvelopeContext, JsonObject, JsonValue } from './schema.ts';

type Headers = Readonly<Record<string, string>>;
type Stated = JsonValue | undefined;

const NONE: EnvelopeContext = Object.freeze({});
/** Longest that is kept of each, in UTF-16 units. */
export const CONTEXT_LENGTHS = { service: 128, route: 512, client: 128, release: 128 };
const METHOD = /^[A-Za-z-]{1,32}$/;
const STATUS = /^[1-5][0-9]{2}$/;
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is refused here.
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

export function readContext(stated: JsonObject | null, headers: Headers | undefined): EnvelopeContext {
  if (stated === null && headers === undefined) return NONE;
  const pick = <T>(name: string, accept: (value: Stated) => T | null): T | null =>
    accept(ownOf(stated, name)) ?? accept(ownOf(headers, name)) ?? accept(ownOf(headers, name.toLowerCase()));
  const httpStatus = pick('httpStatus', acceptStatus);
  const service = pick('service', (value) => acceptText(value, CONTEXT_LENGTHS.service));
  const route = pick('route', (value) => acceptText(value, CONTEXT_LENGTHS.route));
  const method = pick('method', (value) => acceptPattern(value, METHOD));
  const client = pick('client', (value) => acceptText(value, CONTEXT_LENGTHS.client));
  const release = pick('release', (value) => acceptText(value, CONTEXT_LENGTHS.release));
  const traceparent = pick('traceparent', (value) => acceptPattern(value, TRACEPARENT));
  return contextOf({ httpStatus, service, route, method, client, release, traceparent });
}

/** Every field of a context; null: not stated. */
export type StatedContext = { readonly [Name in keyof EnvelopeContext]-?: NonNullable<EnvelopeContext[Name]> | null };

/** What is stated of it, and no more. */
export function contextOf({ httpStatus, service, route, method, client, release, traceparent }: StatedContext): EnvelopeContext {
  return {
    ...(httpStatus !== null && { httpStatus }),
    ...(service !== null && { service }),
    ...(route !== null && { route }),
    ...(method !== null && { method }),
    ...(client !== null && { client }),
    ...(release !== null && { release }),
    ...(traceparent !== null && { traceparent }),
  };
}

function ownOf(source: JsonObject | Headers | null | undefined, name: string): Stated {
  return source && Object.hasOwn(source, name) ? source[name] : undefined;
}

/** A header can only say the status in digits, so the envelope may too. */
function acceptStatus(value: Stated): number | null {
  if (typeof value === 'string') return STATUS.test(value) ? Number(value) : null;
  return typeof value === 'number' && Number.isInteger(value) && value >= 100 && value <= 599 ? value : null;
}

function acceptText(value: Stated, maxLength: number): string | null {
  if (typeof value !== 'string' || value === '' || value.length > maxLength) return null;
  return CONTROL.test(value) || !value.isWellFormed() ? null : value;
}

function acceptPattern(value: Stated, pattern: RegExp): string | null {
  return typeof value === 'string' && pattern.test(value) ? value : null;
}
