/** From an empty installation: the first envelope of each code, as a real Prometheus sees it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { BUILT_IN_CATALOGUE } from '../../src/catalogue/built-in.ts';
import { parseCatalogue } from '../../src/catalogue/parse-catalogue.ts';
import { envelopes, ndjson } from '../support/envelopes.ts';
import { startPrometheus } from '../support/prometheus.ts';
import { prometheusMissing, skipReason } from '../support/requirements.ts';
import { startSurgewatch } from '../support/surgewatch-process.ts';
import { waitFor } from '../support/wait-for.ts';

const DEADLINE_MS = 60_000;

test('the first error of each catalogued code is an increase over five minutes, since its counter stood at 0 before', {
  skip: skipReason(prometheusMissing),
}, async () => {
  const { codes } = parseCatalogue(readFileSync(BUILT_IN_CATALOGUE, 'utf8'), 'built-in.yaml');
  const service = await startSurgewatch();
  const prometheus = await startPrometheus({ target: `127.0.0.1:${service.port}` });
  try {
    const valuesOf = async (promql: string) =>
      new Map((await prometheus.query(promql)).map(({ metric, value }) => [`${metric['code']} ${metric['status']}`, +value[1]]));
    const isScraped = async () => (await valuesOf('surgewatch_errors_total')).size > 0;
    await waitFor(isScraped, { deadlineMs: DEADLINE_MS, what: 'the first scrape' });
    const before = await valuesOf('surgewatch_errors_total');
    assert.deepEqual([...before].toSorted(), [...codes.values()].map(({ code, status }) => [`${code} ${status}`, 0]).toSorted());

    const firsts = [...codes.keys()].flatMap((code) => envelopes(1, { code }));
    const body = ndjson(firsts);
    const headers = { 'content-type': 'application/x-ndjson' };
    assert.equal((await fetch(`${service.url}/v1/envelopes`, { method: 'POST', headers, body })).status, 200);
    const increases = () => valuesOf('increase(surgewatch_errors_total[5m])');
    const isSeen = async () => {
      const seen = await increases();
      return seen.size === codes.size && [...seen.values()].every((increase) => increase >= 0.9);
    };
    await waitFor(isSeen, { deadlineMs: DEADLINE_MS, what: 'increase() of every code to be at least 0.9' });
    assert.deepEqual(
      [...(await valuesOf('surgewatch_errors_total')).values()],
      [...codes.keys()].map(() => 1),
    );
  } finally {
    await prometheus.stop();
    await service.stop();
  }
});
