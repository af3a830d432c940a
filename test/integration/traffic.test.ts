/**
 * Expectations that follow the traffic, on a real PostgreSQL and a real Prometheus that already knows days of it. As in
 * detection-world.ts the database's clock is moved on, and stands in the past, so that Prometheus knows what is next.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createPrometheusClient, type PrometheusClient } from '../../src/alert/prometheus-client.ts';
import { createTestClock, DEADLINE_MS, MINUTE_MS, startWorld, stops, type World } from '../support/detection-world.ts';
import { type Prometheus, startPrometheus } from '../support/prometheus.ts';
import { prometheusMissing, skipReason } from '../support/requirements.ts';
import { waitFor } from '../support/wait-for.ts';

/** What Prometheus and the counts know of the time after the start of a test, which lies so far back. */
const AHEAD_MS = 12 * MINUTE_MS;
const TICK_MS = 4_000;
const HISTORY_DAYS = 2.2;
const ERRORS_FROM_MS = 26 * 60 * MINUTE_MS;
const SCRAPE_SECONDS = 15;
const USUAL_PER_SECOND = 100;
const ERRORS_A_BUCKET = 6;
const PROMQL = 'sum(rate(http_requests_total[1m]))';

/** Two targets' counters until now, `times` the usual traffic since `changesAtMs`. */
function requestHistory(untilMs: number, changesAtMs: number, times: number): string {
  const lines = ['# TYPE http_requests counter'];
  for (const path of ['/a', '/b']) {
    let total = 0;
    const end = Math.floor(untilMs / 1000);
    for (let at = end - HISTORY_DAYS * 86_400; at <= end; at += SCRAPE_SECONDS) {
      total += (USUAL_PER_SECOND / 2) * SCRAPE_SECONDS * (at * 1000 > changesAtMs ? times : 1);
      lines.push(`http_requests_total{path="${path}"} ${total} ${at}`);
    }
  }
  return `${lines.join('\n')}\n# EOF\n`;
}

async function openPrometheus(history: string, port?: number): Promise<Prometheus> {
  const prometheus = await startPrometheus({
    target: '127.0.0.1:1', // nobody listens there: what it knows is its history
    history,
    ...(port === undefined ? {} : { port }),
  });
  stops.push(() => prometheus.stop());
  return prometheus;
}

/** A loop that asks this Prometheus, what it said, and its time. */
function startLoop(world: World, url: string) {
  const logged: string[] = [];
  const say = (_fields: object, text: string) => void logged.push(text);
  const clock = createTestClock();
  const client = createPrometheusClient({ url, promql: PROMQL });
  let answered: Promise<unknown> = Promise.resolve();
  const prometheus: PrometheusClient = {
    readTraffic(query) {
      const answer = client.readTraffic(query);
      answered = answer.catch(() => {});
      return answer;
    },
  };
  const log = { debug() {}, info: say, warn: say, error: (fields: object, text: string) => console.error(text, fields) };
  const loop = world.loop({ prometheus, clock, log });
  return {
    logged,
    stop: loop.stop,
    /** Ticks as time goes on, until `ms` later. */
    async run(ms: number): Promise<void> {
      for (let gone = 0; gone < ms; gone += TICK_MS) {
        await world.moveClock(TICK_MS);
        clock.move(TICK_MS);
        await loop.tick();
        await answered; // in 4 s of real time it would have
      }
    },
    /** Ticks while time stands still. */
    tickUntil: (what: string, condition: () => Promise<boolean>) =>
      waitFor(
        async () => {
          await loop.tick();
          return condition();
        },
        { deadlineMs: DEADLINE_MS, what },
      ),
  };
}

const upOf = async ({ metrics }: World) => (await metrics.trafficUp.get()).values[0]?.value;
const factorOf = async ({ metrics }: World) => (await metrics.trafficFactor.get()).values[0]?.value;

