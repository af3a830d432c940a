/** PURE. What the alerts of the kinds beside a surge say, to somebody who was woken by it. */
import type { SpikeRecord } from './spike.ts';
import { countText, momentText, plainText, spanText, surgeText } from './wording.ts';

export interface AlertText {
  readonly summary: string;
  readonly description: string;
}

const DAY_MS = 24 * 3_600_000;
const MOST_CODE_CHARACTERS = 64;
/** Codes named in one line of text. */
const NAMED_COUNT = 3;
const LISTED_COUNT = 20;

/** "A, B, C and 9,997 more" */
export function codesText(codes: readonly string[], totalCount: number, mostNamed: number): string {
  const named = codes.slice(0, mostNamed).map((code) => plainText(code, MOST_CODE_CHARACTERS));
  const restCount = totalCount - named.length;
  return restCount > 0 ? `${named.join(', ')} and ${countText(restCount)} more` : named.join(', ');
}

export function returningText(spike: SpikeRecord, nowMs: number): AlertText {
  const since = momentText(spike.startsAtMs, nowMs);
  const away =
    spike.lastSeenAtMs === null
      ? 'a week or more'
      : `${countText(Math.floor((spike.startsAtMs - spike.lastSeenAtMs) / DAY_MS))} days`;
  return {
    summary: `${nameOf(spike)} is back after ${away} without one, since ${since}`,
    description: `The API answers ${codeOf(spike)} again: ${errorsText(spike.observed)} at ${since}, the first after ${away}. What had been mended or switched off may be undone, by a release, a changed setting or a caller who is back. This alert ends by itself after an hour; should the errors grow, their surge is told apart.`,
  };
}

export function silentText(spike: SpikeRecord, nowMs: number): AlertText {
  const span = spanText(spike.windowSeconds);
  const came = spike.observed === 0 ? `No ${codeOf(spike)}` : `Only ${countText(spike.observed)} of ${codeOf(spike)}`;
  const over = spike.closedAtMs === null ? '' : ` It flows again since ${momentText(spike.closedAtMs, nowMs)}.`;
  const last = spike.lastSeenAtMs === null ? '' : ` The last one came at ${momentText(spike.lastSeenAtMs, nowMs)}.`;
  return {
    summary: `${came} in ${span}, where at least ${countText(spike.expected)} always come, while other codes flow`,
    description: `${came} came in ${span}; the catalogue expects at least ${countText(spike.expected)}.${last} Other codes come as ever, so errors do reach us: the requests that end in this one may no longer get that far, or the check that answers it is off.${over}`,
  };
}

export function allCodesText(spike: SpikeRecord, nowMs: number): AlertText {
  const since = momentText(spike.startsAtMs, nowMs);
  const amount = surgeText(spike.observed, spike.expected, spike.windowSeconds);
  const over = spike.closedAtMs === null ? '' : ` It is back to normal since ${momentText(spike.closedAtMs, nowMs)}.`;
  const { risenCount = 0, fairCount = 0, codes = [] } = spike.breadth ?? {};
  const share = `${countText(risenCount)} of ${countText(fairCount)} codes`;
  return {
    summary: `All codes rose together (${share}): ${amount}, since ${since}`,
    description: `${share} that are common enough to tell rose by about the same factor: ${amount}, taken together. It began about ${since}.${over} So many at once are more traffic, or a fault that all requests share, and not a fault of one code; look at the number of requests first. Risen: ${codesText(codes, risenCount, LISTED_COUNT)}. They are not told one by one; a code that rises much more than the others still is.`,
  };
}

/** @param spikes of new codes, oldest first; at least one. */
export function newCodesText(spikes: readonly SpikeRecord[], nowMs: number): AlertText & { readonly codes: string } {
  const count = spikes.length;
  const names = spikes.map(({ code, status }) => (status === 'unknown' ? code : `${code} (${status})`));
  const since = momentText(spikes[0]?.startsAtMs ?? nowMs, nowMs);
  const what = count === 1 ? 'A code never seen before' : `${countText(count)} codes never seen before`;
  const each = spikes.slice(0, LISTED_COUNT).map((spike, place) => {
    const name = plainText(names[place] ?? spike.code, MOST_CODE_CHARACTERS);
    return `${name}, ${errorsText(spike.observed)} at ${momentText(spike.startsAtMs, nowMs)}`;
  });
  const more = count > each.length ? `; and ${countText(count - each.length)} more` : '';
  return {
    summary: `${what}: ${codesText(names, count, NAMED_COUNT)}, since ${since}`,
    description: `The API answers ${count === 1 ? 'a code' : 'codes'} that no error had before and the catalogue does not list: ${each.join('; ')}${more}. Most often a release brought ${count === 1 ? 'it' : 'them'}; many at once may be a sender who makes codes up. Add to the catalogue what is meant to be, so that support has words for it. Each is told for an hour.`,
    codes: codesText(
      spikes.map(({ code }) => code),
      count,
      LISTED_COUNT,
    ),
  };
}

function codeOf({ code }: SpikeRecord): string {
  return plainText(code, MOST_CODE_CHARACTERS);
}

function nameOf(spike: SpikeRecord): string {
  const { status, labels } = spike;
  return `${codeOf(spike)} (${status === 'unknown' ? 'status unknown' : status}, ${labels['fault'] ?? 'server'} fault)`;
}

function errorsText(count: number): string {
  return `${countText(count)} ${count === 1 ? 'error' : 'errors'}`;
}
