/**
 * `surgewatch demo`: the real service on simulated traffic. Two days of history go through the same pipeline as an import
 * would, so that the detector knows what is normal; then traffic comes second by second over the webhook, and two codes
 * surge. Nothing is staged: if the detector were broken, no spike would come.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { type App, createApp } from '../app.ts';
import { loadConfig } from '../config.ts';
import type { Delivery } from '../ingest/ports.ts';
import { createDice, type Dice, type Surge, simulateTraffic } from './demo-traffic.ts';
import { createLog, runUntilSignal } from './run.ts';

const SEED = 20;
/** Two days and some: the pages compare an hour with the same hour of days that are known whole. */
const HISTORY_MS = 50 * 3_600_000;
const HISTORY_STEP_MS = 60_000;
const LIVE_STEP_MS = 1_000;
const CHUNK = 1000;
const LOCAL_ALERTMANAGER = 'http://127.0.0.1:9093';
/** When the surges begin after the start, and how long they last. */
const FIRST_SURGE_MS = 40_000;
const SECOND_SURGE_MS = 60_000;
const SURGE_MS = 240_000;

export function createDemoCommand(): Command {
  return new Command('demo').description('run the service on simulated traffic in which two codes surge').action(async () => {
    const dataDir = mkdtempSync(path.join(tmpdir(), 'surgewatch-demo-'));
    process.once('exit', () => rmSync(dataDir, { recursive: true, force: true }));
    const env = { DATA_DIR: dataDir, ALERT_HOLD_SECONDS: '30', LOG_LEVEL: 'warn', ...process.env };
    const alertmanagerUrl = process.env['ALERTMANAGER_URLS'] ?? (await findAlertmanager());
    const config = loadConfig({ ...env, ...(alertmanagerUrl === undefined ? {} : { ALERTMANAGER_URLS: alertmanagerUrl }) });
    const app = createApp(config, createLog(config));
    await runUntilSignal(app, async (url) => {
      const dice = createDice(SEED);
      await bringHistory(app, Date.now(), dice);
      const surges = planSurges(Date.now());
      say(url, alertmanagerUrl);
      sendTraffic(app, url, surges, dice);
    });
  });
}

async function findAlertmanager(): Promise<string | undefined> {
  try {
    const answer = await fetch(`${LOCAL_ALERTMANAGER}/-/ready`, { signal: AbortSignal.timeout(500) });
    return answer.ok ? LOCAL_ALERTMANAGER : undefined;
  } catch {
    return undefined; // None runs here: the demo says so.
  }
}

function planSurges(nowMs: number): readonly Surge[] {
  return [
    {
      code: 'PAYMENT_FAILED',
      factor: 14,
      fromMs: nowMs + FIRST_SURGE_MS,
      toMs: nowMs + FIRST_SURGE_MS + SURGE_MS,
      client: 'acct_1007',
      release: '2026.11.2',
    },
    {
      code: 'VALIDATION_ERROR',
      factor: 9,
      fromMs: nowMs + SECOND_SURGE_MS,
      toMs: nowMs + SECOND_SURGE_MS + SURGE_MS,
      client: 'acct_1023',
      release: '2026.11.3-rc1',
    },
  ];
}

async function bringHistory(app: App, untilMs: number, dice: Dice): Promise<void> {
  const fromMs = untilMs - HISTORY_MS;
  let waiting: Delivery[] = [];
  for (let at = fromMs; at < untilMs; at += HISTORY_STEP_MS) {
    for (const envelope of simulateTraffic(at, Math.min(at + HISTORY_STEP_MS, untilMs), [], dice)) {
      waiting.push({ source: 'file', bytes: Buffer.from(JSON.stringify(envelope)), receivedAtMs: untilMs, coordinates: null });
    }
    if (waiting.length < CHUNK) continue;
    await app.ingest(waiting);
    waiting = [];
  }
  await app.ingest(waiting);
  await app.markCollected('file:demo', fromMs, untilMs);
}

/** One NDJSON body a second to our own webhook, until the process stops. */
function sendTraffic(app: App, url: string, surges: readonly Surge[], dice: Dice): void {
  let sentUntilMs = Date.now();
  const send = async () => {
    const nowMs = Date.now();
    const body = simulateTraffic(sentUntilMs, nowMs, surges, dice)
      .map((envelope) => JSON.stringify(envelope))
      .join('\n');
    sentUntilMs = nowMs;
    if (body === '' || app.isStopping()) return;
    const answer = await fetch(`${url}/v1/envelopes`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body,
    });
    await answer.body?.cancel();
  };
  const timer = setInterval(() => {
    send().catch((err: unknown) => app.log.warn({ err }, 'simulated traffic could not be sent'));
  }, LIVE_STEP_MS);
  timer.unref();
}

function say(url: string, alertmanagerUrl: string | undefined): void {
  const lines = [
    '',
    'surgewatch demo: two days of simulated history are in, traffic flows, about 80 errors a minute over nine codes.',
    '',
    `  ${url}/            the page: what is spiking, and the search for a requestId`,
    `  ${url}/spikes      PAYMENT_FAILED surges in 40 s, VALIDATION_ERROR in 60 s, for four minutes each`,
    `  ${url}/metrics     surgewatch_errors_total, surgewatch_spike_active`,
    alertmanagerUrl === undefined
      ? `  no Alertmanager answers at ${LOCAL_ALERTMANAGER}; set ALERTMANAGER_URLS to see the alerts there`
      : `  ${alertmanagerUrl}     the alerts: ApiErrorSpike for both codes`,
    '',
    'Expect both spikes within a minute or two of their onset, and their end about a minute after it. Ctrl-C stops the demo and removes its data.',
    '',
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
