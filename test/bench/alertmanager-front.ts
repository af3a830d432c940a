/**
 * Stands between the service and a real Alertmanager: passes every request on as it is and notes, when Alertmanager has
 * answered 200, which alerts it took and when. So the moment of acceptance is that of the answer, not of a later look.
 */
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { listenOnLoopback } from '../support/listen.ts';

export interface AcceptedAlert {
  readonly alertname: string;
  readonly code: string;
  /** Epoch milliseconds. */
  readonly acceptedAtMs: number;
  readonly isFiring: boolean;
}

export interface AlertmanagerFront {
  readonly url: string;
  /** In the order of acceptance, resends included; grows. */
  readonly accepted: readonly AcceptedAlert[];
  stop(): Promise<void>;
}

export async function startAlertmanagerFront(alertmanagerUrl: string): Promise<AlertmanagerFront> {
  const accepted: AcceptedAlert[] = [];
  const server = createServer(async (request, response) => {
    try {
      const body = await buffer(request);
      const answer = await fetch(`${alertmanagerUrl}${request.url ?? ''}`, {
        method: request.method ?? 'GET',
        headers: { 'content-type': request.headers['content-type'] ?? 'application/json' },
        ...(body.length === 0 ? {} : { body: new Uint8Array(body) }),
      });
      const text = await answer.text();
      if (request.method === 'POST' && answer.ok) accepted.push(...alertsOf(body.toString('utf8'), Date.now()));
      response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'application/json' }).end(text);
    } catch (error) {
      response.writeHead(502).end(String(error));
    }
  });
  const port = await listenOnLoopback(server);
  return {
    url: `http://127.0.0.1:${port}`,
    accepted,
    async stop() {
      server.closeAllConnections();
      await server[Symbol.asyncDispose]();
    },
  };
}

function alertsOf(body: string, acceptedAtMs: number): readonly AcceptedAlert[] {
  // A parser's cast: Alertmanager took it, so it has the shape of its API v2.
  const alerts = JSON.parse(body) as readonly { readonly labels: Readonly<Record<string, string>>; readonly endsAt: string }[];
  return alerts.map(({ labels, endsAt }) => ({
    alertname: labels['alertname'] ?? '',
    code: labels['code'] ?? '',
    acceptedAtMs,
    isFiring: Date.parse(endsAt) > acceptedAtMs,
  }));
}
