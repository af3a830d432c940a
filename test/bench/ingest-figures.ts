/** What the rounds of ingest say, in the order in which people read it, with the aims that they are held to. */
import type { Figure } from './figures.ts';
import type { IngestRound } from './ingest-rounds.ts';

const MEBIBYTE = 1_048_576;

export function startFigures(rounds: readonly IngestRound[]): readonly Figure[] {
  return [
    {
      what: 'start on an empty directory until ready',
      unit: 's',
      values: rounds.map((round) => round.firstStartSeconds),
      aim: { of: 'figure', is: 'at_most', bound: 10 },
    },
    {
      what: 'later start until ready',
      unit: 's',
      values: rounds.map((round) => round.laterStartSeconds),
      aim: { of: 'figure', is: 'at_most', bound: 3 },
    },
  ];
}

export function ingestFigures(rounds: readonly IngestRound[]): readonly Figure[] {
  const copies = rounds.flatMap(({ copy }) => (copy === null ? [] : [copy]));
  const kafkas = rounds.flatMap(({ kafka }) => (kafka === null ? [] : [kafka]));
  const webhooks = rounds.flatMap(({ webhook }) => (webhook === null ? [] : [webhook]));
  if (copies.length === 0) return [];
  const copyOne = { what: 'COPY, 1 connection', values: copies.map((copy) => copy.oneConnection) };
  const copyCpu = { what: 'CPU of COPY', values: copies.map((copy) => copy.postgresCpu) };
  const copyFigures: readonly Figure[] = [
    { what: 'COPY, 1 connection', unit: 'rows/s', values: copyOne.values },
    { what: '  CPU of PostgreSQL', unit: 'us/row', values: copyCpu.values },
    { what: 'COPY, 2 connections', unit: 'rows/s', values: copies.map((copy) => copy.twoConnections), reference: copyOne },
  ];
  const kafkaFigures: readonly Figure[] = [
    { what: 'kafkajs, consume only', unit: 'records/s', values: kafkas.map((kafka) => kafka.consumeOnly), reference: copyOne },
    {
      what: 'Kafka to committed rows, 5 % duplicates',
      unit: 'records/s',
      values: kafkas.map(({ drain }) => drain.recordsPerSecond),
      reference: copyOne,
      aim: { of: 'ratio', is: 'at_least', bound: 0.5 },
    },
    {
      what: '  CPU of the service',
      unit: 'us/record',
      values: kafkas.map(({ drain }) => drain.serviceCpu),
      aim: { of: 'figure', is: 'at_most', bound: 12 },
    },
    { what: '  CPU of PostgreSQL', unit: 'us/record', values: kafkas.map(({ drain }) => drain.postgresCpu), reference: copyCpu },
    {
      what: '  peak RSS of the service',
      unit: 'MiB',
      values: kafkas.map(({ drain }) => drain.peakRssBytes / MEBIBYTE),
      aim: { of: 'figure', is: 'at_most', bound: 256 },
    },
  ];
  const noOp = { what: 'no-op POST', values: webhooks.map((webhook) => webhook.noOp.requestsPerSecond) };
  const webhookFigures: readonly Figure[] = [
    {
      what: 'webhook, NDJSON of 500, 8 connections',
      unit: 'envelopes/s',
      values: webhooks.map(({ batch }) => batch.envelopesPerSecond),
      reference: copyOne,
      aim: { of: 'ratio', is: 'at_least', bound: 0.4 },
    },
    { what: '  p50 of a batch', unit: 'ms', values: webhooks.map(({ batch }) => batch.p50Ms) },
    { what: '  p99 of a batch', unit: 'ms', values: webhooks.map(({ batch }) => batch.p99Ms) },
    { what: 'no-op fastify POST, 64 connections', unit: 'requests/s', values: noOp.values },
    { what: '  p50', unit: 'ms', values: webhooks.map((webhook) => webhook.noOp.p50Ms) },
    { what: '  p99', unit: 'ms', values: webhooks.map((webhook) => webhook.noOp.p99Ms) },
    {
      what: 'webhook, single envelopes, 64 connections',
      unit: 'requests/s',
      values: webhooks.map(({ single }) => single.requestsPerSecond),
      reference: noOp,
      aim: { of: 'ratio', is: 'at_least', bound: 0.6 },
    },
    { what: '  p50', unit: 'ms', values: webhooks.map(({ single }) => single.p50Ms) },
    {
      what: '  p99',
      unit: 'ms',
      values: webhooks.map(({ single }) => single.p99Ms),
      aim: { of: 'figure', is: 'at_most', bound: 50 },
    },
  ];
  return [...copyFigures, ...(kafkas.length > 0 ? kafkaFigures : []), ...(webhooks.length > 0 ? webhookFigures : [])];
}
