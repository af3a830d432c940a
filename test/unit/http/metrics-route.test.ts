/** The scrape's two formats, and who shares a rendering with whom. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acceptsOnlyClassic, shareRendering, toClassic } from '../../../src/http/metrics-route.ts';
import { createMetrics, createRegistry } from '../../../src/metrics.ts';

test('the classic form has no exemplar and no EOF, and counters under their full name', async () => {
  const registry = createRegistry();
  const metrics = createMetrics(registry);
  metrics.errorsTotal.inc({ labels: { code: 'A', status: '400' }, value: 2, exemplarLabels: { request_id: 'req_1' } });
  metrics.kafkaConsumerLag.set({ topic: 'odd # {a="b"} 1', partition: '0' }, 5);
  const openMetrics = await registry.metrics();
  assert.match(openMetrics, / # \{request_id="req_1"\}/);
  const classic = toClassic(openMetrics);
  assert.match(
    classic,
    /^# HELP surgewatch_errors_total .*\n# TYPE surgewatch_errors_total counter\nsurgewatch_errors_total\{code="A",status="400"\} 2$/m,
  );
  assert.match(classic, /^surgewatch_kafka_consumer_lag\{topic="odd # \{a=\\"b\\"\} 1",partition="0"\} 5$/m);
  assert.match(classic, /^# TYPE surgewatch_database_up gauge$/m);
  assert.doesNotMatch(classic, /# EOF|# \{request_id/);
});

test('the classic form is for those who take nothing else', () => {
  assert.equal(acceptsOnlyClassic('text/plain'), true);
  assert.equal(acceptsOnlyClassic('text/plain;version=0.0.4;q=0.5'), true);
  assert.equal(acceptsOnlyClassic(undefined), false);
  assert.equal(acceptsOnlyClassic('*/*'), false);
  assert.equal(acceptsOnlyClassic('application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'), false);
});

test('a scrape that comes during a rendering waits for the next one, and shares it', async () => {
  const finish: ((text: string) => void)[] = [];
  const render = shareRendering(() => new Promise((resolve) => finish.push(resolve)));
  const first = render();
  const [second, third] = [render(), render()];
  assert.equal(finish.length, 1);
  finish[0]?.('before');
  assert.equal(await first, 'before');
  await new Promise(setImmediate);
  assert.equal(finish.length, 2);
  finish[1]?.('after');
  assert.deepEqual(await Promise.all([second, third]), ['after', 'after']);
});

test('a rendering that fails does not fail the next one', async () => {
  let calls = 0;
  const render = shareRendering(async () => {
    calls += 1;
    if (calls === 1) throw new Error('once');
    return 'fine';
  });
  await assert.rejects(render());
  assert.equal(await render(), 'fine');
});
