/**
 * The whole configuration, from the table of settings: one `loadConfig(env)`. Nothing behind it ever sees the environment.
 * All faults are gathered and thrown at once, by name and without values, before anything opens.
 */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { ConfigurationFault } from './errors.ts';
import { Refusal, SETTINGS, type Setting } from './settings.ts';

const LOOPBACK = new Set(['127.0.0.1', '::1', '[::1]', 'localhost']);

export type SettingName = keyof typeof SETTINGS;
type Parsed<N extends SettingName> = Exclude<ReturnType<(typeof SETTINGS)[N]['parse']>, Refusal>;
type Values = { readonly [N in SettingName]: Parsed<N> | null };

/** Names of the contract that a later version reads; setting one now is a warning, never silence. */
const NOT_YET = ['BOOTSTRAP_ADMIN_TOKEN', 'WEBHOOK_SECRETS'];

export type Config = ReturnType<typeof assemble> & {
  /** Sentences about what was set but is not used. */
  readonly warnings: readonly string[];
  /** Every effective value as text, secrets masked, and where it came from. */
  readonly printed: readonly { readonly name: SettingName; readonly value: string; readonly origin: string }[];
};

/** @throws ConfigurationFault with every fault found. `readText` reads a `NAME_FILE`. */
export function loadConfig(
  env: Readonly<Record<string, string | undefined>>,
  readText = (path: string) => readFileSync(path, 'utf8'),
): Config {
  const faults: string[] = [];
  const printed: { name: SettingName; value: string; origin: string }[] = [];

  function read<N extends SettingName>(name: N): Parsed<N> | null;
  function read(name: SettingName): unknown {
    const setting: Setting<unknown> = SETTINGS[name];
    const [raw, origin] = rawValue(name, setting.default);
    const shown = raw === null ? '' : setting.isSecret ? '(secret)' : raw;
    printed.push({ name, value: shown, origin });
    if (raw === null) return null;
    const value = setting.parse(raw);
    if (!(value instanceof Refusal)) return value;
    faults.push(`${name} (${origin}) must be ${value.allowed}.`);
    return null;
  }
  function rawValue(name: SettingName, fallback: string | null): readonly [string | null, string] {
    const direct = env[name];
    const path = name.endsWith('_FILE') ? undefined : env[`${name}_FILE`];
    if (path !== undefined && path !== '') {
      if (direct !== undefined && direct !== '') faults.push(`${name} and ${name}_FILE are both set; set one.`);
      try {
        return [readText(path).trim(), `${name}_FILE`];
      } catch {
        faults.push(`${name}_FILE names a file that cannot be read.`);
        return [null, `${name}_FILE`];
      }
    }
    return direct === undefined || direct === '' ? [fallback, 'default'] : [direct, 'environment'];
  }

  const values = Object.fromEntries(
    Object.keys(SETTINGS).map((name) => [name, isSettingName(name) ? read(name) : null]),
  ) as Values;
  faults.push(...contradictions(values));
  if (faults.length > 0) throw new ConfigurationFault(faults);
  return { ...assemble(values), warnings: nearMisses(env), printed };
}

function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name);
}

function contradictions(values: Values): readonly string[] {
  const found: string[] = [];
  const isLoopback = LOOPBACK.has(values.HOST ?? '');
  const auth = values.AUTH ?? (isLoopback && values.PUBLIC_URL === null && values.TRUSTED_PROXIES === null ? 'off' : 'required');
  if (auth === 'off' && !isLoopback) found.push('AUTH=off is allowed only when HOST is a loopback address.');
  if (auth === 'required') {
    found.push(
      'AUTH=required is needed here (HOST is not loopback, or PUBLIC_URL or TRUSTED_PROXIES is set), but this version has no credentials yet: listen on 127.0.0.1 and set AUTH=off, behind a proxy that authenticates.',
    );
  }
  if (values.KAFKA_DLQ_TOPIC !== null && values.KAFKA_DLQ_TOPIC === values.KAFKA_TOPIC) {
    found.push('KAFKA_DLQ_TOPIC must be another topic than KAFKA_TOPIC: it would be read and rejected again for ever.');
  }
  if (values.KAFKA_SASL_MECHANISM !== null && (values.KAFKA_SASL_USERNAME === null || values.KAFKA_SASL_PASSWORD === null)) {
    found.push('KAFKA_SASL_MECHANISM needs KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD.');
  }
  if ((values.TRAFFIC_PROMQL === null) !== (values.PROMETHEUS_URL === null)) {
    found.push('TRAFFIC_PROMQL and PROMETHEUS_URL need each other: set both, or neither.');
  }
  return found;
}

