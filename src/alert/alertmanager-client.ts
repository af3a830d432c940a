/**
 * One Alertmanager's API, nothing more: alerts in, one answer for each. An Alertmanager that hangs, refuses or is away
 * costs a few seconds and is said once in the log; one bad alert never holds up the others, since a request that is
 * answered 400 is halved until the bad one stands alone (Alertmanager keeps the valid ones of such a request anyway).
 */
import {
  BrokenCircuitError,
  ConsecutiveBreaker,
  ConstantBackoff,
  circuitBreaker,
  handleAll,
  handleWhen,
  retry,
  TaskCancelledError,
  TimeoutStrategy,
  timeout,
  wrap,
} from 'cockatiel';
import type { Alert } from './payload.ts';
import type { AlertLog, AlertmanagerClient } from './ports.ts';
import type { PushResult } from './spike.ts';

const MOST_ALERTS_A_REQUEST = 64;
const REQUEST_TIMEOUT_MS = 5_000;
const RETRY_AFTER_MS = 500;
/** After so many failures in a row it is left alone for a while. */
const BREAK_AFTER_FAILURES = 5;
const BREAK_MS = 10_000;
const LOGGED_BODY_CHARACTERS = 300;

export interface AlertmanagerConfig {
  /** Base URLs, a path prefix is allowed; user and password in one become its Authorization header. */
  readonly urls: readonly string[];
  /** Authorization header for all of them; null: none. */
  readonly authorization: string | null;
}

/** An answer that is neither an acceptance nor a refusal of what was sent. */
class PushFault extends Error {
  readonly isRetryable: boolean;
  constructor(text: string, isRetryable: boolean) {
    super(text);
    this.name = 'PushFault';
    this.isRetryable = isRetryable;
  }
}

type Answer = { readonly kind: 'accepted' } | { readonly kind: 'refused'; readonly body: string };

/** One client for each URL: every Alertmanager gets every alert, and none waits for another. */
export function createAlertmanagerClients(
  { urls, authorization }: AlertmanagerConfig,
  log: AlertLog,
): readonly AlertmanagerClient[] {
  return urls.map((url) => createAlertmanagerClient(url, authorization, log));
}

function createAlertmanagerClient(baseUrl: string, authorization: string | null, log: AlertLog): AlertmanagerClient {
  const { endpoint, name, headers } = addressOf(baseUrl, authorization);
  // One that hangs is not asked again at once: the next tick does, and others wait for this desk's answer.
  const isWorthRetrying = (error: unknown) =>
    !(
      error instanceof BrokenCircuitError ||
      error instanceof TaskCancelledError ||
      (error instanceof PushFault && !error.isRetryable)
    );
  const policy = wrap(
    retry(handleWhen(isWorthRetrying), { maxAttempts: 1, backoff: new ConstantBackoff(RETRY_AFTER_MS) }),
    circuitBreaker(handleAll, { halfOpenAfter: BREAK_MS, breaker: new ConsecutiveBreaker(BREAK_AFTER_FAILURES) }),
    timeout(REQUEST_TIMEOUT_MS, TimeoutStrategy.Aggressive),
  );
  let isFailing = false;

  async function post(alerts: readonly Alert[], signal: AbortSignal): Promise<Answer> {
    // A redirect could carry the alerts and their Authorization anywhere.
    const response = await fetch(endpoint, { method: 'POST', headers, body: JSON.stringify(alerts), redirect: 'error', signal });
    const body = await response.text();
    if (response.ok) return { kind: 'accepted' };
    if (response.status === 400) return { kind: 'refused', body };
    throw new PushFault(
      `answered ${response.status} (${body.length} characters)`,
      response.status >= 500 || response.status === 429,
    );
  }

  async function pushChunk(
    alerts: readonly Alert[],
    options: Parameters<AlertmanagerClient['push']>[1],
  ): Promise<readonly PushResult[]> {
    if (!options.mayPush()) return alerts.map(() => 'failed');
    let answer: Answer;
    try {
      answer = await policy.execute(({ signal }) => post(alerts, signal), options.signal);
    } catch (error) {
      if (!isFailing && !options.signal.aborted)
        log.warn({ alertmanager: name, reason: reasonOf(error) }, 'alerts cannot be pushed; trying again');
      isFailing = true;
      return alerts.map(() => 'failed');
    }
    if (isFailing) log.info({ alertmanager: name }, 'alerts can be pushed again');
    isFailing = false;
    if (answer.kind === 'accepted') return alerts.map(() => 'accepted');
    if (alerts.length === 1) {
      const body = answer.body.slice(0, LOGGED_BODY_CHARACTERS);
      log.warn(
        { alertmanager: name, alertname: alerts[0]?.labels['alertname'], code: alerts[0]?.labels['code'], body },
        'an alert was refused and is set aside',
      );
      return ['rejected'];
    }
    const middle = Math.ceil(alerts.length / 2);
    return [...(await pushChunk(alerts.slice(0, middle), options)), ...(await pushChunk(alerts.slice(middle), options))];
  }

  return {
    name,
    async push(alerts, options) {
      const results: PushResult[] = [];
      for (let start = 0; start < alerts.length; start += MOST_ALERTS_A_REQUEST) {
        results.push(...(await pushChunk(alerts.slice(start, start + MOST_ALERTS_A_REQUEST), options)));
      }
      return results;
    },
  };
}

function addressOf(baseUrl: string, authorization: string | null) {
  const url = new URL(baseUrl);
  const basic =
    url.username === ''
      ? null
      : `Basic ${Buffer.from(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`).toString('base64')}`;
  url.username = '';
  url.password = '';
  const base = `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
  const credentials = authorization ?? basic;
  const headers = { 'content-type': 'application/json', ...(credentials === null ? {} : { authorization: credentials }) };
  return { endpoint: `${base}/api/v2/alerts`, name: base, headers };
}

/** Class and system code, never a text that may quote what was sent or where to. */
function reasonOf(error: unknown): string {
  if (error instanceof PushFault) return error.message;
  if (!(error instanceof Error)) return 'unknown';
  const { cause } = error;
  const code =
    typeof cause === 'object' && cause !== null && 'code' in cause && typeof cause.code === 'string' ? ` ${cause.code}` : '';
  return `${error.name}${code}`;
}
