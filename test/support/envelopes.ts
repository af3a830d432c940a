/** Valid envelopes as producers send them: the nine that the watched API documents, and any other by its parts. */
import { randomBytes } from 'node:crypto';

export interface WireEnvelope {
  readonly status: 'error';
  readonly error: { readonly code: string; readonly message: string; readonly details?: Readonly<Record<string, unknown>> };
  /** RFC 3339. */
  readonly timestamp: string;
  readonly requestId: string;
  readonly context?: Readonly<Record<string, unknown>>;
}

export interface EnvelopeParts {
  readonly code?: string;
  readonly message?: string;
  /** Random when left out. */
  readonly requestId?: string;
  /** Now when left out: an old one would be rejected as `too_old`. */
  readonly timestamp?: string | Date;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly context?: Readonly<Record<string, unknown>>;
}

export function envelope(parts: EnvelopeParts = {}): WireEnvelope {
  const { code = 'TRUNK_NOT_FOUND', message = 'SIP trunk not found', requestId = randomRequestId(), details, context } = parts;
  const timestamp = parts.timestamp ?? new Date();
  return {
    status: 'error',
    error: { code, message, ...(details === undefined ? {} : { details }) },
    timestamp: typeof timestamp === 'string' ? timestamp : timestamp.toISOString(),
    requestId,
    ...(context === undefined ? {} : { context }),
  };
}

export function randomRequestId(): string {
  return `req_${randomBytes(6).toString('hex')}`;
}

/** `count` envelopes of one code with request ids of their own. */
export function envelopes(count: number, parts: Omit<EnvelopeParts, 'requestId'> = {}): readonly WireEnvelope[] {
  return Array.from({ length: count }, () => envelope(parts));
}

export function ndjson(all: readonly unknown[]): string {
  return all.map((one) => `${JSON.stringify(one)}\n`).join('');
}

/** The password that the documented validation error carries and that no disk, log or page may ever show. */
export const DOCUMENTED_SECRET = 'abc';

/** The documented examples, whole, in the documented order, occurring now and with request ids of their own. */
export function documentedEnvelopes(timestamp: Date = new Date()): readonly WireEnvelope[] {
  return DOCUMENTED.map((parts) => envelope({ ...parts, timestamp }));
}

const DOCUMENTED: readonly EnvelopeParts[] = [
  { code: 'INVALID_CREDENTIALS', message: 'Invalid email or password' },
  { code: 'TOKEN_EXPIRED', message: 'Access token has expired. Use refresh token to obtain a new one.' },
  { code: 'ACCOUNT_INACTIVE', message: 'Account is inactive. Contact support to reactivate.' },
  { code: 'TRUNK_NOT_FOUND', message: 'SIP trunk not found', details: { trunkId: 'TRK_invalid123' } },
  {
    code: 'DUPLICATE_USERNAME',
    message: 'Username already exists',
    details: { username: 'mytrunk', suggestion: 'Try mytrunk2 or mytrunk_2025' },
  },
  {
    code: 'INSUFFICIENT_BALANCE',
    message: 'Insufficient balance to purchase phone number',
    details: { required: 1000, available: 450, currency: 'USD', shortfall: 550 },
  },
  {
    code: 'PAYMENT_FAILED',
    message: 'Payment declined by gateway',
    details: { gateway: 'razorpay', reason: 'Insufficient funds in linked account' },
  },
  {
    code: 'RATE_LIMIT_EXCEEDED',
    message: 'CPS limit exceeded for this trunk',
    details: { limitType: 'cps', limit: 10, current: 15, retryAfter: 1 },
  },
  {
    code: 'VALIDATION_ERROR',
    message: 'Request validation failed',
    details: {
      errors: [
        { field: 'password', message: 'Password must be at least 8 characters', code: 'MIN_LENGTH', value: DOCUMENTED_SECRET },
        { field: 'email', message: 'Invalid email format', code: 'INVALID_FORMAT', value: 'notanemail' },
        { field: 'maxCps', message: 'Must be between 1 and 1000', code: 'OUT_OF_RANGE', value: 5000 },
      ],
    },
  },
];
