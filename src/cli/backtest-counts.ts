/**
 * `surgewatch backtest --counts`: counts from files through the detector. It opens no database and reads no clock; each
 * transition is one line of NDJSON, written as it comes, and the replay waits for whoever reads them.
 */
import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { createReplay } from '../detect/replay.ts';
import { settingsFor } from '../detect/settings.ts';
import type { CountsRequest } from './backtest-options.ts';
import type { SeverityOf } from './backtest-severity.ts';
import { openCounts, type SeriesBucket } from './counts-csv.ts';
import { createLineWriter } from './line-writer.ts';
import { rfc3339, rounded, transitionLine } from './transition-line.ts';

/** @throws InputFault when the files cannot be read as counts. */
export async function backtestCounts(request: CountsRequest, output: Writable, severityOf: SeverityOf | null): Promise<void> {
  const { bucketSeconds, choice } = request;
  const source = openCounts(request.path, bucketSeconds);
  const replay = createReplay(settingsFor({ ...choice, bucketSeconds, activeCodeCount: source.seriesCount }));
  const transitions = createLineWriter(output);
  const scores = request.scoresFile === null ? null : createLineWriter(createWriteStream(request.scoresFile));
  await scores?.write('series,timestamp,score');
  for (const bucket of source.buckets()) {
    const seen = replay.feed(bucket.series, bucket.startSeconds, bucket.count);
    if (seen.transition !== null) await transitions.write(transitionLine(bucket.series, seen.transition, severityOf));
    if (scores !== null && seen.score > 0) await scores.write(scoreLine(bucket, seen.score));
    if (transitions.isClosed()) break; // the reader has seen enough, as `head` does
  }
  await transitions.flush();
  await scores?.end();
}

function scoreLine(bucket: SeriesBucket, score: number): string {
  const series = /[",\n]/.test(bucket.series) ? `"${bucket.series.replaceAll('"', '""')}"` : bucket.series;
  return `${series},${rfc3339(bucket.startSeconds)},${rounded(score)}`;
}
