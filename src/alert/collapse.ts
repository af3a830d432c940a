/**
 * From a common rise to the one spike that tells it: which surges it covers, when it begins, goes on and ends. Its row and
 * theirs are all there is to know, so that whoever leads next goes on from them.
 */
import { type Catalogue, type FaultSide, faultOf, type Severity, severityOf } from '../catalogue/catalogue.ts';
import { isCodeKey } from '../envelope/series-key.ts';
import type { CodeTransition } from './code-states.ts';
import { type CommonRise, commonRiseOf, isBeyond, type Rise } from './common-rise.ts';
import { allCodesLabels, type StaticLabels } from './payload.ts';
import type { NewestError, SpikeChange, SpikeStore } from './ports.ts';
import { type NewSpike, NO_EVIDENCE, type SpikeRecord } from './spike.ts';
import { BUCKET_MS, judgeOpening, type LifeTime } from './spike-life.ts';

export const ALL_CODES = '_all';
const SHOWN_CODE_COUNT = 20;
const SHOWN_REQUEST_COUNT = 3;
/** Of the codes that rose, when only so few are still up and the rest stayed calm, they are spikes of their own. */
const LEFT_OVER_SHARE = 0.25;

export interface Collapse {
  /** What becomes of the all-codes spike; goes before what becomes of the codes. */
  readonly changes: readonly SpikeChange[];
  /** Whether it tells of a surge that opens now. */
  readonly covers: (spike: Pick<NewSpike, 'code' | 'labels'>) => boolean;
}

const NO_COLLAPSE: Collapse = { changes: [], covers: () => false };

export interface CollapseInput {
  readonly transitions: readonly CodeTransition[];
  /** Of all codes, in the minutes before the stretch ended; empty when nothing opened. */
  readonly rises: readonly Rise[];
  readonly windowSeconds: number;
  readonly active: readonly SpikeRecord[];
  readonly time: LifeTime;
}

export interface CollapseDeps {
  readonly spikes: Pick<SpikeStore, 'sampleNewest'>;
  readonly catalogue: Catalogue;
  readonly staticLabels: StaticLabels;
}

/** @throws StoreUnavailable: nothing was decided, the same call may be made again. */
export async function collapse(input: CollapseInput, deps: CollapseDeps): Promise<Collapse> {
  const { transitions, active, time } = input;
  const opened = transitions.filter(({ code, transition }) => transition.event === 'open' && isCodeKey(code));
  const lastOpening = opened.at(-1)?.transition;
  if (lastOpening === undefined) return NO_COLLAPSE;
  const own = new Set(active.filter(isUpByItself).map(({ code }) => code));
  const rises = input.rises.filter(({ code }) => !own.has(code));
  const names = new Set(opened.map(({ code }) => code).filter((code) => !own.has(code)));
  const common = commonRiseOf(rises, names);
  if (common === null) return NO_COLLAPSE;
  const covered = new Set(rises.filter((rise) => names.has(rise.code) && !isBeyond(rise, common.factor)).map(({ code }) => code));
  if (covered.size === 0) return NO_COLLAPSE;

  const all = active.find(({ kind }) => kind === 'all_codes') ?? null;
  const openedAtMs = lastOpening.bucketStartSeconds * 1000;
  const judged = judgeOpening(all, openedAtMs, time);
  const live = { of: 'all_codes', code: ALL_CODES } as const;
  if (judged === 'continue' && all !== null) {
    return {
      changes: all.closedAtMs === null ? [] : [{ kind: 'continue', ...live }],
      covers: coverOf(covered, all.labels['severity']),
    };
  }
  const spike = await newSpike(common, { openedAtMs, windowSeconds: input.windowSeconds }, deps);
  const ended: readonly SpikeChange[] = judged === 'end_and_begin' ? [{ kind: 'end_untold', ...live }] : [];
  return {
    changes: [...ended, { kind: 'begin', spike, isCovered: false }],
    covers: coverOf(covered, spike.labels['severity']),
  };
}

/** A critical surge is never hidden behind a warning. */
function coverOf(covered: ReadonlySet<string>, severity: string | undefined): Collapse['covers'] {
  return ({ code, labels }) => covered.has(code) && (severity === 'critical' || labels['severity'] !== 'critical');
}

function isUpByItself({ kind, pair, coveredBy, closedAtMs }: SpikeRecord): boolean {
  return kind === 'surge' && pair === null && coveredBy === null && closedAtMs === null;
}

