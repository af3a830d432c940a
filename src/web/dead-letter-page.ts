/** /dead-letters: how much was rejected lately, why, what each reason means and what to do, and which Kafka partitions wait. */
import type { DeadLetter, Page, PausedPartition, ReasonCount } from '../http/ports.ts';
import { type Html, html, type Value } from './html.ts';
import { drawPage } from './layout.ts';
import { copyButton, linkRequest } from './marks.ts';
import { wordsForReason } from './reject-words.ts';
import { sayAgo, sayCount, sayMoment, sayNumber } from './say.ts';
import { type View, withQuery } from './view.ts';

/** As much of a digest as tells two apart for the eye; the API has all of it. */
const SHOWN_DIGEST_LENGTH = 12;

export interface DeadLetterSearch {
  readonly reason: string | undefined;
  readonly cursor: string | undefined;
}

export interface DeadLettersShown {
  readonly search: DeadLetterSearch;
  readonly page: Page<DeadLetter>;
  readonly reasons: readonly ReasonCount[];
  readonly paused: readonly PausedPartition[];
}

export function drawDeadLettersPage(view: View, shown: DeadLettersShown): string {
  const { search, page, reasons, paused } = shown;
  const body = html`<article class="answer"><h1>${headline(shown)}</h1>
${lead(view, shown)}
${paused.map((partition) => drawPaused(view, partition))}
</article>
${reasons.length > 0 && html`<section><h2>Why, in the last day</h2>${drawReasons(view, reasons)}</section>`}
<section><h2>${search.reason === undefined ? 'One by one' : html`Only <span class="code">${search.reason}</span>`}</h2>
${search.reason !== undefined && html`<p><a href="${view.link('dead-letters')}">Show all reasons</a></p>`}
${page.items.length === 0 ? drawNone(view, search) : drawTable(view, page.items)}
${page.nextCursor !== null && html`<p><a rel="next" href="${withQuery(view.link('dead-letters'), { reason: search.reason, cursor: page.nextCursor })}">Older ones</a></p>`}
${page.items.some(({ source }) => source === 'kafka') && drawReplay(search.reason)}
</section>`;
  return drawPage(view, { title: 'Dead letters', place: 'dead-letters', body });
}

function headline({ reasons, page, search }: DeadLettersShown): string {
  const count = reasons.reduce((sum, { lastDayCount }) => sum + lastDayCount, 0);
  if (count > 0) return `${sayCount(count, 'delivery was', 'deliveries were')} rejected in the last day`;
  const isEmpty = page.items.length === 0 && search.reason === undefined && search.cursor === undefined;
  return isEmpty ? 'Nothing was rejected' : 'Nothing was rejected in the last day';
}

function lead(view: View, { reasons }: DeadLettersShown): Html {
  const [first, second] = reasons;
  if (first === undefined) {
    return html`<p class="lead">A delivery that cannot be read as an error envelope leaves a dead letter here: its reason and where it can be read again, never what it held. Those beside it are stored.</p>`;
  }
  const words = wordsForReason(first.reason);
  return html`<p class="lead">${second === undefined ? 'All of them' : `Most of them, ${sayNumber(first.lastDayCount)},`} are <span class="code">${first.reason}</span>: ${words === null ? 'a reason this version does not know.' : `${lowerFirst(words.meaning)} ${words.action}`} The newest came ${sayAgo(newestOf(reasons), view.nowMs)}. What was rejected is in no count and no lookup.</p>`;
}

function newestOf(reasons: readonly ReasonCount[]): number {
  return Math.max(...reasons.map(({ newestAtMs }) => newestAtMs));
}

