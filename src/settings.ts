/**
 * Every setting: its type, default, one sentence for people, whether it is secret, and how its text is read. README's
 * table is made from this one.
 */
export type Parse<T> = (text: string) => T | Refusal;
/** What a setting's value may be, instead of the value that was given. */
export class Refusal {
  readonly allowed: string;
  constructor(allowed: string) {
    this.allowed = allowed;
  }
}

export interface Setting<T> {
  /** What the value is, for people: shown in README's table. */
  readonly type: string;
  /** Text as it would be typed; null: absent unless set. */
  readonly default: string | null;
  /** One sentence. */
  readonly text: string;
  readonly isSecret?: true;
  readonly parse: Parse<T>;
}

const LARGEST_PORT = 65_535;

const text: Parse<string> = (value) => value;
const integer =
  (least: number, most: number): Parse<number> =>
  (value) => {
    const parsed = Number(value);
    const isAllowed = /^\d+$/.test(value) && parsed >= least && parsed <= most;
    return isAllowed ? parsed : new Refusal(`a whole number from ${least} to ${most}`);
  };
const positive: Parse<number> = (value) => {
  const parsed = Number(value);
  return /^\d+(\.\d+)?$/.test(value) && parsed > 0 ? parsed : new Refusal('a number above 0');
};
const choice =
  <const C extends readonly string[]>(...choices: C): Parse<C[number]> =>
  (value) =>
    choices.find((each) => each === value) ?? new Refusal(`one of ${choices.join(', ')}`);
