/**
 * The only maker of `RedactedEnvelope`, and so the only way to the store, a log or a page. It keeps what the catalogue says
 * is harmless and takes out of every kept text what looks like a secret; it holds the last word on what a row contains.
 */
import type { Catalogue } from '../catalogue/catalogue.ts';
import { CONTEXT_LENGTHS } from './context.ts';
import { isCodeShaped } from './label.ts';
import { CLOCK_AHEAD_MS, MAX_CODE_LENGTH, MAX_MESSAGE_BYTES } from './limits.ts';
import { redactDetails } from './redact-details.ts';
import { type ErrorEnvelope, type RedactedEnvelope, type RedactedFields, SANITIZATIONS, type Sanitization } from './schema.ts';
import type { WithoutEchoes } from './secrets/echo.ts';
import { redactText } from './secrets/redact-text.ts';
import { isSecretName } from './secrets/secret-name.ts';
import { clip, clipBytes } from './text.ts';
import { VALIDATION_CODE, type ValidationField } from './validation-fields.ts';

/** Moves with every change of what is kept; stored with each row, so that rows of two versions are not taken for a conflict. */
export const REDACTION_VERSION = 2;

const NO_KEYS: ReadonlySet<string> = new Set();
const NO_FIELDS: readonly ValidationField[] = [];

export function createRedact({ catalogue }: { readonly catalogue: Catalogue }) {
  const listedKeys = new Map(
    [...catalogue.codes].map(([code, { detailKeys }]) => [code, new Set(detailKeys.filter((key) => !isSecretName(key)))]),
  );

  return function redact(envelope: ErrorEnvelope, receivedAtMs: number): RedactedEnvelope {
    const { context } = envelope;
    const entry = catalogue.codes.get(envelope.code);
    const details = redactDetails(envelope.details, listedKeys.get(envelope.code) ?? NO_KEYS);
    const { withoutEchoes } = details;
    const code = entry === undefined ? clip(redactText(withoutEchoes(envelope.code)), MAX_CODE_LENGTH) : entry.code; // One text for all its envelopes.
    const isCodeKept = code === envelope.code;
    // A mark may be longer than what it stands for: the bounds of what is taken in hold for what is kept, too.
    const message = clipBytes(redactText(withoutEchoes(envelope.message)), MAX_MESSAGE_BYTES);
    const service = keptOf(context.service, CONTEXT_LENGTHS.service, withoutEchoes);
    const route = keptRoute(context.route, withoutEchoes);
    const client = keptOf(context.client, CONTEXT_LENGTHS.client, withoutEchoes);
    const release = keptOf(context.release, CONTEXT_LENGTHS.release, withoutEchoes);
    const isChanged =
      details.isChanged ||
      !isCodeKept ||
      message !== envelope.message ||
      service !== (context.service ?? null) ||
      route !== (context.route ?? null) ||
      client !== (context.client ?? null) ||
      release !== (context.release ?? null);
    return branded({
      requestId: envelope.requestId,
      code,
      isCodeValid: envelope.isCodeValid && (isCodeKept || isCodeShaped(code)),
      status: context.httpStatus ?? entry?.status ?? null,
      message,
      detailsJson: details.json,
      validationFields: envelope.code === VALIDATION_CODE ? details.fields : NO_FIELDS,
      occurredAt: envelope.occurredAt,
      occurredAtMs: envelope.occurredAtMs,
      day: envelope.day,
      isClockAhead: envelope.occurredAtMs - receivedAtMs > CLOCK_AHEAD_MS,
      service,
      route,
      method: context.method ?? null,
      client,
      release,
      traceparent: context.traceparent ?? null,
      hasDropped: envelope.hasDropped,
      sanitized: isChanged ? withChanges(envelope.sanitized, isCodeKept ? [] : ['code_invalid']) : envelope.sanitized,
    });
  };
}

function branded(fields: RedactedFields): RedactedEnvelope {
  return fields as RedactedEnvelope;
}

function keptOf(text: string | undefined, maxLength: number, withoutEchoes: WithoutEchoes): string | null {
  return text === undefined ? null : clip(redactText(withoutEchoes(text)), maxLength);
}

function keptRoute(route: string | undefined, withoutEchoes: WithoutEchoes): string | null {
  return route === undefined ? null : clip(withoutQuery(redactText(withoutEchoes(route))), CONTEXT_LENGTHS.route);
}

/** A template has no query; where a raw path was sent in its place, what was asked is not kept. */
function withoutQuery(route: string): string {
  const mark = route.search(/[?#]./);
  return mark === -1 ? route : `${route.slice(0, mark + 1)}[query]`;
}

function withChanges(sanitized: readonly Sanitization[], changes: readonly Sanitization[]): readonly Sanitization[] {
  const all = new Set<Sanitization>([...sanitized, ...changes, 'redacted']);
  return SANITIZATIONS.filter((change) => all.has(change));
}