async function newSpike(
  { risen, fairCount }: CommonRise,
  { openedAtMs, windowSeconds }: { readonly openedAtMs: number; readonly windowSeconds: number },
  { spikes, catalogue, staticLabels }: CollapseDeps,
): Promise<NewSpike> {
  const untilMs = openedAtMs + BUCKET_MS;
  const codes = risen.map(({ code }) => code);
  const newest = await spikes.sampleNewest(codes, untilMs - windowSeconds * 1000, untilMs);
  const gravest = gravestOf(codes, newest, catalogue);
  const requestIds = codes.flatMap((code) => (newest.get(code) ?? []).slice(0, 1)).map(({ requestId }) => requestId);
  return {
    kind: 'all_codes',
    code: ALL_CODES,
    pair: null,
    status: ALL_CODES,
    startsAtMs: untilMs - windowSeconds * 1000,
    openedAtMs,
    observed: risen.reduce((sum, { observed }) => sum + observed, 0),
    expected: risen.reduce((sum, { expected }) => sum + expected, 0),
    windowSeconds,
    score: 0,
    labels: allCodesLabels(gravest, staticLabels),
    evidence: { ...NO_EVIDENCE, requestIds: requestIds.slice(0, SHOWN_REQUEST_COUNT) },
    lastSeenAtMs: null,
    breadth: { risenCount: risen.length, fairCount, codes: codes.slice(0, SHOWN_CODE_COUNT) },
  };
}

/** One alert in place of many is as severe as the most severe of them. */
function gravestOf(codes: readonly string[], newest: ReadonlyMap<string, readonly NewestError[]>, catalogue: Catalogue) {
  const known = codes.map((code) => ({
    code,
    status: newest.get(code)?.[0]?.status ?? catalogue.codes.get(code)?.status ?? null,
  }));
  const fault: FaultSide = known.some(({ code, status }) => faultOf(catalogue, code, status) === 'server') ? 'server' : 'client';
  const isCritical = known.some(({ code, status }) => severityOf(catalogue, code, status) === 'critical');
  const severity: Severity = isCritical ? 'critical' : 'warning';
  return { fault, severity };
}

/**
 * What the changes of its codes mean for the all-codes spike. It ends with the last surge it covers, or when only few of
 * its codes are left up long after the others; who is up after its end is told by itself.
 */
export function endOfCollapse(
  active: readonly SpikeRecord[],
  changes: readonly SpikeChange[],
  evaluatedUntilMs: number,
): readonly SpikeChange[] {
  const all = active.find(({ kind }) => kind === 'all_codes');
  const isRenewed = changes.some((change) => (change.kind === 'begin' ? change.isCovered : change.of === 'all_codes'));
  if (all === undefined || isRenewed) return [];
  const covered = closesOf(
    active.filter(({ coveredBy }) => coveredBy === all.id),
    changes,
  );
  const open = [...covered].filter(([, closedAtMs]) => closedAtMs === null).map(([code]) => code);
  const uncovered = open.map((code): SpikeChange => ({ kind: 'uncover', of: 'surge', code, openedAtMs: evaluatedUntilMs }));
  if (all.closedAtMs !== null) return uncovered;
  const close = { kind: 'close', of: 'all_codes', code: ALL_CODES } as const;
  if (open.length === 0) {
    const lastMs = Math.max(0, ...[...covered.values()].map((closedAtMs) => closedAtMs ?? 0));
    return [{ ...close, closedAtMs: lastMs === 0 ? evaluatedUntilMs : lastMs, reason: 'subsided' }];
  }
  // Those that closed are resolved, and gone from here, once they stayed calm for the hold.
  const isLeftOver = open.length === covered.size && open.length <= LEFT_OVER_SHARE * (all.breadth?.risenCount ?? 0);
  return isLeftOver ? [{ ...close, closedAtMs: evaluatedUntilMs, reason: 'no_longer_common' }, ...uncovered] : [];
}

/** By code when its surge closed, with what changes now; null: it is open. */
function closesOf(surges: readonly SpikeRecord[], changes: readonly SpikeChange[]): ReadonlyMap<string, number | null> {
  const closes = new Map(surges.map(({ code, closedAtMs }) => [code, closedAtMs]));
  for (const change of changes) {
    if (change.kind === 'begin' || change.of !== 'surge' || (change.pair ?? null) !== null || !closes.has(change.code)) continue;
    if (change.kind === 'close') closes.set(change.code, change.closedAtMs);
    if (change.kind === 'continue') closes.set(change.code, null);
  }
  return closes;
}
