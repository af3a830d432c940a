/** A real Prometheus that scrapes one target every second and keeps exemplars, and the tools that judge rules and routes. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findFreePort } from './free-port.ts';
import { type RealProcess, runProcess, startProcess } from './real-process.ts';
import { programs, required } from './requirements.ts';
import { makeTempDir } from './temp-dir.ts';
import { waitFor } from './wait-for.ts';

const START_TRIES = 3;
const READY_DEADLINE_MS = 20_000;

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  /** Unix seconds and the value in text, as Prometheus answers them. */
  readonly value: readonly [number, string];
}

export interface SeriesExemplars {
  readonly seriesLabels: Readonly<Record<string, string>>;
  readonly exemplars: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly value: string;
    readonly timestamp: number;
  }[];
}

export interface Target {
  readonly health: 'up' | 'down' | 'unknown';
  /** Empty when the last scrape was fine. */
  readonly lastError: string;
}

export interface Prometheus {
  readonly url: string;
  /** An instant query; must answer a vector. */
  query(promql: string): Promise<readonly Sample[]>;
  queryExemplars(promql: string): Promise<readonly SeriesExemplars[]>;
  targets(): Promise<readonly Target[]>;
  output(): string;
  stop(): Promise<void>;
}

export interface StartPrometheus {
  /** `host:port` to scrape. The first scrape comes only after about five seconds, whatever the interval. */
  readonly target: string;
  readonly metricsPath?: string;
  readonly ruleFiles?: readonly string[];
  /** `host:port` of an Alertmanager for alerts from rules. */
  readonly alertmanager?: string;
  /** OpenMetrics text with timestamps: what it knows of the time before it was started. */
  readonly history?: string;
  /** Instead of a free port, to come back where another one was. */
  readonly port?: number;
  /** Another program than the one on PATH. */
  readonly program?: string;
}

export async function startPrometheus(options: StartPrometheus): Promise<Prometheus> {
  const program = options.program ?? required(programs.prometheus, 'prometheus');
  const dir = makeTempDir('prometheus');
  const configFile = join(dir.path, 'prometheus.yml');
  await writeFile(configFile, config(options));
  if (options.history !== undefined) await writeHistory(options.history, dir.path);
  for (let tries = 1; ; tries += 1) {
    const port = options.port ?? (await findFreePort());
    const url = `http://127.0.0.1:${port}`;
    const flags = [`--config.file=${configFile}`, `--storage.tsdb.path=${join(dir.path, 'data')}`];
    const args = [...flags, `--web.listen-address=127.0.0.1:${port}`, '--enable-feature=exemplar-storage'];
    const prometheus = await startProcess({ command: program, args, cwd: dir.path });
    if (await isUp(prometheus, url)) {
      return {
        url,
        query: async (promql) =>
          field<{ result: readonly Sample[] }>(url, `query?${new URLSearchParams({ query: promql })}`).then(
            ({ result }) => result,
          ),
        queryExemplars: async (promql) => field(url, `query_exemplars?${exemplarRange(promql)}`),
        targets: async () =>
          field<{ activeTargets: readonly Target[] }>(url, 'targets').then(({ activeTargets }) => activeTargets),
        output: () => prometheus.output(),
        stop: async () => {
          await prometheus.stop();
          dir.remove();
        },
      };
    }
    if (tries === START_TRIES) throw new Error(`Prometheus did not start:\n${prometheus.output()}`);
  }
}

function config({ target, metricsPath = '/metrics', ruleFiles = [], alertmanager }: StartPrometheus): string {
  // JSON is YAML, and needs no care with quoting.
  return JSON.stringify({
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: ruleFiles,
    scrape_configs: [{ job_name: 'surgewatch', metrics_path: metricsPath, static_configs: [{ targets: [target] }] }],
    ...(alertmanager === undefined ? {} : { alerting: { alertmanagers: [{ static_configs: [{ targets: [alertmanager] }] }] } }),
  });
}

function exemplarRange(promql: string): URLSearchParams {
  const nowSeconds = Date.now() / 1_000;
  return new URLSearchParams({ query: promql, start: String(nowSeconds - 3_600), end: String(nowSeconds + 60) });
}

async function writeHistory(history: string, folder: string): Promise<void> {
  const file = join(folder, 'history.txt');
  await writeFile(file, history);
  const { code, output } = await promtool(['tsdb', 'create-blocks-from', 'openmetrics', '--quiet', file, join(folder, 'data')]);
  if (code !== 0) throw new Error(`promtool could not write the history:\n${output}`);
}

/** The `data` of an answer of Prometheus's API v1. */
async function field<Content>(url: string, path: string): Promise<Content> {
  const response = await fetch(`${url}/api/v1/${path}`);
  const text = await response.text();
  if (!response.ok) throw new Error(`Prometheus answered ${response.status}: ${text}`);
  // A parser's cast: the caller names the shape that Prometheus documents for the path.
  return (JSON.parse(text) as { data: Content }).data;
}

async function isUp(prometheus: RealProcess, url: string): Promise<boolean> {
  const isSettled = async () => !prometheus.isRunning() || (await fetch(`${url}/-/ready`)).ok;
  await waitFor(isSettled, { deadlineMs: READY_DEADLINE_MS, what: 'Prometheus to be ready' });
  return prometheus.isRunning();
}

export async function promtool(args: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
  return runProcess({ command: required(programs.promtool, 'promtool'), args });
}

export async function amtool(args: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
  return runProcess({ command: required(programs.amtool, 'amtool'), args });
}
