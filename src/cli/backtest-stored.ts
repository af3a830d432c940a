/**
 * `surgewatch backtest --from`: the stored counts through the same detector as live. It warms up on what is stored before
 * `--from` without reporting that, and reads nothing but counts and what was collected. For people it ends with a table,
 * with `--json` it prints the same lines as `--counts`.
 */
import type { Writable } from 'node:stream';
import type { Config } from '../config.ts';
import type { Span } from '../detect/collected.ts';
import { createReplay } from '../detect/replay.ts';
import { type DetectorSettings, settingsFor } from '../detect/settings.ts';
import { createSpikeList } from '../detect/spike-list.ts';
import type { CountsReader } from '../store/counts-reader.ts';
import type { StoredRequest } from './backtest-options.ts';
import { type Follower, type ReplayWatch, replayStored } from './backtest-replay.ts';
import { layOutReport, type Outlook, renderReport } from './backtest-report.ts';
import type { SeverityOf } from './backtest-severity.ts';
import { createLineWriter } from './line-writer.ts';
import { createPeaks } from './terminal-chart.ts';
import type { Progress } from './terminal-progress.ts';
import { sayFigure, sayMinute } from './terminal-words.ts';
import { transitionLine } from './transition-line.ts';

export interface StoredRun {
  readonly reader: CountsReader;
  readonly request: StoredRequest;
  /** null: no catalogue was given. */
  readonly severityOf: SeverityOf | null;
  readonly alert: Pick<Config['alert'], 'falsePagesPerWeek' | 'holdSeconds'>;
  readonly output: Writable;
  readonly terminal: { readonly columns: number; readonly isColoured: boolean };
  readonly progress: Progress;
  /** Sentences about the run, for stderr. */
  readonly note: (text: string) => void;
}

/** What lies further back is not learnt from, as live. */
const WARM_UP_SECONDS = 14 * 24 * 3600;
/** A code with an error within so long counts as active, as live. */
const ACTIVE_SECONDS = 7 * 24 * 3600;

export async function backtestStored(run: StoredRun): Promise<void> {
  const { reader, request, output } = run;
  const range = await rangeOf(run);
  if (range === null) {
    run.note(`Nothing is stored between ${sayMinute(request.fromSeconds)} and ${sayMinute(request.toSeconds)} UTC.`);
    return;
  }
  const plan = { range, bucketSeconds: request.bucketSeconds, codes: await codesOf(run, range) };
  const settings = settingsOf(run, await countActive(reader, range));
  if (request.isJson) return printTransitions(run, plan, settings.next);

  const reported: Span = { startSeconds: floorTo(request.fromSeconds, request.bucketSeconds), endSeconds: range.endSeconds };
  const span = { startSeconds: Math.max(reported.startSeconds, range.startSeconds), endSeconds: range.endSeconds };
  const layout = layOutReport({ columns: run.terminal.columns, codes: plan.codes, isCompared: settings.now !== null });
  const chart = { ...span, columnCount: layout.chartColumns };
  const peaks = createPeaks(chart);
  const spikes = () => createSpikeList({ fromSeconds: reported.startSeconds, holdSeconds: run.alert.holdSeconds });
  const [next, now] = [spikes(), spikes()];
  const followers: Follower[] = [{ replay: createReplay(settings.next), take: next.add }];
  if (settings.now !== null) followers.push({ replay: createReplay(settings.now), take: now.add });
  let collectedSeconds = 0;
  const erring = new Set<string>();
  await replayStored(reader, plan, followers, {
    ...watchOf(run),
    onBucket(code, at, count) {
      if (at < span.startSeconds) return;
      peaks.add(code, at, count);
      if (count > 0) erring.add(code);
    },
    onCollected(buckets) {
      collectedSeconds += buckets.filter((at) => at >= span.startSeconds).length * request.bucketSeconds;
    },
  });
  run.progress.end();
  const outlook = (words: string, { threshold }: DetectorSettings, list: typeof next): Outlook => ({
    words,
    threshold,
    spikes: list.spikes(),
  });
  const lines = renderReport({
    span,
    warmUpSeconds: span.startSeconds - range.startSeconds,
    collectedSeconds,
    bucketSeconds: request.bucketSeconds,
    erringCodeCount: erring.size,
    severityOf: run.severityOf,
    next: outlook(wordsOf(request), settings.next, next),
    now: settings.now === null ? null : outlook(currentWords(run), settings.now, now),
    budget: request.choice.falsePagesPerWeek ?? run.alert.falsePagesPerWeek,
    layout,
    chart,
    peaks,
    isColoured: run.terminal.isColoured,
  });
  const writer = createLineWriter(output);
  for (const line of lines) await writer.write(line);
  await writer.flush();
}

