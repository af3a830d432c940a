/** The HTTP side on a free port over readers that hold nothing, for tests of what stands around the routes. */
import { readFileSync } from 'node:fs';
import pino from 'pino';
import type { SpikeReader } from '../../../src/alert/spike.ts';
import { BUILT_IN_CATALOGUE } from '../../../src/catalogue/built-in.ts';
import { parseCatalogue } from '../../../src/catalogue/parse-catalogue.ts';
import type { DeadLetterReader, LookupReader } from '../../../src/http/ports.ts';
import { createServer, type HttpConfig, type HttpDeps } from '../../../src/http/server.ts';

export const catalogue = parseCatalogue(readFileSync(BUILT_IN_CATALOGUE, 'utf8'), 'built-in.yaml');

export const emptyLookup: LookupReader = {
  findRequest: async () => ({ envelopes: [], rejections: [], conflicts: [], otherCases: [] }),
  readCommonness: async () => ({
    lastHourCount: 0,
    earlierHourCounts: [],
    last15MinutesCount: 0,
    otherRequestCount: 0,
    otherClientCount: null,
    isSampled: false,
  }),
  listEnvelopes: async () => ({ items: [], nextCursor: null }),
  countCodes: async () => [],
  countCode: async (code) => ({
    code,
    status: null,
    lastHourCount: 0,
    earlierHourCounts: [],
    lastDayCount: 0,
    lastSeenAtMs: null,
  }),
  countFields: async () => [],
  readBuckets: async () => [],
  readKnownSinceMs: async () => null,
  readIngestBehindSeconds: async () => 0,
  isEmpty: async () => true,
};

export const noSpikes: SpikeReader = {
  listSpikes: async () => ({ items: [], nextCursor: null }),
  getSpike: async () => null,
  activeSpikes: async () => [],
  spikeOfCodeAt: async () => null,
};

export const noDeadLetters: DeadLetterReader = {
  listDeadLetters: async () => ({ items: [], nextCursor: null }),
  countReasons: async () => [],
  listPausedPartitions: async () => [],
};

export function createBareServer(config: Partial<HttpConfig> = {}, deps: Partial<HttpDeps> = {}) {
  return createServer(
    {
      host: '127.0.0.1',
      port: 0,
      publicUrl: null,
      authMode: 'off',
      retentionDays: 30,
      isTrafficAsked: false,
      version: '0.0.0',
      ...config,
    },
    {
      lookup: emptyLookup,
      spikes: noSpikes,
      deadLetters: noDeadLetters,
      watch: { readStanding: async () => ({ evaluatedUntilMs: Date.now(), trafficKnownUntilMs: null }) },
      catalogue,
      registry: { contentType: 'application/openmetrics-text; version=1.0.0; charset=utf-8', metrics: async () => '# EOF\n' },
      readiness: () => ({ kind: 'ready' }),
      sources: [],
      log: pino({ level: 'silent' }),
      now: Date.now,
      ...deps,
    },
  );
}