const flag: Parse<boolean> = (value) => (value === 'true' ? true : value === 'false' ? false : new Refusal('true or false'));
const url =
  (...schemes: readonly string[]): Parse<string> =>
  (value) => {
    const isAllowed = URL.canParse(value) && schemes.includes(new URL(value).protocol);
    return isAllowed
      ? value.replace(/\/+$/, '')
      : new Refusal(`a URL that begins with ${schemes.map((each) => `${each}//`).join(' or ')}`);
  };
const httpUrl = url('http:', 'https:');
const list =
  <T>(item: Parse<T>): Parse<readonly T[]> =>
  (value) => {
    const items: T[] = [];
    for (const part of value.split(',').map((each) => each.trim())) {
      const parsed = item(part);
      if (parsed instanceof Refusal) return new Refusal(`a comma list, each ${parsed.allowed}`);
      items.push(parsed);
    }
    return items;
  };
const hostAndPort: Parse<string> = (value) => (/^[^\s,:/]+:\d{1,5}$/.test(value) ? value : new Refusal('HOST:PORT'));
const label: Parse<readonly [string, string]> = (value) => {
  const [, name, content] = /^([a-zA-Z_][a-zA-Z0-9_]*)=(.+)$/.exec(value) ?? [];
  return name === undefined || content === undefined ? new Refusal('name=value with a Prometheus label name') : [name, content];
};
const replicaId: Parse<string> = (value) =>
  /^[A-Za-z0-9._-]{1,64}$/.test(value) ? value : new Refusal('1 to 64 characters of A-Z a-z 0-9 . _ -');

const define = <T>(setting: Setting<T>): Setting<T> => setting;

export const SETTINGS = {
  HOST: define({ type: 'address', default: '127.0.0.1', text: 'Address the HTTP server listens on.', parse: text }),
  PORT: define({
    type: 'port',
    default: '8080',
    text: 'Port the HTTP server listens on; 0 picks a free one.',
    parse: integer(0, LARGEST_PORT),
  }),
  PUBLIC_URL: define({
    type: 'URL',
    default: null,
    text: 'Where people reach the pages; may carry a path prefix. Default: http://HOST:PORT.',
    parse: httpUrl,
  }),
  TRUSTED_PROXIES: define({ type: 'list', default: null, text: 'Proxies whose X-Forwarded-For is believed.', parse: list(text) }),
  DATABASE_URL: define({
    type: 'URL',
    default: null,
    text: 'PostgreSQL 14 or newer; absent: the embedded one under DATA_DIR.',
    isSecret: true,
    parse: url('postgres:', 'postgresql:'),
  }),
  MIGRATION_DATABASE_URL: define({
    type: 'URL',
    default: null,
    text: 'Owner of the schema, for migrations. Default: DATABASE_URL.',
    isSecret: true,
    parse: url('postgres:', 'postgresql:'),
  }),
  DATA_DIR: define({ type: 'folder', default: './data', text: 'Where the embedded PostgreSQL keeps its data.', parse: text }),
  REPLICA_ID: define({
    type: 'name',
    default: null,
    text: 'Name of this replica, unique among those that run. Default: the host name.',
    parse: replicaId,
  }),
  RETENTION_DAYS: define({
    type: 'days',
    default: '30',
    text: 'How long envelopes are kept; at least the topic retention + 7.',
    parse: integer(1, 3650),
  }),
  LOG_LEVEL: define({
    type: 'choice',
    default: 'info',
    text: 'fatal, error, warn, info, debug or trace.',
    parse: choice('fatal', 'error', 'warn', 'info', 'debug', 'trace'),
  }),
  KAFKA_BROKERS: define({
    type: 'list',
    default: null,
    text: 'Comma list of HOST:PORT; absent: Kafka is off.',
    parse: list(hostAndPort),
  }),
  KAFKA_TOPIC: define({ type: 'name', default: 'api.errors.v1', text: 'Topic that holds the envelopes.', parse: text }),
  KAFKA_GROUP_ID: define({
    type: 'name',
    default: 'surgewatch',
    text: 'Consumer group; a new one starts at the earliest offset.',
    parse: text,
  }),
  KAFKA_DLQ_TOPIC: define({
    type: 'name',
    default: null,
    text: 'Topic that also gets the original bytes of rejected records, unredacted; absent: their record in PostgreSQL only.',
    parse: text,
  }),
  KAFKA_CLIENT: define({
    type: 'choice',
    default: 'kafkajs',
    text: 'kafkajs or platformatic: the library that speaks to Kafka. Both may share a group while one takes over.',
    parse: choice('kafkajs', 'platformatic'),
  }),
  KAFKA_SSL: define({ type: 'flag', default: 'false', text: 'Speak TLS to the brokers.', parse: flag }),
  KAFKA_SSL_CA_FILE: define({ type: 'file', default: null, text: 'CA certificate of the brokers, PEM.', parse: text }),
  KAFKA_SASL_MECHANISM: define({
    type: 'choice',
    default: null,
    text: 'plain, scram-sha-256 or scram-sha-512.',
    parse: choice('plain', 'scram-sha-256', 'scram-sha-512'),
  }),
  KAFKA_SASL_USERNAME: define({ type: 'text', default: null, text: 'SASL user.', parse: text }),
  KAFKA_SASL_PASSWORD: define({ type: 'text', default: null, text: 'SASL password.', isSecret: true, parse: text }),
  ALERTMANAGER_URLS: define({
    type: 'list',
    default: null,
    text: 'Every Alertmanager, each gets every alert; a path prefix is allowed.',
    parse: list(httpUrl),
  }),
  ALERTMANAGER_AUTHORIZATION: define({
    type: 'text',
    default: null,
    text: 'Authorization header for all of them.',
    isSecret: true,
    parse: text,
  }),
  ALERTMANAGER_PUBLIC_URL: define({
    type: 'URL',
    default: null,
    text: 'Where people reach Alertmanager, for silence links.',
    parse: httpUrl,
  }),
  DASHBOARD_URL: define({ type: 'URL', default: null, text: 'Dashboard linked from alerts.', parse: httpUrl }),
  RUNBOOK_URL: define({ type: 'URL', default: null, text: 'Runbook linked from alerts.', parse: httpUrl }),
  STATUS_PAGE_URL: define({ type: 'URL', default: null, text: 'Public status page, linked for support.', parse: httpUrl }),
  ALERT_HOLD_SECONDS: define({
    type: 'seconds',
    default: '300',
    text: "How long a spike stays closed before its resolve; at least Alertmanager's group_interval.",
    parse: integer(1, 86_400),
  }),
  ALERT_LABELS: define({
    type: 'list',
    default: null,
    text: 'Static labels on every alert, env=prod,region=eu; our own names win.',
    parse: list(label),
  }),
  FALSE_PAGES_PER_WEEK: define({
    type: 'number',
    default: '1',
    text: 'False pages a week that the whole installation accepts; the threshold follows from it.',
    parse: positive,
  }),
  TRAFFIC_PROMQL: define({
    type: 'PromQL',
    default: null,
    text: 'All requests of the API a second, as one series: sum(rate(http_requests_total[1m])); expectations then follow the traffic.',
    parse: text,
  }),
  PROMETHEUS_URL: define({
    type: 'URL',
    default: null,
    text: 'Prometheus that TRAFFIC_PROMQL is asked of; a path prefix, a user and a password are allowed.',
    isSecret: true,
    parse: httpUrl,
  }),
  CATALOGUE_FILE: define({
    type: 'file',
    default: null,
    text: 'YAML catalogue of your own codes; absent: the built-in one.',
    parse: text,
  }),
  AUTH: define({
    type: 'choice',
    default: null,
    text: 'required or off; off only on a loopback HOST. Default: off there when neither PUBLIC_URL nor TRUSTED_PROXIES is set, else required.',
    parse: choice('required', 'off'),
  }),
  EXEMPLARS: define({
    type: 'flag',
    default: 'true',
    text: 'Attach the last requestId to errors_total as exemplar.',
    parse: flag,
  }),
} as const;
