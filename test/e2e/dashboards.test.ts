/**
 * The dashboards and rules on a real Prometheus that scrapes a real surgewatch under traffic: no panel stays empty, no
 * alert fires while all is well, and a dot in a graph leads to the request behind it.
 */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Alertmanager, startAlertmanager } from '../support/alertmanager.ts';
import { documentedEnvelopes, ndjson } from '../support/envelopes.ts';
import { findFreePort } from '../support/free-port.ts';
import { type KafkaBroker, startKafkaBroker } from '../support/kafka.ts';
import { DASHBOARD_FILES, readPanelQueries, withVariables } from '../support/panel-queries.ts';
import { promtool, type Sample } from '../support/prometheus.ts';
import { type RealProcess, startProcess } from '../support/real-process.ts';
import {
  alertmanagerMissing,
  kafkaMissing,
  programs,
  prometheusMissing,
  promtoolMissing,
  required,
  skipReason,
} from '../support/requirements.ts';
import { type SurgewatchProcess, startSurgewatch } from '../support/surgewatch-process.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { waitFor } from '../support/wait-for.ts';

const RULES = fileURLToPath(new URL('../../deploy/prometheus/rules/surgewatch.yml', import.meta.url));
const TOPIC = 'errors-dashboards';
const TRAFFIC_EVERY_MS = 500;
/** Scrapes, and the first bucket that the detector sees from end to end. */
const FILLED_DEADLINE_MS = 120_000;
const HOUR_SECONDS = 3_600;

const setups = [
  { name: 'without Kafka and without Alertmanager', isWhole: false, missing: [prometheusMissing, promtoolMissing] },
  {
    name: 'with Kafka and Alertmanager',
    isWhole: true,
    missing: [prometheusMissing, promtoolMissing, kafkaMissing, alertmanagerMissing],
  },
];

for (const { name, isWhole, missing } of setups) {
  suite(`the dashboards of a healthy surgewatch ${name}`, { skip: skipReason(...missing) }, () => {
    let broker: KafkaBroker | undefined;
    let alertmanager: Alertmanager | undefined;
    let service: SurgewatchProcess;
    let prometheus: Awaited<ReturnType<typeof startWithHistory>>;
    let traffic: { stop(): Promise<void> };

    before(async () => {
      broker = isWhole ? await startKafkaBroker() : undefined;
      await broker?.createTopic(TOPIC, 2);
      alertmanager = isWhole ? await startAlertmanager() : undefined;
      const whole = {
        KAFKA_BROKERS: broker?.brokers.join() ?? '',
        KAFKA_TOPIC: TOPIC,
        ALERTMANAGER_URLS: alertmanager?.url ?? '',
      };
      service = await startSurgewatch({ env: isWhole ? whole : {} });
      traffic = await startTraffic(service.url, broker);
      prometheus = await startWithHistory(`127.0.0.1:${service.port}`);
    });
    after(async () => {
      await traffic?.stop();
      await prometheus?.stop();
      await service?.stop();
      await alertmanager?.stop();
      await broker?.stop();
    });

    for (const file of DASHBOARD_FILES) {
      test(`no panel of ${file} is empty`, async () => {
        const queries = (await readPanelQueries(file)).filter(({ kind }) => kind === 'panel');
        let empty: readonly string[] = [];
        const isFilled = async () => {
          const answers = await Promise.all(
            queries.map(async ({ panel, refId, expr }) => {
              const samples = await prometheus.query(withVariables(expr));
              return samples.some(({ value }) => value[1] !== 'NaN') ? [] : [`"${panel}" ${refId}: ${expr}`];
            }),
          );
          empty = answers.flat();
          return empty.length === 0;
        };
        await waitFor(isFilled, { deadlineMs: FILLED_DEADLINE_MS, pollMs: 1_000, what: 'every panel to fill' }).catch(() => {});
        assert.deepEqual(empty, []);
      });
    }

    test('the annotations are queries that Prometheus takes', async () => {
      for (const file of DASHBOARD_FILES) {
        for (const { kind, expr } of await readPanelQueries(file)) {
          if (kind === 'annotation') await prometheus.query(withVariables(expr));
        }
      }
    });

    test('no alert fires, while the rules are evaluated', async () => {
      const recorded = await prometheus.query('code_status:surgewatch_errors:rate5m > 0');
      assert.ok(recorded.length > 0, 'the recording rules bring nothing');
      const firing = await prometheus.query('ALERTS{alertstate="firing"}');
      assert.deepEqual(
        firing.map(({ metric }) => metric),
        [],
      );
    });

    test('a dot in a graph leads to the request behind it', async () => {
      const requestId = await waitFor(() => prometheus.anyExemplar('surgewatch_errors_total', 'request_id'), {
        deadlineMs: FILLED_DEADLINE_MS,
        what: 'an exemplar',
      });
      const response = await fetch(`${service.url}/requests/${encodeURIComponent(requestId)}`);
      assert.equal(response.status, 200);
      assert.ok((await response.text()).includes(requestId));
    });
  });
}

