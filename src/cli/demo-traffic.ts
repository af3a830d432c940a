/**
 * Simulated API traffic for the demo: nine codes at their own rates, a daily rhythm compressed into minutes, details that
 * look real, and two codes that surge. Seeded, so that every demo tells the same story.
 */
/** A day of the simulation, in seconds. */
const RHYTHM_SECONDS = 6 * 3600;
/** How far the rhythm swings round its mean, as a share. */
const RHYTHM_SWING = 0.4;

interface Traffic {
  readonly code: string;
  /** Mean errors a minute. */
  readonly rate: number;
  readonly message: string;
  readonly details: (dice: Dice) => object | undefined;
  readonly service: string;
  readonly route: string;
}

export interface Surge {
  readonly code: string;
  readonly factor: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** What the surge's errors share: the evidence to be found. */
  readonly client: string;
  readonly release: string;
}

export type Dice = () => number;

/** Mulberry32: a small seeded generator, numbers in [0, 1). */
export function createDice(seed: number): Dice {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const pick = <T>(dice: Dice, items: readonly [T, ...T[]]): T => items[Math.floor(dice() * items.length)] ?? items[0];
const whole = (dice: Dice, least: number, most: number) => least + Math.floor(dice() * (most - least + 1));
const hex = (dice: Dice, length: number) => Array.from({ length }, () => Math.floor(dice() * 16).toString(16)).join('');

const TRAFFIC: readonly Traffic[] = [
  {
    code: 'INVALID_CREDENTIALS',
    rate: 12,
    message: 'Invalid email or password',
    details: () => undefined,
    service: 'auth',
    route: '/v1/auth/login',
  },
  {
    code: 'TOKEN_EXPIRED',
    rate: 30,
    message: 'Access token has expired. Use refresh token to obtain a new one.',
    details: () => undefined,
    service: 'auth',
    route: '/v1/calls',
  },
  {
    code: 'ACCOUNT_INACTIVE',
    rate: 0.5,
    message: 'Account is inactive. Contact support to reactivate.',
    details: () => undefined,
    service: 'auth',
    route: '/v1/auth/login',
  },
  {
    code: 'TRUNK_NOT_FOUND',
    rate: 3,
    message: 'SIP trunk not found',
    details: (dice) => ({ trunkId: `TRK_${hex(dice, 8)}` }),
    service: 'trunks',
    route: '/v1/trunks/{trunkId}',
  },
  {
    code: 'DUPLICATE_USERNAME',
    rate: 1,
    message: 'Username already exists',
    details: (dice) => ({ username: `trunk${whole(dice, 1, 99)}`, suggestion: 'Try adding the year' }),
    service: 'trunks',
    route: '/v1/trunks',
  },
  {
    code: 'INSUFFICIENT_BALANCE',
    rate: 4,
    message: 'Insufficient balance to purchase phone number',
    details: (dice) => {
      const available = whole(dice, 0, 900);
      return { required: 1000, available, currency: 'USD', shortfall: 1000 - available };
    },
    service: 'billing',
    route: '/v1/numbers',
  },
  {
    code: 'PAYMENT_FAILED',
    rate: 2,
    message: 'Payment declined by gateway',
    details: (dice) => ({ gateway: pick(dice, ['razorpay', 'stripe']), reason: 'Insufficient funds in linked account' }),
    service: 'billing',
    route: '/v1/payments',
  },
  {
    code: 'RATE_LIMIT_EXCEEDED',
    rate: 20,
    message: 'CPS limit exceeded for this trunk',
    details: (dice) => ({ limitType: 'cps', limit: 10, current: whole(dice, 11, 40), retryAfter: 1 }),
    service: 'calls',
    route: '/v1/calls',
  },
  {
    code: 'VALIDATION_ERROR',
    rate: 8,
    message: 'Request validation failed',
    details: (dice) => ({
      errors: [
        pick(dice, [
          { field: 'password', message: 'Password must be at least 8 characters', code: 'MIN_LENGTH', value: hex(dice, 5) },
          { field: 'email', message: 'Invalid email format', code: 'INVALID_FORMAT', value: `user${hex(dice, 3)}` },
          { field: 'maxCps', message: 'Must be between 1 and 1000', code: 'OUT_OF_RANGE', value: 5000 },
        ]),
      ],
    }),
    service: 'accounts',
    route: '/v1/accounts',
  },
];

/** Envelopes that occur in [fromMs, toMs), oldest first. */
export function simulateTraffic(fromMs: number, toMs: number, surges: readonly Surge[], dice: Dice): readonly object[] {
  const envelopes: { readonly atMs: number; readonly envelope: object }[] = [];
  const minutes = (toMs - fromMs) / 60_000;
  const rhythm = 1 + RHYTHM_SWING * Math.sin((2 * Math.PI * (fromMs / 1000)) / RHYTHM_SECONDS);
  for (const traffic of TRAFFIC) {
    const surge = surges.find(({ code, fromMs: start, toMs: end }) => code === traffic.code && fromMs >= start && fromMs < end);
    const usual = poisson(traffic.rate * rhythm * minutes, dice);
    const extra = surge === undefined ? 0 : poisson(traffic.rate * (surge.factor - 1) * minutes, dice);
    for (let n = 0; n < usual + extra; n += 1) {
      const atMs = fromMs + dice() * (toMs - fromMs);
      envelopes.push({ atMs, envelope: envelopeOf(traffic, n >= usual ? surge : undefined, atMs, dice) });
    }
  }
  return envelopes.sort((a, b) => a.atMs - b.atMs).map(({ envelope }) => envelope);
}

function envelopeOf(traffic: Traffic, surge: Surge | undefined, atMs: number, dice: Dice): object {
  const details = traffic.details(dice);
  return {
    status: 'error',
    error: { code: traffic.code, message: traffic.message, ...(details === undefined ? {} : { details }) },
    timestamp: new Date(atMs).toISOString(),
    requestId: `req_${hex(dice, 12)}`,
    context: {
      service: traffic.service,
      route: traffic.route,
      client: surge?.client ?? `acct_${whole(dice, 1000, 1039)}`,
      release: surge?.release ?? '2026.11.2',
    },
  };
}

/** Knuth 1969: products of uniforms; the means here are small. */
function poisson(mean: number, dice: Dice): number {
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = dice(); product > limit; product *= dice()) count += 1;
  return count;
}