async function printTransitions(
  run: StoredRun,
  plan: Parameters<typeof replayStored>[1],
  settings: DetectorSettings,
): Promise<void> {
  const fromSeconds = floorTo(run.request.fromSeconds, run.request.bucketSeconds);
  const writer = createLineWriter(run.output);
  /** Codes whose spike opened where it is reported: the close of an earlier one belongs to the warm-up. */
  const opened = new Set<string>();
  const follower: Follower = {
    replay: createReplay(settings),
    async take(code, transition) {
      const isReported = transition.event === 'open' ? transition.bucketStartSeconds >= fromSeconds : opened.delete(code);
      if (!isReported) return;
      if (transition.event === 'open') opened.add(code);
      await writer.write(transitionLine(code, transition, run.severityOf));
    },
  };
  await replayStored(run.reader, plan, [follower], { ...watchOf(run), isOver: writer.isClosed });
  run.progress.end();
  await writer.flush();
}

function watchOf({ progress }: StoredRun): ReplayWatch {
  return { onBucket: () => {}, onCollected: () => {}, onProgress: progress.update, isOver: () => false };
}

/** Warm-up and reported time on the grid, as far as counts are stored and complete; null: nothing to report. */
async function rangeOf({ reader, request, note }: StoredRun): Promise<Span | null> {
  const { fromSeconds, toSeconds, bucketSeconds } = request;
  const earliest = await reader.readEarliestSeconds(fromSeconds - WARM_UP_SECONDS);
  const completeUntil = (await reader.readEvaluatedUntilSeconds()) ?? Number.POSITIVE_INFINITY;
  if (request.isToGiven && completeUntil < toSeconds) {
    note(`Counts are complete up to ${sayMinute(completeUntil)} UTC; what comes after is left out.`);
  }
  if (earliest === null) return null;
  const startSeconds = floorTo(earliest, bucketSeconds);
  const endSeconds = floorTo(Math.min(toSeconds, completeUntil), bucketSeconds);
  return endSeconds <= Math.max(startSeconds, floorTo(fromSeconds, bucketSeconds)) ? null : { startSeconds, endSeconds };
}

async function codesOf({ reader, request, note }: StoredRun, range: Span): Promise<readonly string[]> {
  const known = (await reader.readCodes(range)).toSorted((one, other) => (one < other ? -1 : 1));
  if (request.codes === null) return known;
  const wanted = new Set(request.codes);
  const unknown = request.codes.filter((code) => !known.includes(code));
  if (unknown.length > 0) note(`No error is stored then of ${unknown.join(', ')}.`);
  return known.filter((code) => wanted.has(code));
}

async function countActive(reader: CountsReader, { startSeconds, endSeconds }: Span): Promise<number> {
  const codes = await reader.readCodes({ startSeconds: Math.max(startSeconds, endSeconds - ACTIVE_SECONDS), endSeconds });
  return codes.length;
}

/** What was asked for and, beside another budget, what the service does now. */
function settingsOf({ request, alert }: StoredRun, activeCodeCount: number) {
  const { bucketSeconds, choice } = request;
  const next = settingsFor({ ...choice, bucketSeconds, activeCodeCount });
  if (choice.falsePagesPerWeek === undefined) return { next, now: null };
  return { next, now: settingsFor({ falsePagesPerWeek: alert.falsePagesPerWeek, bucketSeconds, activeCodeCount }) };
}

function wordsOf({ choice }: StoredRequest): string {
  if (choice.falsePagesPerWeek !== undefined) return `--false-pages-per-week ${sayFigure(choice.falsePagesPerWeek)}`;
  return choice.threshold === undefined ? `preset ${choice.preset ?? 'standard'}` : '--threshold';
}

function currentWords({ alert }: StoredRun): string {
  return `FALSE_PAGES_PER_WEEK=${sayFigure(alert.falsePagesPerWeek)}`;
}

function floorTo(seconds: number, bucketSeconds: number): number {
  return Math.floor(seconds / bucketSeconds) * bucketSeconds;
}
