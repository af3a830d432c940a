/**
 * A real Alertmanager with one receiver of ours, its waiting times short enough for a test. It can be killed and started
 * again on its port: with SIGKILL it forgets its alerts, which is what the product must mend.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findFreePort } from './free-port.ts';
import { type RealProcess, startProcess } from './real-process.ts';
import { programs, required } from './requirements.ts';
import { makeTempDir } from './temp-dir.ts';
import { waitFor } from './wait-for.ts';
import { type Notification, type NotifiedAlert, startWebhookReceiver } from './webhook-receiver.ts';

const START_TRIES = 3;
const READY_DEADLINE_MS = 20_000;

export interface ListedAlert extends Omit<NotifiedAlert, 'status'> {
  readonly updatedAt: string;
  readonly status: { readonly state: 'active' | 'suppressed' | 'unprocessed' };
}

export interface Alertmanager {
  /** Base URL without a trailing slash, route prefix included. */
  readonly url: string;
  /** What the receiver heard so far; grows. */
  readonly notifications: readonly Notification[];
  /** Alerts that are active now. */
  listAlerts(): Promise<readonly ListedAlert[]>;
  output(): string;
  pid(): number;
  kill(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface StartAlertmanager {
  /** As `--web.route-prefix`, with a leading slash. */
  readonly routePrefix?: string;
  /** YAML of the top-level key `inhibit_rules` and the like, added as it is. */
  readonly extraConfig?: string;
  /** Another program than the one on PATH. */
  readonly program?: string;
  readonly groupInterval?: string;
  readonly groupBy?: readonly string[];
}

export async function startAlertmanager(options: StartAlertmanager = {}): Promise<Alertmanager> {
  const { routePrefix = '', extraConfig = '', groupInterval = '1s', groupBy = ['alertname', 'code'] } = options;
  const program = options.program ?? required(programs.alertmanager, 'alertmanager');
  const receiver = await startWebhookReceiver();
  const dir = makeTempDir('alertmanager');
  const configFile = join(dir.path, 'alertmanager.yml');
  await writeFile(configFile, `${config(receiver.url, groupInterval, groupBy)}${extraConfig}`);
  for (let tries = 1; ; tries += 1) {
    const port = await findFreePort();
    const url = `http://127.0.0.1:${port}${routePrefix}`;
    const flags = [`--config.file=${configFile}`, `--storage.path=${join(dir.path, 'storage')}`, '--cluster.listen-address='];
    const args = [...flags, `--web.listen-address=127.0.0.1:${port}`, `--web.route-prefix=${routePrefix || '/'}`];
    const run = async () => startProcess({ command: program, args });
    let alertmanager = await run();
    if (await isUp(alertmanager, url)) {
      return {
        url,
        notifications: receiver.notifications,
        listAlerts: () => listAlerts(url),
        output: () => alertmanager.output(),
        pid: () => alertmanager.pid,
        kill: async () => {
          await alertmanager.kill();
        },
        restart: async () => {
          alertmanager = await run();
          if (!(await isUp(alertmanager, url))) throw new Error(`Alertmanager did not come back:\n${alertmanager.output()}`);
        },
        stop: async () => {
          await alertmanager.stop();
          await receiver.stop();
          dir.remove();
        },
      };
    }
    if (tries === START_TRIES) {
      await receiver.stop();
      throw new Error(`Alertmanager did not start:\n${alertmanager.output()}`);
    }
  }
}

function config(receiverUrl: string, groupInterval: string, groupBy: readonly string[]): string {
  return `route:
  receiver: test
  group_by: [${groupBy.join(', ')}]
  group_wait: 0s
  group_interval: ${groupInterval}
  repeat_interval: 1h
receivers:
  - name: test
    webhook_configs:
      - url: ${receiverUrl}
        send_resolved: true
`;
}

async function listAlerts(url: string): Promise<readonly ListedAlert[]> {
  const response = await fetch(`${url}/api/v2/alerts`);
  if (!response.ok) throw new Error(`Alertmanager answered ${response.status}: ${await response.text()}`);
  // A parser's cast: the shape is Alertmanager's API v2.
  return (await response.json()) as readonly ListedAlert[];
}

/** False when the process ended, as it does when its port was taken. */
async function isUp(alertmanager: RealProcess, url: string): Promise<boolean> {
  const isSettled = async () => !alertmanager.isRunning() || (await fetch(`${url}/-/ready`)).ok;
  await waitFor(isSettled, { deadlineMs: READY_DEADLINE_MS, what: 'Alertmanager to be ready' });
  return alertmanager.isRunning();
}
