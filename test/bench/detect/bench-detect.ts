/**
 * `npm run bench:detect`: how well the detector finds surges, how often it cries wolf, and what it costs, beside what a team
 * would write in PromQL on the same data. Ends with 1 when a gate that was met once (test/fixtures/detector-gates.json) is lost.
 * Usage: see `options.ts`.
 */
import { BASELINE_NAMES } from './baselines.ts';
import { type Gate, gatesFor, type Measured } from './gates.ts';
import { gradeAlerts } from './grade.ts';
import { measureLive } from './live.ts';
import { type BenchOptions, parseOptions, USAGE } from './options.ts';
import { findLostGates, readRecordedGates, recordGates } from './recorded-gates.ts';
import { type GateRow, renderAnchors, renderDetail, renderGates, rowsOf } from './report.ts';
import { runSuite, type SuiteRun } from './run-suite.ts';
import { makeWorldSuite, openSuite, type Suite, writeSuite } from './suites.ts';
import { summarise } from './summary.ts';
import { renderWorlds } from './worlds-report.ts';

const WORLD_DAYS = 21;
const DEFAULT_BUCKET_SECONDS = 60;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function openSuites(options: BenchOptions): readonly Suite[] {
  const { suites, labels, seed, seriesPerWorld, worlds, bucketSeconds } = options;
  if (suites.length > 0) return suites.map((folder, index) => openSuite(folder, { label: labels[index], bucketSeconds }));
  const names = worlds === undefined ? {} : { names: worlds };
  return [
    makeWorldSuite({ seed, seriesPerWorld, days: WORLD_DAYS, bucketSeconds: bucketSeconds ?? DEFAULT_BUCKET_SECONDS, ...names }),
  ];
}

/** Everything that changes what the figures mean, so that only like is held against like. */
function occasionOf(options: BenchOptions, runs: readonly SuiteRun[]): string {
  const { preset, threshold, falsePagesPerWeek, fromDay } = options;
  const asked =
    falsePagesPerWeek !== undefined
      ? `${falsePagesPerWeek} pages a week`
      : threshold !== undefined
        ? `threshold ${threshold}`
        : preset;
  const widths = [...new Set(runs.map(({ bucketSeconds }) => `${bucketSeconds} s`))];
  return [...runs.map(({ label }) => label), asked, ...widths, `from day ${fromDay}`].join(', ');
}

function measure({ truth, detector, baselines, cost }: SuiteRun, fromDay: number): Measured {
  const grade = gradeAlerts(truth, detector, fromDay);
  const grafana = baselines === null ? null : summarise(gradeAlerts(truth, baselines.grafana, fromDay));
  return { grade, summary: summarise(grade), cost, grafana };
}

function report(options: BenchOptions, runs: readonly SuiteRun[], gates: readonly Gate[]): readonly GateRow[] {
  const { fromDay } = options;
  const measured = runs.map((run) => measure(run, fromDay));
  for (const [index, run] of runs.entries()) {
    const grade = measured[index]?.grade;
    if (options.isDetailed && grade !== undefined) say(`${run.label}\n${renderDetail(grade)}\n`);
    if (run.truth.suite === 'worlds') say(`${renderWorlds(run, fromDay)}\n`);
  }
  const rows = rowsOf(gates, measured);
  say(
    `${renderGates(
      rows,
      runs.map(({ label }) => label),
    )}\n`,
  );
  const anchors = runs.flatMap(({ truth, baselines }) => (baselines === null ? [] : [{ truth, baselines }]));
  say(
    `${renderAnchors([
      { name: 'surgewatch', summaries: measured.map(({ summary }) => summary) },
      ...BASELINE_NAMES.flatMap((name) =>
        anchors.length === 0
          ? []
          : [{ name, summaries: anchors.map(({ truth, baselines }) => summarise(gradeAlerts(truth, baselines[name], fromDay))) }],
      ),
    ])}\n`,
  );
  return rows;
}

function compareWithRecord(options: BenchOptions, occasion: string, rows: readonly GateRow[]): number {
  if (options.isRecording) {
    recordGates(occasion, rows);
    say(`Recorded as: ${occasion}`);
    return 0;
  }
  const recorded = readRecordedGates()[occasion];
  if (recorded === undefined) {
    say(`Nothing is recorded for: ${occasion}`);
    return 0;
  }
  const lost = findLostGates(rows, recorded);
  for (const gate of lost) say(`LOST: ${gate.what} was met with ${gate.recorded}, now ${gate.measured}`);
  if (lost.length === 0) say(`No gate that was met is lost: ${occasion}`);
  return lost.length === 0 ? 0 : 1;
}

/** @returns the exit code. */
function run(options: BenchOptions): number {
  if (options.liveCodes !== undefined) {
    say(measureLive(options.liveCodes));
    return 0;
  }
  const suites = openSuites(options);
  const [only] = suites;
  if (options.writeFolder !== undefined && only !== undefined) {
    writeSuite(only, options.writeFolder);
    say(`Written: ${options.writeFolder}/series and truth.json`);
    return 0;
  }
  const runs = suites.map((suite) => runSuite(suite, options));
  const [first] = runs;
  if (first === undefined) return 0;
  const { preset, falsePagesPerWeek } = options;
  const gates = gatesFor({ suite: first.truth.suite, bucketSeconds: first.bucketSeconds, preset, falsePagesPerWeek });
  return compareWithRecord(options, occasionOf(options, runs), report(options, runs, gates));
}

// A reader that has seen enough, as `head` does, is no fault of the bench.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});
let options: BenchOptions | null = null;
try {
  options = parseOptions(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`);
  process.exitCode = 2;
}
if (options !== null) process.exitCode = run(options);
