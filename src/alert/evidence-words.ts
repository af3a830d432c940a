/**
 * PURE. The evidence of a spike in sentences: the same in the alert, the API and on the page, so that who is woken, who
 * scripts and who answers the phone read one story. Each says its number and what it means; none is longer than a line.
 */
import type { AffectedClients, DominantDetail, EvidencePart, OtherCodes, SpikeEvidence, TrafficEvidence } from './spike.ts';
import { countText, plainText, shareText, spanText } from './wording.ts';

const MOST_CHARACTERS = 100;
/** Rarer than this, a figure for chance is not worth more than "hardly ever". */
const LEAST_PER_YEAR = 0.1;
/** From this share of a unit's rate on, it is told in that unit: 9 days apart is still "about once a week". */
const UNIT_FROM_RATIO = 0.7;
const UNITS_PER_YEAR = [
  ['day', 365],
  ['week', 52],
  ['month', 12],
  ['year', 1],
] as const;
/** Other codes rose, or fell, when they are so many times off and it is no noise: so many errors and standard deviations. */
const OTHERS_UP_RATIO = 1.5;
const OTHERS_DOWN_RATIO = 0.5;
const OTHERS_LEAST_COUNT = 5;
const OTHERS_LEAST_DEVIATIONS = 3;
/** Below so many expected errors a factor is a play of chance; the counts themselves are told. */
const FACTOR_FROM_COUNT = 10;
const PARTS: Readonly<Record<EvidencePart, string>> = {
  requests: 'its requests',
  detail: 'what changed',
  clients: 'who met it',
};

/** What a surge's evidence says, the most useful first; nothing of what is not known. */
export function evidenceSentences(evidence: SpikeEvidence, windowSeconds: number): readonly string[] {
  const { dominantDetail, clients, otherCodes, traffic, winner, falseAlarmsPerYear, missing } = evidence;
  return [
    traffic === null ? '' : rateSentence(traffic),
    dominantDetail === null ? '' : `${detailText(dominantDetail)}.`,
    clients === null ? '' : clientsSentence(clients),
    otherCodes === null ? '' : othersSentence(otherCodes),
    winner === null || winner.windowSeconds === windowSeconds ? '' : winnerSentence(winner),
    falseAlarmsPerYear === null ? '' : oddsSentence(falseAlarmsPerYear),
    missing.length === 0 ? '' : `Could not be read in time: ${missing.map((part) => PARTS[part]).join(', ')}.`,
  ].filter((sentence) => sentence !== '');
}

/** '0.4 % of requests failed with it, usually 0.04 %.' */
export function rateSentence({ errorRatio, usualErrorRatio }: TrafficEvidence): string {
  return `${shareText(errorRatio)} of requests failed with it, usually ${shareText(usualErrorRatio)}.`;
}

/** 'release=2.3.1: 94 % of the errors since the onset, 3 % before' */
export function detailText({ key, value, shareRatio, beforeRatio }: DominantDetail): string {
  const pair = `${plainText(key, MOST_CHARACTERS)}=${plainText(value, MOST_CHARACTERS)}`;
  return `${pair}: ${percentText(shareRatio)} of the errors since the onset, ${beforeRatio === 0 ? 'none' : percentText(beforeRatio)} before`;
}

/** 'From 1 client (acme-mobile); 9 in the hour before.' */
export function clientsSentence({ count, isLeast, only, hourBeforeCount }: AffectedClients): string {
  const name = only === null ? '' : ` (${plainText(only, MOST_CHARACTERS)})`;
  const before = hourBeforeCount === 0 ? 'none' : countText(hourBeforeCount);
  return `From ${isLeast ? 'at least ' : ''}${countText(count)} ${count === 1 ? 'client' : 'clients'}${name}; ${before} in the hour before.`;
}

/** Whether the code rose alone or with all others, which is traffic or a cause that they share. */
export function othersSentence({ observed, expected }: OtherCodes): string {
  const excess = observed - expected;
  const isNoise = Math.abs(excess) < Math.max(OTHERS_LEAST_COUNT, OTHERS_LEAST_DEVIATIONS * Math.sqrt(expected));
  const amount =
    expected < FACTOR_FROM_COUNT
      ? `${countText(observed)} ${observed === 1 ? 'error' : 'errors'}, ${countText(expected)} expected`
      : `${(observed / expected).toFixed(1)} times expected`;
  if (!isNoise && observed >= OTHERS_UP_RATIO * expected) {
    return `Other codes are up too (${amount}): more traffic, or a cause that they share.`;
  }
  if (!isNoise && observed <= OTHERS_DOWN_RATIO * expected) return `Other codes are down (${amount}).`;
  return `Other codes are as usual (${amount}): this code alone.`;
}

/** 'It stood out most over 8 minutes: 60 errors, 21 expected.' */
export function winnerSentence({ windowSeconds, observed, expected }: NonNullable<SpikeEvidence['winner']>): string {
  return `It stood out most over ${spanText(windowSeconds)}: ${countText(observed)} errors, ${countText(expected)} expected.`;
}

export function oddsSentence(perYear: number): string {
  return `By chance a surprise of this size comes ${oddsText(perYear)} in this installation.`;
}

/** 'about once a week', 'about twice a year', 'about once in 3 years', 'less than once in 10 years' */
export function oddsText(perYear: number): string {
  if (!(perYear >= LEAST_PER_YEAR)) return `less than once in ${Math.round(1 / LEAST_PER_YEAR)} years`;
  const unit = UNITS_PER_YEAR.find(([, rate]) => perYear >= UNIT_FROM_RATIO * rate);
  if (unit === undefined) return `about once in ${Math.round(1 / perYear)} years`;
  const [name, rate] = unit;
  const times = Math.max(1, Math.round(perYear / rate));
  return `about ${times === 1 ? 'once' : times === 2 ? 'twice' : `${countText(times)} times`} a ${name}`;
}

/** '94 %', '0.4 %' */
function percentText(ratio: number): string {
  const percent = ratio * 100;
  return `${percent < 1 && percent > 0 ? countText(Math.max(percent, 0.1)) : Math.round(percent)} %`;
}
