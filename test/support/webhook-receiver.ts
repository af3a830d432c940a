/** What Alertmanager notifies: a real HTTP server in the test process that remembers each notification. */
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { listenOnLoopback } from './listen.ts';

/** The fields of Alertmanager's webhook body (version 4) that tests look at. */
export interface Notification {
  readonly status: 'firing' | 'resolved';
  readonly receiver: string;
  readonly groupLabels: Readonly<Record<string, string>>;
  readonly alerts: readonly NotifiedAlert[];
}

export interface NotifiedAlert {
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL: string;
  readonly fingerprint: string;
}

/** Of all that was notified, what tells of a surge, in the order of arrival; `status`: only what began, or ended. */
export function spikeAlertsOf(
  { notifications }: Pick<WebhookReceiver, 'notifications'>,
  status?: NotifiedAlert['status'],
): readonly NotifiedAlert[] {
  return notifications
    .flatMap(({ alerts }) => alerts)
    .filter((alert) => alert.labels['alertname'] === 'ApiErrorSpike' && (status === undefined || alert.status === status));
}

export interface WebhookReceiver {
  readonly url: string;
  /** In the order of arrival; grows. */
  readonly notifications: readonly Notification[];
  stop(): Promise<void>;
}

export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const notifications: Notification[] = [];
  const server = createServer(async (request, response) => {
    try {
      notifications.push(parseNotification(await json(request)));
      response.writeHead(200).end();
    } catch (error) {
      // Alertmanager logs the body of a 4xx, and tests print Alertmanager's log when they fail.
      response.writeHead(400).end(String(error));
    }
  });
  const port = await listenOnLoopback(server);
  // The Alertmanager in front of it, or the test that waits for it, keeps the process alive; it alone need not.
  server.unref();
  async function stop(): Promise<void> {
    server.closeAllConnections();
    await server[Symbol.asyncDispose]();
  }
  return { url: `http://127.0.0.1:${port}/`, notifications, stop };
}

function parseNotification(body: unknown): Notification {
  if (typeof body !== 'object' || body === null || !('alerts' in body) || !Array.isArray(body.alerts)) {
    throw new Error('not a notification of Alertmanager');
  }
  // A parser's cast: the sender is Alertmanager itself, whose webhook version 4 has this shape.
  return body as unknown as Notification;
}