function lowerFirst(text: string): string {
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`;
}

function drawPaused(view: View, { topic, partition, cause, detail, offset, pausedAtMs, skipTo }: PausedPartition): Html {
  const place = `--topic ${topic} --partition ${partition}`;
  const why: Value =
    cause === 'batch_unreadable'
      ? html`The batch at offset <span class="code">${offset}</span> cannot be opened: ${detail}.`
      : html`It brought nothing but rejected records (${detail}); reading stopped before offset <span class="code">${offset}</span>, so that a broken producer is not eaten silently.`;
  const asked: Value =
    skipTo !== null &&
    html`<p>Somebody asked to go on at offset <span class="code">${skipTo}</span>; the replica that reads it does so within seconds.</p>`;
  return html`<section class="card card-firing"><p class="byline"><span class="mark mark-firing"><span aria-hidden="true">●</span> waits for you</span><span>since ${sayMoment(pausedAtMs, view.nowMs)}, ${sayAgo(pausedAtMs, view.nowMs)}</span></p>
<h3>${topic} / ${partition}</h3>
<p>This Kafka partition is not read: its errors are neither stored nor watched. ${why} Others go on.</p>
${asked}
${
  skipTo === null &&
  html`<p>${cause === 'batch_unreadable' ? 'Mended? Read on from there:' : 'Producer mended, or the records expected? Read on from there:'}</p>${drawCommand(`surgewatch kafka resume ${place}`, 'the resume command')}
<p>${cause === 'batch_unreadable' ? 'Worth nothing? Go on behind the batch:' : 'Go on behind those that are known to be rejected, or at any later offset, which loses what lies between:'}</p>${drawCommand(`surgewatch kafka skip ${place}`, 'the skip command')}`
}</section>`;
}

function drawCommand(command: string, what: string): Html {
  return html`<div class="command"><pre><code>${command}</code></pre>${copyButton(command, what)}</div>`;
}

function drawReasons(view: View, reasons: readonly ReasonCount[]): Html {
  return html`<table class="rows"><thead><tr><th scope="col">Reason</th><th scope="col" class="number">In a day</th><th scope="col">What it means</th><th scope="col">What to do</th><th scope="col">Newest</th></tr></thead><tbody>${reasons.map(
    ({ reason, lastDayCount, newestAtMs }) => {
      const words = wordsForReason(reason);
      return html`<tr><th scope="row" class="reason"><a class="code" href="${withQuery(view.link('dead-letters'), { reason })}">${reason}</a></th><td data-label="In a day" class="number">${sayNumber(lastDayCount)}</td><td data-label="What it means" class="prose">${words?.meaning ?? 'Not known to this version.'}</td><td data-label="What to do" class="prose">${words?.action ?? 'Compare the versions of the replicas.'}</td><td data-label="Newest">${sayAgo(newestAtMs, view.nowMs)}</td></tr>`;
    },
  )}</tbody></table>`;
}

function drawTable(view: View, items: readonly DeadLetter[]): Html {
  return html`<table class="rows"><thead><tr><th scope="col">Where</th><th scope="col">Reason</th><th scope="col" class="number">Size</th><th scope="col">Request</th><th scope="col">Digest</th><th scope="col">When</th></tr></thead><tbody>${items.map(
    ({ coordinates, source, reason, sizeBytes, requestId, digest, receivedAtMs }) =>
      html`<tr><th scope="row">${sayPlace(source, coordinates)}</th><td data-label="Reason"><a class="code" href="${withQuery(view.link('dead-letters'), { reason })}">${reason}</a></td><td data-label="Size" class="number">${saySize(sizeBytes)}</td><td data-label="Request">${requestId === null ? html`<span class="quiet">none read</span>` : linkRequest(view, requestId)}</td><td data-label="Digest" class="code">${digest.slice(0, SHOWN_DIGEST_LENGTH)}</td><td data-label="When"><time datetime="${new Date(receivedAtMs).toISOString()}">${sayMoment(receivedAtMs, view.nowMs)}<br><span class="quiet">${sayAgo(receivedAtMs, view.nowMs)}</span></time></td></tr>`,
  )}</tbody></table>
<p class="quiet">Of a Kafka record, where is its topic / Kafka partition / offset. Equal digests are equal bytes.</p>`;
}

function sayPlace(source: string, coordinates: DeadLetter['coordinates']): Html {
  if (coordinates === null) return html`webhook <span class="quiet">(its sender was answered)</span>`;
  const { topic, partition, offset } = coordinates;
  if (source === 'file') return html`line ${offset} of the file <span class="code">${topic}</span>`;
  return html`<span class="code">${topic} / ${partition} / ${offset}</span>`;
}

function saySize(bytes: number): string {
  return bytes < 1024 ? `${bytes} B` : `${sayNumber(bytes / 1024)} KiB`;
}

function drawReplay(reason: string | undefined): Html {
  const command = `surgewatch dead-letters replay${reason === undefined ? '' : ` --reason ${reason}`}`;
  return html`<h2>After a change</h2>
<p>A new catalogue, a new limit or a new version may accept what was rejected. This reads those that Kafka still holds once more; what is accepted now is stored and leaves this list.</p>
${drawCommand(command, 'the replay command')}`;
}

function drawNone(view: View, { reason, cursor }: DeadLetterSearch): Html {
  if (cursor !== undefined) return html`<p>There are no older ones.</p>`;
  if (reason !== undefined) return html`<p>No dead letter is kept with this reason.</p>`;
  return html`<p>None is kept. One shows here when a delivery from Kafka or the webhook is refused; to see one, post something that is no envelope to <span class="code">${view.siteUrl}/v1/envelopes</span>. Dead letters are kept for ${view.retentionDays} days.</p>`;
}
