/**
 * A warning that gets worse, on a real PostgreSQL in time that the test moves and a real Alertmanager with the shipped
 * inhibit rules. Another process ends it than began it: what was decided is in the database.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { createAlertmanagerClients } from '../../src/alert/alertmanager-client.ts';
import type { DetectionLoop } from '../../src/alert/detection-loop.ts';
import { type Alertmanager, startAlertmanager } from '../support/alertmanager.ts';
import {
  BUCKET_MS,
  CODE,
  DEADLINE_MS,
  log,
  MINUTE_MS,
  NORMAL_COUNT,
  SURGE_COUNT,
  startWorld,
  stops,
} from '../support/detection-world.ts';
import { alertmanagerMissing, skipReason } from '../support/requirements.ts';
import { waitFor } from '../support/wait-for.ts';
import { spikeAlertsOf } from '../support/webhook-receiver.ts';

const CONFIG = new URL('../../deploy/alertmanager/alertmanager.yml', import.meta.url);

async function startShippedAlertmanager(): Promise<Alertmanager> {
  // A parser's cast: another test checks the file's shape.
  const { inhibit_rules } = parse(readFileSync(CONFIG, 'utf8')) as { inhibit_rules: unknown };
  // JSON is YAML.
  const alertmanager = await startAlertmanager({ extraConfig: `inhibit_rules: ${JSON.stringify(inhibit_rules)}\n` });
  stops.push(() => alertmanager.stop());
  return alertmanager;
}

test('a warning that gets ten times worse is critical too, which mutes it; both end together', {
  skip: skipReason(alertmanagerMissing),
}, async () => {
  const [world, alertmanager] = [await startWorld(), await startShippedAlertmanager()];
  const { nowMs } = world;
  await world.count(nowMs - 70 * MINUTE_MS, nowMs + 15 * MINUTE_MS, NORMAL_COUNT);
  await world.count(nowMs - 9 * MINUTE_MS, nowMs - 2 * MINUTE_MS, SURGE_COUNT);
  await world.count(nowMs - 2 * MINUTE_MS, nowMs + 3 * MINUTE_MS, 10 * SURGE_COUNT);
  const clients = createAlertmanagerClients({ urls: [alertmanager.url], authorization: null }, log);
  const listed = async () =>
    (await alertmanager.listAlerts())
      .filter(({ labels }) => labels['alertname'] === 'ApiErrorSpike')
      .toSorted((one, other) => (one.labels['severity'] ?? '').localeCompare(other.labels['severity'] ?? ''));
  async function tickUntilListed(loop: DetectionLoop, count: number) {
    return waitFor(
      async () => {
        await loop.tick();
        const found = await listed();
        return found.length === count && found.every(({ status }) => status.state !== 'unprocessed') && found;
      },
      { deadlineMs: DEADLINE_MS, what: `${count} alerts to be listed` },
    );
  }

  const first = world.loop({ clients });
  const [warning] = await tickUntilListed(first, 1);
  assert.deepEqual([warning?.labels['severity'], warning?.status.state], ['warning', 'active']);
  assert.equal((await world.spikes())[0]?.escalation, null);

  await world.moveClock(3 * MINUTE_MS);
  const [critical, muted] = await tickUntilListed(first, 2);
  assert.deepEqual(critical?.labels, { ...warning?.labels, severity: 'critical' });
  assert.deepEqual([critical?.status.state, muted?.status.state], ['active', 'suppressed']);
  assert.deepEqual([muted?.labels, muted?.annotations['summary']], [warning?.labels, warning?.annotations['summary']]);
  assert.deepEqual([critical?.startsAt, muted?.startsAt], [warning?.startsAt, warning?.startsAt]);
  assert.match(critical?.annotations['summary'] ?? '', /got worse: [\d,]+ errors in 5 minutes, \d+ times the expected/);
  assert.match(critical?.annotations['description'] ?? '', /It opened as a warning at .* UTC, with [\d.]+ times the expected\./);
  const [spike, ...others] = await world.spikes();
  assert.deepEqual([others, spike?.code], [[], CODE]);
  assert.ok((spike?.escalation?.observed ?? 0) >= 40 * (spike?.escalation?.expected ?? Number.POSITIVE_INFINITY));
  assert.deepEqual(spike?.labels, warning?.labels, 'the labels of the first stay');

  await first.stop();
  await world.moveClock(9 * MINUTE_MS);
  await tickUntilListed(world.loop({ clients }), 0);
  const [over] = await world.spikes();
  assert.deepEqual([over?.state, over?.escalation], ['resolved', spike?.escalation]);
  const resolved = await waitFor(
    () => {
      const ends = spikeAlertsOf(alertmanager, 'resolved');
      return ends.some(({ labels }) => labels['severity'] === 'critical') && ends;
    },
    { deadlineMs: DEADLINE_MS, what: 'the end of the critical one to be notified' },
  );
  assert.equal(new Set(resolved.map(({ endsAt }) => endsAt)).size, 1, 'both ended at one moment');
});

test('a surge that was this large half a minute after it began stays the warning it was told as', async () => {
  const world = await startWorld();
  const { nowMs } = world;
  const [normal, startMs] = [100, nowMs - 20 * MINUTE_MS];
  await world.count(nowMs - 70 * MINUTE_MS, startMs, normal);
  await world.count(startMs, startMs + 3 * BUCKET_MS, 4 * normal);
  await world.count(startMs + 3 * BUCKET_MS, nowMs, 30 * normal);
  await world.loop().tick();
  const [spike, ...others] = await world.spikes();
  assert.deepEqual([others, spike?.labels['severity'], spike?.closedAtMs], [[], 'warning', null]);
  assert.ok((spike?.observed ?? 0) < 6 * (spike?.expected ?? 0), 'it opened with little of it');
  assert.equal(spike?.escalation, null);
});