function assemble(values: Values) {
  const known = <T>(value: T | null): T => {
    if (value === null) throw new Error('a setting with a default has no value');
    return value;
  };
  const host = known(values.HOST);
  const mechanism = values.KAFKA_SASL_MECHANISM;
  return {
    logLevel: known(values.LOG_LEVEL),
    replicaId:
      values.REPLICA_ID ??
      hostname()
        .replace(/[^A-Za-z0-9._-]/g, '-')
        .slice(0, 64),
    retentionDays: known(values.RETENTION_DAYS),
    catalogueFile: values.CATALOGUE_FILE,
    hasExemplars: known(values.EXEMPLARS),
    http: {
      host,
      port: known(values.PORT),
      publicUrl: values.PUBLIC_URL,
      trustedProxies: values.TRUSTED_PROXIES ?? [],
      statusPageUrl: values.STATUS_PAGE_URL,
    },
    database: {
      url: values.DATABASE_URL,
      migrationUrl: values.MIGRATION_DATABASE_URL ?? values.DATABASE_URL,
      dataDir: known(values.DATA_DIR),
    },
    kafka:
      values.KAFKA_BROKERS === null
        ? null
        : {
            brokers: values.KAFKA_BROKERS,
            topic: known(values.KAFKA_TOPIC),
            groupId: known(values.KAFKA_GROUP_ID),
            dlqTopic: values.KAFKA_DLQ_TOPIC,
            client: known(values.KAFKA_CLIENT),
            ssl: known(values.KAFKA_SSL),
            sslCaFile: values.KAFKA_SSL_CA_FILE,
            sasl:
              mechanism === null
                ? null
                : { mechanism, username: values.KAFKA_SASL_USERNAME ?? '', password: values.KAFKA_SASL_PASSWORD ?? '' },
          },
    alert: {
      alertmanagerUrls: values.ALERTMANAGER_URLS ?? [],
      authorization: values.ALERTMANAGER_AUTHORIZATION,
      alertmanagerPublicUrl: values.ALERTMANAGER_PUBLIC_URL,
      dashboardUrl: values.DASHBOARD_URL,
      runbookUrl: values.RUNBOOK_URL,
      holdSeconds: known(values.ALERT_HOLD_SECONDS),
      labels: Object.fromEntries(values.ALERT_LABELS ?? []),
      falsePagesPerWeek: known(values.FALSE_PAGES_PER_WEEK),
    },
    /** null: expectations follow the time of day alone. */
    traffic:
      values.TRAFFIC_PROMQL === null || values.PROMETHEUS_URL === null
        ? null
        : { promql: values.TRAFFIC_PROMQL, url: values.PROMETHEUS_URL },
  };
}

/** Names in the environment that look like ours but are not. */
function nearMisses(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  const known = new Set(Object.keys(SETTINGS).flatMap((name) => (name.endsWith('_FILE') ? [name] : [name, `${name}_FILE`])));
  const warnings: string[] = [];
  for (const name of Object.keys(env)) {
    if (known.has(name)) continue;
    if (NOT_YET.includes(name)) warnings.push(`${name} is set but this version does not use it yet.`);
    else if (name.length >= 6) {
      const near = [...known].find((each) => each.length >= 6 && isNear(name, each));
      if (near !== undefined) warnings.push(`${name} is not a setting; did you mean ${near}?`);
    }
  }
  return warnings;
}

/** One insertion, deletion, change or swap apart. */
function isNear(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1 || a === b) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  const [left, right] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  return (left.length <= 1 && right.length <= 1) || (left.length === 2 && left === [...right].reverse().join(''));
}
