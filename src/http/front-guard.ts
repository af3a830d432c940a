/**
 * What stands in front of every route: security headers, an X-Request-Id, and, while nobody has to log in, a check of the
 * Host header. Without that check any web page could have its own name resolve to 127.0.0.1 and read the answers.
 */
import helmet from '@fastify/helmet';
import type { HttpApp } from './app-type.ts';
import { answerRefusal, Refusal } from './error-answer.ts';

const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i;

const INGEST_URL = '/v1/envelopes';

export const CONTENT_SECURITY_POLICY = {
  'default-src': ["'none'"],
  'script-src': ["'self'"],
  'style-src': ["'self'"],
  'img-src': ["'self'", 'data:'],
  'connect-src': ["'self'"],
  'form-action': ["'self'"],
  'base-uri': ["'none'"],
  'frame-ancestors': ["'none'"],
};

export interface FrontGuardOptions {
  readonly publicUrl: string | null;
  readonly authMode: 'off' | 'required';
  readonly now: () => number;
}

/** True when a browser that followed the address bar, and no foreign page, sent this Host. */
export function isOwnHost(host: string | undefined, publicUrl: string | null): boolean {
  if (host === undefined) return false;
  return LOOPBACK_HOST.test(host) || (publicUrl !== null && host.toLowerCase() === new URL(publicUrl).host.toLowerCase());
}

export async function addFrontGuard(app: HttpApp, { publicUrl, authMode, now }: FrontGuardOptions): Promise<void> {
  // What no browser shows needs no policy for what a page may do; ten headers a request are a tenth of an envelope's way in.
  app.addHook('onRoute', (route) => {
    if (route.method === 'POST' && route.url === INGEST_URL) route.helmet = false;
  });
  await app.register(helmet, {
    global: true,
    contentSecurityPolicy: { useDefaults: false, directives: CONTENT_SECURITY_POLICY },
    referrerPolicy: { policy: 'no-referrer' },
    // Whether this host speaks TLS is the proxy's to know and to say.
    strictTransportSecurity: false,
    xXssProtection: false,
  });
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    reply.header('x-content-type-options', 'nosniff');
    if (authMode !== 'off' || isOwnHost(request.headers.host, publicUrl)) return done();
    const text = 'This service answers only under a loopback name or PUBLIC_URL.';
    answerRefusal(reply, new Refusal(421, text), { nowMs: now() });
  });
}
