/**
 * The scrape. The registry speaks OpenMetrics, which exemplars need; who accepts nothing but the classic text gets it by
 * transform, since an exemplar under text/plain fails a whole scrape.
 */
import type { HttpApp } from './app-type.ts';

export interface MetricsRegistry {
  readonly contentType: string;
  metrics(): Promise<string>;
}

export const CLASSIC_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
const EXEMPLAR = / # \{[^{}]*\} [-+0-9.eENaInf]+( [0-9.e+]+)?$/;
const HEAD = /^# (HELP|TYPE) (\S+)( .*)$/;

export function addMetricsRoute(app: HttpApp, registry: MetricsRegistry): void {
  const render = shareRendering(() => registry.metrics());
  app.get('/metrics', { schema: { hide: true } }, async (request, reply) => {
    const text = await render();
    reply.header('cache-control', 'no-store');
    return acceptsOnlyClassic(request.headers.accept)
      ? reply.type(CLASSIC_CONTENT_TYPE).send(toClassic(text))
      : reply.type(registry.contentType).send(text);
  });
}

/** text/plain is named and neither OpenMetrics nor anything at all would do. */
export function acceptsOnlyClassic(accept: string | undefined): boolean {
  if (accept === undefined || !accept.includes('text/plain')) return false;
  return !accept.includes('application/openmetrics-text') && !accept.includes('*/*');
}

/** OpenMetrics as prom-client writes it, in the classic text format: no exemplars, no EOF, counters under their full name. */
export function toClassic(openMetrics: string): string {
  const counters = new Set([...openMetrics.matchAll(/^# TYPE (\S+) counter$/gm)].map((match) => match[1]));
  const lines = openMetrics.split('\n').filter((line) => line !== '# EOF');
  return lines
    .map((line) => {
      if (!line.startsWith('#')) return line.replace(EXEMPLAR, '');
      const [, keyword = '', name = '', rest = ''] = HEAD.exec(line) ?? [];
      return counters.has(name) && !name.endsWith('_total') ? `# ${keyword} ${name}_total${rest}` : line;
    })
    .join('\n');
}

/**
 * At most one rendering runs and one waits. A scrape that comes during a rendering shares the next one, never the one
 * that runs: that may already have read a counter which moved before this scrape began.
 */
export function shareRendering(render: () => Promise<string>): () => Promise<string> {
  let running: Promise<string> | null = null;
  let next: Promise<string> | null = null;
  const start = (): Promise<string> => {
    next = null;
    const started = render().finally(() => {
      if (running === started) running = null;
    });
    running = started;
    return started;
  };
  return () => {
    if (running === null) return start();
    next ??= running.then(start, start);
    return next;
  };
}
