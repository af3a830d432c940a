/**
 * PURE. A spike in Alertmanager's words. Labels are its identity: fixed at opening, nothing volatile, no empty value, or
 * one spike would become two alerts. Annotations are for whoever is woken by it: what happens, how much, since when, and
 * one link for each next step.
 */
import { type Catalogue, type FaultSide, faultOf, type Severity, severityOf } from '../catalogue/catalogue.ts';
import type { WatchedSeries } from '../envelope/series-key.ts';
import { detailText } from './evidence-words.ts';
import { type AlertText, allCodesText, newCodesText, returningText, silentText } from './kind-text.ts';
import type { SpikeKind, SpikeRecord } from './spike.ts';
import { surgeAlertText } from './surge-text.ts';
import { momentText, plainText, spanText } from './wording.ts';

/** A firing alert stays valid for so long without a resend, so that an outage of minutes resolves nothing. */
export const FIRING_VALID_MS = 15 * 60_000;
/** The watchdog's alert lapses soon: its silence is the message. */
export const WATCHDOG_VALID_MS = 90_000;

/** One alert of `POST /api/v2/alerts`. */
export interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** RFC 3339. */
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL: string;
}

/** What alerts say of this installation. A link whose setting is null is left out. */
export interface AlertLinks {
  /** Without a slash at its end. */
  readonly publicUrl: string;
  readonly alertmanagerPublicUrl: string | null;
  readonly dashboardUrl: string | null;
  readonly runbookUrl: string | null;
}

export type StaticLabels = Readonly<Record<string, string>>;

const ALERT_NAMES: Readonly<Record<SpikeKind, string>> = {
  surge: 'ApiErrorSpike',
  all_codes: 'ApiErrorSpike',
  new_code: 'ApiErrorNewCode',
  returning_code: 'ApiErrorReturningCode',
  silent_code: 'ApiErrorSilentCode',
};
/** Alertmanager 0.25 refuses others. */
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const SHOWN_REQUEST_COUNT = 3;
const MOST_LABEL_CHARACTERS = 256;
/** Code and status of the digest of new codes, and of all codes together. */
const NEW = '_new';
const ALL = '_all';
/** What a silence of one alert is about: the code's silence holds for its fields too, not the other way round. */
const SILENCED_LABELS = ['alertname', 'code', 'field', 'field_code', 'status'];
/** Kept free of our own names: the rest of the contract's labels. */
const OWN_LABELS = ['alertname', 'code', 'field', 'field_code', 'status', 'fault', 'severity', 'team'];

export interface LabelsInput {
  readonly kind: SpikeKind;
  readonly code: string;
  /** Of a surge inside the code. */
  readonly pair?: WatchedSeries['pair'];
  /** null: unknown. */
  readonly status: number | null;
}

/** Labels of a spike's alert, from what is known at its opening. */
export function spikeLabels(
  { kind, code, pair, status }: LabelsInput,
  catalogue: Catalogue,
  staticLabels: StaticLabels,
): Record<string, string> {
  const alertname = ALERT_NAMES[kind];
  // One digest of all that are new: nothing of a single code in it, or it would be as many alerts.
  if (kind === 'new_code') {
    return cleanLabels({ alertname, code: NEW, status: NEW, fault: 'server', severity: 'warning' }, staticLabels);
  }
  return cleanLabels(
    {
      alertname,
      code,
      field: pair?.field ?? '',
      field_code: pair?.code ?? '',
      status: status === null ? 'unknown' : String(status),
      fault: faultOf(catalogue, code, status),
      severity: severityOf(catalogue, code, status),
      team: catalogue.codes.get(code)?.team ?? '',
    },
    staticLabels,
  );
}

/** Of the one alert in place of many, from the gravest of what it covers. */
export function allCodesLabels(
  gravest: { readonly fault: FaultSide; readonly severity: Severity },
  staticLabels: StaticLabels,
): Record<string, string> {
  return cleanLabels({ alertname: ALERT_NAMES.all_codes, code: ALL, status: ALL, ...gravest }, staticLabels);
}

export interface AlertMoment {
  readonly nowMs: number;
  readonly phase: 'firing' | 'resolved';
  /** It could not be told in time. */
  readonly isLate: boolean;
}

export function spikeAlert(spike: SpikeRecord, { nowMs, phase, isLate }: AlertMoment, links: AlertLinks): Alert {
  const page = `${links.publicUrl}/spikes/${spike.id}`;
  // Fixed over all repeats of a resolve; never before startsAt, which Alertmanager refuses.
  const endsAtMs = phase === 'firing' ? nowMs + FIRING_VALID_MS : (spike.resolvedAtMs ?? nowMs);
  return {
    labels: spike.labels,
    annotations: withoutEmpty({
      ...spikeText(spike, nowMs),
      request_ids: spike.evidence.requestIds.join(', '),
      dominant_detail: spike.evidence.dominantDetail === null ? '' : detailText(spike.evidence.dominantDetail),
      lateness: isLate ? latenessText(spike, nowMs) : '',
      runbook_url: links.runbookUrl ?? '',
      dashboard_url: links.dashboardUrl ?? '',
      lookup_url: lookupUrl(spike, links),
      silence_url: silenceUrl(spike, links),
    }),
    startsAt: rfc3339(spike.startsAtMs),
    endsAt: rfc3339(Math.max(endsAtMs, spike.startsAtMs)),
    generatorURL: page,
  };
}

