/**
 * `npm run bench`: what the service does on this machine beside what the machine can do, in one run. Ratios are the result;
 * the absolutes beside them only say on what they stand. Everything is warmed up first and measured in rounds that follow
 * each other; a figure is the median of its rounds, with their range. What cannot be measured here is named.
 *
 * It is no test: whatever it finds, it ends with 0. Usage: see `options.ts`.
 */
import { writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { repairKafkajsTimer } from '../../src/sources/kafkajs/timer.ts';
import { type KafkaBroker, startKafkaBroker } from '../support/kafka.ts';
import { kafkaMissing } from '../support/requirements.ts';
import { measureBacktest } from './backtest-figures.ts';
import { measureBadInputs } from './bad-input-figures.ts';
import { measureCodes } from './code-figures.ts';
import { measureDetector } from './detector-figures.ts';
import { type Figure, isMet, ratiosOf, spreadOf } from './figures.ts';
import { measureGrowth } from './growth-figures.ts';
import { measureIdle } from './idle-figures.ts';
import { measureImport } from './import-figures.ts';
import { ingestFigures, startFigures } from './ingest-figures.ts';
import { type IngestRound, runIngestRound } from './ingest-rounds.ts';
import { measureKills } from './kill-round.ts';
import { measureLatency } from './latency-figures.ts';
import { measureLookups } from './lookup-figures.ts';
import { type BenchOptions, parseOptions, type Section, USAGE } from './options.ts';
import { measurePath } from './path-figures.ts';
import { measureQuiet } from './quiet-figures.ts';
import { renderTable } from './table.ts';
import { startNoOpServer } from './webhook-round.ts';

const startedMs = performance.now();
const notes: string[] = [];

function say(text: string): void {
  process.stderr.write(`${((performance.now() - startedMs) / 1000).toFixed(0).padStart(4)} s  ${text}\n`);
}

/** A section that fails is named in the table's notes; the others go on. */
async function attempt<T>(what: string, work: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    notes.push(`${what} could not be measured: ${error instanceof Error ? error.message : String(error)}`);
    return otherwise;
  }
}

async function runIngest(options: BenchOptions, broker: KafkaBroker | null): Promise<readonly Figure[]> {
  const has = (section: Section) => options.sections.has(section);
  if (!has('start') && !has('kafka') && !has('webhook')) return [];
  const noOp = has('webhook') ? await startNoOpServer() : null;
  const rounds: IngestRound[] = [];
  try {
    for (let round = 1; round <= options.sizes.rounds; round += 1) {
      say(`ingest, round ${round} of ${options.sizes.rounds}`);
      const deps = { options, broker: has('kafka') ? broker : null, noOpUrl: noOp?.url ?? null };
      await attempt(`round ${round} of ingest`, async () => void rounds.push(await runIngestRound(deps)), undefined);
    }
  } finally {
    await noOp?.stop();
  }
  const bytes = spreadOf(rounds.map((round) => round.meanBytes)).median;
  notes.push(`An envelope has ${bytes.toFixed(0)} bytes in the mean; a Kafka round has ${options.sizes.kafkaRecords} records.`);
  return [...ingestFigures(rounds), ...(has('start') ? startFigures(rounds) : [])];
}

async function measure(options: BenchOptions): Promise<readonly Figure[]> {
  repairKafkajsTimer(); // The clients of this process must not take CPU from what they measure.
  const has = (section: Section) => options.sections.has(section);
  const wantsBroker = has('kafka') || has('quiet') || has('idle') || has('latency') || has('codes') || has('kills');
  if (wantsBroker && kafkaMissing !== null) notes.push(`Kafka is not measured: ${kafkaMissing}.`);
  if (wantsBroker && kafkaMissing === null) say('starting a Kafka broker');
  const start = wantsBroker && kafkaMissing === null ? startKafkaBroker : async () => null;
  const broker = await attempt('Kafka', start, null);
  try {
    if (has('path')) say('bytes to statement');
    const path = has('path') ? await attempt('the path', async () => measurePath(), []) : [];
    const badInputs = has('path') ? await attempt('bad input', async () => measureBadInputs(), []) : [];
    const ingest = await runIngest(options, broker);
    const imported = has('import') ? await attempt('import', () => measureImport(options, say), []) : [];
    if (has('quiet')) say('one envelope after another');
    const quiet = has('quiet') ? await attempt('quiet', () => measureQuiet(options, broker), []) : [];
    const lookup = has('lookup') ? await attempt('lookup', () => measureLookups(options, say), []) : [];
    const backtest = has('backtest') ? await attempt('backtest', () => measureBacktest(options, say), []) : [];
    const detector = has('detector') ? await attempt('the detector', () => measureDetector(options, say), []) : [];
    if (has('idle')) say('idling');
    const idle = has('idle') ? await attempt('idle', () => measureIdle(options, broker), []) : [];
    const nothing = { figures: [], notes: [] };
    const latency = has('latency')
      ? await attempt('alert latency', () => measureLatency(options, broker, say), nothing)
      : nothing;
    const codes = has('codes') ? await attempt('a flood of codes', () => measureCodes(options, broker, say), nothing) : nothing;
    if (has('kills')) say(`reading ${options.sizes.killRecords} records under kills`);
    const kills = has('kills') ? await attempt('exactness', () => measureKills(options.sizes.killRecords, broker), []) : [];
    const growth = has('growth') ? await attempt('growth', () => measureGrowth(options, say), []) : [];
    notes.push(...latency.notes, ...codes.notes);
    return [
      ...path,
      ...badInputs,
      ...ingest,
      ...imported,
      ...quiet,
      ...lookup,
      ...backtest,
      ...detector,
      ...idle,
      ...latency.figures,
      ...codes.figures,
      ...kills,
      ...growth,
    ];
  } finally {
    await broker?.stop();
  }
}

async function run(options: BenchOptions): Promise<void> {
  const loadBefore = loadavg()[0] ?? 0;
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    loadBefore,
  };
  const figures = await measure(options);
  if (options.isQuick) notes.push('A quick run: too short to be warm, so its verdicts are a hint only.');
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  const results = figures.map((figure) => ({
    ...figure,
    ...spreadOf(figure.values),
    ratio: figure.reference === undefined ? null : spreadOf(ratiosOf(figure)),
    isMet: isMet(figure),
  }));
  const report = { finishedAt: new Date().toISOString(), seconds, isQuick: options.isQuick, machine, notes, results };
  await writeFile(options.jsonFile, `${JSON.stringify(report, null, 2)}\n`);
  const cores = `${machine.cores} cores of ${machine.cpu}, load ${loadBefore.toFixed(1)} before`;
  const lines = [`${machine.node}, ${machine.platform}, ${cores}; ${options.sizes.rounds} rounds, ${seconds} s.`, ...notes];
  process.stdout.write(`\n${renderTable(figures)}\n\n${lines.join('\n')}\nJSON: ${options.jsonFile}\n`);
}

let options: BenchOptions | null = null;
try {
  options = parseOptions(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`);
  process.exitCode = 2;
}
if (options !== null) await run(options);
