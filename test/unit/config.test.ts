import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../src/config.ts';
import { ConfigurationFault } from '../../src/errors.ts';

function faultsOf(env: Readonly<Record<string, string>>, readText?: (path: string) => string): readonly string[] {
  try {
    loadConfig(env, readText);
  } catch (error) {
    if (error instanceof ConfigurationFault) return error.faults;
    throw error;
  }
  return [];
}

test('an empty environment is a whole configuration: loopback, embedded database, nothing else joined', () => {
  const config = loadConfig({});
  assert.equal(config.http.host, '127.0.0.1');
  assert.equal(config.http.port, 8080);
  assert.equal(config.database.url, null);
  assert.equal(config.kafka, null);
  assert.deepEqual(config.alert.alertmanagerUrls, []);
  assert.equal(config.alert.holdSeconds, 300);
});

test('all faults are told at once, by name and never with the value', () => {
  const env = {
    PORT: 'canary-1',
    KAFKA_BROKERS: 'canary-2',
    DATABASE_URL: 'canary-3',
    EXEMPLARS: 'canary-4',
    ALERT_LABELS: 'a-b=canary-5',
  };
  const faults = faultsOf(env);
  assert.equal(faults.length, 5);
  for (const name of Object.keys(env)) assert.equal(faults.filter((fault) => fault.startsWith(name)).length, 1, name);
  assert.ok(!faults.join().includes('canary'));
});

test('a near miss of a known name is a warning that names the right one', () => {
  assert.deepEqual(loadConfig({ KAFKA_BROKER: 'x:1' }).warnings, ['KAFKA_BROKER is not a setting; did you mean KAFKA_BROKERS?']);
  assert.deepEqual(loadConfig({ RETENTION_DASY: '3' }).warnings, [
    'RETENTION_DASY is not a setting; did you mean RETENTION_DAYS?',
  ]);
  assert.deepEqual(loadConfig({ HOSTNAME: 'x', PATH: 'y' }).warnings, []);
});

test('NAME_FILE gives the value of NAME, and both at once are a contradiction', () => {
  const read = (path: string) => (path === '/run/token' ? 'Bearer x\n' : assert.fail());
  assert.equal(loadConfig({ ALERTMANAGER_AUTHORIZATION_FILE: '/run/token' }, read).alert.authorization, 'Bearer x');
  assert.match(
    faultsOf({ ALERTMANAGER_AUTHORIZATION_FILE: '/run/token', ALERTMANAGER_AUTHORIZATION: 'y' }, read).join(),
    /both set/,
  );
  assert.match(faultsOf({ DATABASE_URL_FILE: '/none' }).join(), /^DATABASE_URL_FILE names a file that cannot be read/);
});

test('a secret is masked where the configuration is printed', () => {
  const { printed } = loadConfig({ DATABASE_URL: 'postgres://me:canary@db/x', KAFKA_SASL_PASSWORD: 'canary' });
  assert.ok(!JSON.stringify(printed).includes('canary'));
  assert.deepEqual(
    printed.find(({ name }) => name === 'DATABASE_URL'),
    { name: 'DATABASE_URL', value: '(secret)', origin: 'environment' },
  );
});

test('the traffic needs both its expression and where to ask it, and its address is a secret', () => {
  const expression = { TRAFFIC_PROMQL: 'sum(rate(http_requests_total[1m]))' };
  const address = { PROMETHEUS_URL: 'https://me:canary@prometheus.example/prefix/' };
  assert.match(faultsOf(expression).join(), /set both, or neither/);
  assert.match(faultsOf(address).join(), /set both, or neither/);
  const config = loadConfig({ ...expression, ...address });
  assert.deepEqual(config.traffic, { promql: expression.TRAFFIC_PROMQL, url: 'https://me:canary@prometheus.example/prefix' });
  assert.ok(!JSON.stringify(config.printed).includes('canary'));
  assert.deepEqual(config.warnings, []);
  assert.equal(loadConfig({}).traffic, null);
});

test('a start that would need credentials is refused with that reason, since there are none yet', () => {
  assert.match(faultsOf({ HOST: '0.0.0.0' }).join(), /no credentials yet/);
  assert.match(faultsOf({ PUBLIC_URL: 'https://errors.example' }).join(), /no credentials yet/);
  assert.match(faultsOf({ HOST: '0.0.0.0', AUTH: 'off' }).join(), /only when HOST is a loopback/);
  assert.deepEqual(faultsOf({ PUBLIC_URL: 'https://errors.example', AUTH: 'off' }), []);
});

test('a dead letter topic that is the source itself is refused: it would be read and rejected for ever', () => {
  assert.throws(
    () => loadConfig({ KAFKA_BROKERS: 'k:9092', KAFKA_DLQ_TOPIC: 'api.errors.v1' }),
    /KAFKA_DLQ_TOPIC must be another topic/,
  );
  assert.equal(loadConfig({ KAFKA_BROKERS: 'k:9092', KAFKA_DLQ_TOPIC: 'dead' }).kafka?.dlqTopic, 'dead');
});