describe('with a Prometheus that knows the traffic', { skip: skipReason(prometheusMissing) }, () => {
  test('errors that triple with the traffic are no spike; they are when the traffic stays as it was', async () => {
    for (const [times, spikeCount] of [
      [3, 0],
      [1, 1],
    ] as const) {
      const world = await startWorld();
      const changesAtMs = world.nowMs + MINUTE_MS;
      const prometheus = await openPrometheus(requestHistory(world.nowMs + AHEAD_MS, changesAtMs, times));
      await world.count(world.nowMs - ERRORS_FROM_MS, changesAtMs, ERRORS_A_BUCKET);
      await world.count(changesAtMs, world.nowMs + AHEAD_MS, ERRORS_A_BUCKET * 3);
      const loop = startLoop(world, prometheus.url);
      await loop.tickUntil('the history of traffic and errors to be learnt', async () => {
        const [row] = await world.query('select evaluated_until from detector_progress');
        return row?.['evaluated_until'] !== null;
      });
      await loop.run(5 * MINUTE_MS);
      assert.equal((await world.spikes()).length, spikeCount, `traffic times ${times}`);
      const factor = await factorOf(world);
      assert.ok(factor !== undefined && Math.abs(factor / times - 1) < 0.1, `traffic times ${times}: factor ${factor}`);
    }
  });

  test('a surge at the usual traffic says which share of requests failed, and which usually does', async () => {
    const world = await startWorld();
    const surgesAtMs = world.nowMs + MINUTE_MS;
    const prometheus = await openPrometheus(requestHistory(world.nowMs + AHEAD_MS, surgesAtMs, 1));
    await world.count(world.nowMs - ERRORS_FROM_MS, world.nowMs + AHEAD_MS, ERRORS_A_BUCKET);
    await world.count(surgesAtMs, world.nowMs + AHEAD_MS, ERRORS_A_BUCKET * 10);
    const loop = startLoop(world, prometheus.url);
    await loop.tickUntil('the traffic to be known', async () => (await upOf(world)) === 1);
    await loop.run(3 * MINUTE_MS);
    const [spike] = await world.spikes();
    assert.ok(spike !== undefined && spike.evidence.traffic !== null, JSON.stringify(spike?.evidence));
    const { requestsPerSecond, usualPerSecond, errorRatio, usualErrorRatio } = spike.evidence.traffic;
    assert.ok(Math.abs(requestsPerSecond - USUAL_PER_SECOND) < 5, `${requestsPerSecond} requests a second`);
    assert.ok(usualPerSecond !== null && Math.abs(usualPerSecond - USUAL_PER_SECOND) < 5, `usually ${usualPerSecond}`);
    assert.ok(errorRatio > 0.04 && errorRatio < 0.075, `${errorRatio} of them failed`);
    assert.ok(usualErrorRatio > 0.005 && usualErrorRatio < 0.008, `usually ${usualErrorRatio}`);
  });

  test('whoever leads next computes with the same factors, and asks for no history again', async () => {
    const world = await startWorld();
    const changesAtMs = world.nowMs + MINUTE_MS;
    const prometheus = await openPrometheus(requestHistory(world.nowMs + AHEAD_MS, changesAtMs, 3));
    await world.count(world.nowMs - ERRORS_FROM_MS, changesAtMs, ERRORS_A_BUCKET);
    await world.count(changesAtMs, world.nowMs + AHEAD_MS, ERRORS_A_BUCKET * 3);
    const first = startLoop(world, prometheus.url);
    await first.tickUntil('the traffic to be known', async () => (await upOf(world)) === 1);
    await first.run(4 * MINUTE_MS);
    const points = 'select at, requests_per_second, factor from traffic order by at';
    const before = await world.query(points);
    await first.stop();
    await prometheus.stop();
    const second = startLoop(world, prometheus.url);
    await second.run(2 * MINUTE_MS);
    assert.deepEqual(await world.query(points), before);
    assert.deepEqual(await world.spikes(), [], 'the rebuilt states expect the tripled errors too');
  });

  test('that is killed, detection goes on without it and says so once; back again, it is asked again', async () => {
    const world = await startWorld();
    const history = requestHistory(world.nowMs + AHEAD_MS, world.nowMs, 1);
    const prometheus = await openPrometheus(history);
    await world.count(world.nowMs - ERRORS_FROM_MS, world.nowMs + AHEAD_MS, ERRORS_A_BUCKET);
    const loop = startLoop(world, prometheus.url);
    await loop.tickUntil('the traffic to be known', async () => (await upOf(world)) === 1);
    await prometheus.stop();
    await loop.run(2 * MINUTE_MS);
    await loop.tickUntil('its absence to be seen', async () => (await upOf(world)) === 0);
    assert.equal(loop.logged.filter((text) => text.startsWith('the traffic is not known')).length, 1);

    const [{ until: before } = {}] = await world.query('select evaluated_until::text as until from detector_progress');
    await world.count(world.nowMs + 3 * MINUTE_MS, world.nowMs + AHEAD_MS, ERRORS_A_BUCKET * 10);
    await loop.run(3 * MINUTE_MS);
    const [{ until: now } = {}] = await world.query('select evaluated_until::text as until from detector_progress');
    assert.notEqual(now, before, 'detection went on');
    const [spike] = await world.spikes();
    assert.ok(spike !== undefined, 'a surge is found without the traffic');
    assert.equal(spike.evidence.traffic, null);

    await openPrometheus(history, Number(new URL(prometheus.url).port));
    await loop.run(2 * MINUTE_MS);
    await loop.tickUntil('it to be asked again', async () => (await upOf(world)) === 1);
    assert.equal(loop.logged.filter((text) => text === 'the traffic is known again').length, 1);
  });
});