/**
 * One alert for all new codes that are told now, whatever their number: Alertmanager knows it by its labels, which all of
 * them share, and takes a code that joins as a new text of the same alert.
 *
 * @param spikes oldest first; at least one.
 */
export function newCodesAlert(spikes: readonly SpikeRecord[], moment: AlertMoment, links: AlertLinks): Alert | null {
  const [oldest] = spikes;
  if (oldest === undefined) return null;
  const requestIds = spikes.flatMap(({ evidence }) => evidence.requestIds.slice(0, 1)).slice(-SHOWN_REQUEST_COUNT);
  const ended = { ...oldest, resolvedAtMs: Math.max(...spikes.map(({ resolvedAtMs }) => resolvedAtMs ?? 0)) || null };
  const alert = spikeAlert({ ...ended, evidence: { ...oldest.evidence, requestIds } }, moment, links);
  return { ...alert, annotations: { ...alert.annotations, ...newCodesText(spikes, moment.nowMs) } };
}

function spikeText(spike: SpikeRecord, nowMs: number): AlertText {
  switch (spike.kind) {
    case 'surge':
      return surgeAlertText(spike, nowMs);
    case 'all_codes':
      return allCodesText(spike, nowMs);
    case 'new_code':
      return newCodesText([spike], nowMs);
    case 'returning_code':
      return returningText(spike, nowMs);
    case 'silent_code':
      return silentText(spike, nowMs);
    default:
      return spike.kind satisfies never;
  }
}

function latenessText(spike: SpikeRecord, nowMs: number): string {
  const heldUpSeconds = Math.max(60, Math.round((nowMs - spike.openedAtMs) / 60_000) * 60);
  const over = spike.closedAtMs === null ? '' : ` It was over at ${momentText(spike.closedAtMs, nowMs)}.`;
  return `Told ${spanText(heldUpSeconds)} late: surgewatch or Alertmanager was held up.${over}`;
}

function lookupUrl({ evidence: { requestIds } }: SpikeRecord, { publicUrl }: AlertLinks): string {
  const [newest] = requestIds;
  return newest === undefined ? '' : `${publicUrl}/requests/${encodeURIComponent(newest)}`;
}

function silenceUrl({ labels }: SpikeRecord, { alertmanagerPublicUrl }: AlertLinks): string {
  if (alertmanagerPublicUrl === null) return '';
  const matchers = SILENCED_LABELS.filter((name) => name in labels).map(
    (name) => `${name}=${JSON.stringify(labels[name] ?? '')}`,
  );
  return `${alertmanagerPublicUrl.replace(/\/+$/, '')}/#/silences/new?filter=${encodeURIComponent(`{${matchers.join(',')}}`)}`;
}

/** Says that the detector's own loop runs; whoever receives it must miss it. */
export function watchdogAlert(
  { nowMs, startedAtMs }: { nowMs: number; startedAtMs: number },
  links: AlertLinks,
  staticLabels: StaticLabels,
): Alert {
  return {
    labels: cleanLabels({ alertname: 'SurgewatchWatchdog', severity: 'none' }, staticLabels),
    annotations: {
      summary: 'surgewatch watches',
      description: 'Always firing while the detector works. Send it to a dead-man switch: when it stops coming, nobody watches.',
    },
    startsAt: rfc3339(Math.min(startedAtMs, nowMs)),
    endsAt: rfc3339(nowMs + WATCHDOG_VALID_MS),
    generatorURL: links.publicUrl,
  };
}

export interface Blindness {
  readonly nowMs: number;
  readonly blindSinceMs: number;
  /** null: it is still blind. */
  readonly endedAtMs: number | null;
}

export function blindAlert({ nowMs, blindSinceMs, endedAtMs }: Blindness, links: AlertLinks, staticLabels: StaticLabels): Alert {
  return {
    labels: cleanLabels({ alertname: 'SurgewatchDetectorBlind', severity: 'critical' }, staticLabels),
    annotations: withoutEmpty({
      summary: `surgewatch has been blind since ${momentText(blindSinceMs, nowMs)}: newer errors are not evaluated yet`,
      description:
        'Spikes may be going on that nobody is told of. The detector is more than 2 minutes behind: a Kafka partition that is not read, a database that was away, or history that is still being learnt.',
      runbook_url: links.runbookUrl ?? '',
    }),
    startsAt: rfc3339(Math.min(blindSinceMs, nowMs)),
    endsAt: rfc3339(endedAtMs === null ? nowMs + FIRING_VALID_MS : Math.max(endedAtMs, blindSinceMs)),
    generatorURL: links.publicUrl,
  };
}

/** Our own labels win; names and values that Alertmanager would refuse or drop are left out. */
function cleanLabels(own: Readonly<Record<string, string>>, staticLabels: StaticLabels): Record<string, string> {
  const theirs = Object.entries(staticLabels).filter(([name]) => !OWN_LABELS.includes(name));
  const labels = [...theirs, ...Object.entries(own)].map(
    ([name, value]) => [name, plainText(value, MOST_LABEL_CHARACTERS)] as const,
  );
  return Object.fromEntries(labels.filter(([name, value]) => LABEL_NAME.test(name) && value !== ''));
}

function withoutEmpty(annotations: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations).filter(([, text]) => text !== ''));
}

function rfc3339(atMs: number): string {
  return new Date(atMs).toISOString();
}