/** A little of everything, until stopped: the documented envelopes, a duplicate of each, and one that is none. */
async function startTraffic(url: string, broker: KafkaBroker | undefined): Promise<{ stop(): Promise<void> }> {
  const producer = broker?.kafka.producer();
  await producer?.connect();
  let isStopped = false;
  async function send(): Promise<void> {
    const some = documentedEnvelopes();
    const body = ndjson([...some, ...some, { status: 'error' }]);
    // Refused while the service is busy is traffic too.
    await fetch(`${url}/v1/envelopes`, { method: 'POST', headers: { 'content-type': 'application/x-ndjson' }, body });
    const messages = documentedEnvelopes().map((one) => ({ key: one.requestId, value: JSON.stringify(one) }));
    await producer?.send({ topic: TOPIC, messages: [...messages, { key: 'none', value: 'none' }] });
  }
  await send();
  const running = (async () => {
    while (!isStopped) {
      await send();
      await new Promise((resolve) => setTimeout(resolve, TRAFFIC_EVERY_MS));
    }
  })();
  return {
    stop: async () => {
      isStopped = true;
      await running;
      await producer?.disconnect();
    },
  };
}

/** A Prometheus that already knows the hours around this one a day and a week ago, as one that has run for long does. */
async function startWithHistory(target: string) {
  const dir = makeTempDir('prometheus-history');
  const data = join(dir.path, 'data');
  const historyFile = join(dir.path, 'history.txt');
  await writeFile(historyFile, history(target));
  const { code, output } = await promtool(['tsdb', 'create-blocks-from', 'openmetrics', historyFile, data]);
  if (code !== 0) throw new Error(`promtool made no history: ${output}`);

  const configFile = join(dir.path, 'prometheus.yml');
  // JSON is YAML.
  const config = {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: [RULES],
    scrape_configs: [{ job_name: 'surgewatch', static_configs: [{ targets: [target] }] }],
  };
  await writeFile(configFile, JSON.stringify(config));
  const port = await findFreePort();
  const flags = [`--config.file=${configFile}`, `--storage.tsdb.path=${data}`, `--web.listen-address=127.0.0.1:${port}`];
  const args = [...flags, '--enable-feature=exemplar-storage'];
  const running = await startProcess({ command: required(programs.prometheus, 'prometheus'), args, cwd: dir.path });
  const url = `http://127.0.0.1:${port}`;
  await waitFor(() => isReady(running, url), { deadlineMs: 20_000, what: 'Prometheus to be ready' });

  async function ask<Content>(path: string, params: Readonly<Record<string, string>>): Promise<Content> {
    const response = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(params)}`);
    if (!response.ok) throw new Error(`Prometheus answered ${response.status}: ${await response.text()} to ${params['query']}`);
    // A parser's cast: the shape is the one that Prometheus documents for the path.
    return ((await response.json()) as { data: Content }).data;
  }
  return {
    query: async (query: string) => (await ask<{ result: readonly Sample[] }>('query', { query })).result,
    anyExemplar: async (metric: string, label: string) => {
      const nowSeconds = Date.now() / 1_000;
      const params = { query: metric, start: String(nowSeconds - HOUR_SECONDS), end: String(nowSeconds + 60) };
      const series = await ask<readonly { exemplars: readonly { labels: Record<string, string> }[] }[]>(
        'query_exemplars',
        params,
      );
      return series.flatMap(({ exemplars }) => exemplars).find(({ labels }) => labels[label] !== undefined)?.labels[label];
    },
    stop: async () => {
      await running.stop();
      dir.remove();
    },
  };
}

async function isReady(running: RealProcess, url: string): Promise<boolean> {
  if (!running.isRunning()) throw new Error(`Prometheus ended:\n${running.output()}`);
  return (await fetch(`${url}/-/ready`)).ok;
}

/** OpenMetrics text: one code's counter through two hours, a day and a week before. */
function history(target: string): string {
  const nowSeconds = Math.floor(Date.now() / 1_000);
  const stepSeconds = 300;
  const lines = [168, 24].flatMap((hoursAgo) =>
    Array.from({ length: 24 }, (_, index) => {
      const atSeconds = nowSeconds - (hoursAgo + 1) * HOUR_SECONDS + index * stepSeconds;
      return `surgewatch_errors_total{job="surgewatch",instance="${target}",code="TOKEN_EXPIRED",status="401"} ${index * 100} ${atSeconds}`;
    }),
  );
  return ['# TYPE surgewatch_errors counter', ...lines, '# EOF', ''].join('\n');
}
