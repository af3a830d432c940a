/**
 * What each error code and HTTP status means: the answer to "whose fault is it and what shall I say?". Pure: the text of
 * the YAML comes from outside, so the built-in file and a `CATALOGUE_FILE` go the same way.
 */
export type FaultSide = 'client' | 'server';
export type Severity = 'critical' | 'warning';

interface Words {
  /** One sentence: what happened. */
  readonly meaning: string;
  /** What the API's caller should do. */
  readonly callerAdvice: string;
  /** What support may say to the customer. */
  readonly supportWords: string;
  /** Whether the same request may succeed when sent again. */
  readonly isRetryable: boolean;
}

export interface StatusEntry extends Words {
  readonly status: number;
  /** Reason phrase, e.g. `Unprocessable Entity`. */
  readonly name: string;
  /** null: not an error. */
  readonly fault: FaultSide | null;
}

/** So many errors always come within so long, or something is wrong. */
export interface ExpectedMinimum {
  readonly errors: number;
  readonly withinMinutes: number;
}

export interface CodeEntry extends Words {
  readonly code: string;
  readonly status: number;
  /** Stated fault; otherwise it follows from the status. */
  readonly fault: FaultSide | null;
  readonly severity: Severity | null;
  readonly team: string | null;
  /** Keys of `details` whose scalars may be kept. */
  readonly detailKeys: readonly string[];
  /** Fewer while other codes flow raise an alert; null: silence is fine. */
  readonly expectedMinimum: ExpectedMinimum | null;
}

export interface Catalogue {
  readonly codes: ReadonlyMap<string, CodeEntry>;
  readonly statuses: ReadonlyMap<number, StatusEntry>;
}

/** The catalogue's where it states one and the status is its own, else 4xx client, 5xx and unknown server. */
export function faultOf(catalogue: Catalogue, code: string, status: number | null): FaultSide {
  const entry = catalogue.codes.get(code);
  if (entry?.fault && entry.status === status) return entry.fault;
  return status !== null && status >= 400 && status < 500 ? 'client' : 'server';
}

/** The catalogue's severity where stated, else critical for a server fault and warning for a client fault. */
export function severityOf(catalogue: Catalogue, code: string, status: number | null): Severity {
  return catalogue.codes.get(code)?.severity ?? (faultOf(catalogue, code, status) === 'server' ? 'critical' : 'warning');
}
