/**
 * The one way to PostgreSQL: a pool whose every client is guarded, faults classified by SQLSTATE, and a watch that says
 * when a database that was away serves again. Everything else in this folder gets its connections here.
 *
 * Guards, each against a way in which pg loses a process or a connection: an error handler on the pool and on every
 * client, a query timeout of our own (a frozen server answers no server-side one), and no client goes back to the pool
 * after a fault that leaves it in doubt.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { StoreRefused, StoreUnavailable } from '../errors.ts';
import type { DB } from './tables.ts';

/** Shorter than a Kafka session, so that a frozen server costs nobody a rebalance. */
const QUERY_TIMEOUT_MS = 9_000;
const STATEMENT_TIMEOUT_MS = 8_000;
const LOCK_TIMEOUT_MS = 5_000;
const CONNECT_TIMEOUT_MS = 5_000;
const PROBE_INTERVAL_MS = 500;
const DATE_OID = 1082;
/** PostgreSQL's SQLSTATE classes that pass by themselves: connection, resources, operator intervention, system. */
const WAIT_CLASSES = new Set(['08', '53', '57', '58']);
/** Serialisation failure, deadlock, lock timeout, idle timeout: the database serves, the same call may succeed at once. */
const RETRY_STATES = new Set(['40001', '40P01', '55P03', '25P03']);

export interface DatabaseOptions {
  readonly connectionString: string;
  /** Role to act as; null: the user of the connection string. */
  readonly role: 'surgewatch_app' | null;
  readonly poolSize: number;
  /**
   * Plans are made once, without the values. For reads over all table partitions, where planning costs more than running;
   * not for statements that lean on a value, such as ON CONFLICT with a partial index. They read by an index wherever there
   * is one: a plan may be made while a table is empty, when reading all of it is the cheapest, and is kept when it no longer is.
   */
  readonly keepsPlans?: boolean;
  readonly onUpChange?: (isUp: boolean) => void;
  readonly log: { warn(fields: object, text: string): void; info(fields: object, text: string): void };
}

export interface Database {
  readonly kysely: Kysely<DB>;
  /** Runs `work` on a client of its own. @throws StoreUnavailable | StoreRefused. A data fault (SQLSTATE 22, 23, 54) passes as it is. */
  withClient<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T>;
  isUp(): boolean;
  /** Connections now, and who waits for one. */
  connections(): { readonly busy: number; readonly idle: number; readonly waiting: number };
  /** Resolves once a query succeeds. @throws the signal's reason when aborted. */
  untilServes(signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** SQLSTATE of a fault that PostgreSQL raised, else null. */
export function sqlStateOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  return typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code) ? error.code : null;
}

/** A row that PostgreSQL cannot take, rather than a database that cannot serve. */
export function isDataFault(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state !== null && (state.startsWith('22') || state.startsWith('23') || state.startsWith('54'));
}

/** A fault of the program must not pass for a database that is away, or it is waited for until the end of days. */
function isOurMistake(error: unknown): boolean {
  return [TypeError, RangeError, ReferenceError, SyntaxError].some((kind) => error instanceof kind);
}

export function isRetryState(error: unknown): boolean {
  return RETRY_STATES.has(sqlStateOf(error) ?? '');
}

/** Gives a fault of pg its class; data faults and our own come back as they are. */
export function classify(error: unknown): unknown {
  if (error instanceof StoreUnavailable || error instanceof StoreRefused || isDataFault(error) || isOurMistake(error))
    return error;
  const state = sqlStateOf(error);
  if (state === null || WAIT_CLASSES.has(state.slice(0, 2)) || RETRY_STATES.has(state)) {
    return new StoreUnavailable('The database is away or too busy.', error);
  }
  return new StoreRefused(`The database refuses (SQLSTATE ${state}).`, error);
}

export function createDatabase(options: DatabaseOptions): Database {
  const types = new pg.TypeOverrides();
  types.setTypeParser(DATE_OID, (text) => text); // A day is a day: as a Date it would shift with the local zone.
  const pool = new pg.Pool({
    connectionString: options.connectionString,
    max: options.poolSize,
    types,
    application_name: 'surgewatch',
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    lock_timeout: LOCK_TIMEOUT_MS,
    idle_in_transaction_session_timeout: QUERY_TIMEOUT_MS,
    options: [
      ...(options.role === null ? [] : [`-c role=${options.role}`]),
      ...(options.keepsPlans === true ? ['-c plan_cache_mode=force_generic_plan', '-c enable_seqscan=off'] : []),
    ].join(' '),
  });
  let up = false;
  let isClosing = false;
  const setUp = (value: boolean, cause?: unknown) => {
    if (up === value || isClosing) return;
    up = value;
    options.onUpChange?.(value);
    if (value) options.log.info({}, 'database serves');
    else options.log.warn({ err: cause }, 'database is away; nothing is acknowledged until it serves again');
  };
  const onClientError = (error: Error) => setUp(false, error);
  pool.on('error', onClientError);
  pool.on('connect', (client) => client.on('error', onClientError));

  async function withClient<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    let client: pg.PoolClient;
    try {
      client = await pool.connect();
    } catch (error) {
      setUp(false, error);
      throw classify(error);
    }
    try {
      const result = await work(client);
      client.release();
      setUp(true);
      return result;
    } catch (error) {
      // Whatever failed may have left a transaction or a late answer behind: this client serves nobody else.
      client.release(true);
      const classified = classify(error);
      if (classified instanceof StoreUnavailable && !isRetryState(error)) setUp(false, error);
      throw classified;
    }
  }

  async function untilServes(signal?: AbortSignal): Promise<void> {
    for (;;) {
      signal?.throwIfAborted();
      try {
        await withClient((client) => client.query('select 1'));
        return;
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        await delay(PROBE_INTERVAL_MS, undefined, signal === undefined ? {} : { signal });
      }
    }
  }

  async function close(): Promise<void> {
    isClosing = true; // A connection that ends from now on is no outage.
    await kysely.destroy();
    // Kysely ends no pool that it has not used; its idle connections would keep a verb alive for ten seconds.
    if (!pool.ending) await pool.end();
  }

  const kysely = new Kysely<DB>({ dialect: new PostgresDialect({ pool: guard(pool, setUp) }) });
  const connections = () => ({ busy: pool.totalCount - pool.idleCount, idle: pool.idleCount, waiting: pool.waitingCount });
  return { kysely, withClient, isUp: () => up, connections, untilServes, close };
}

/** Kysely's view of the pool: a client that saw a fault is destroyed at its release, and faults come classified. */
function guard(pool: pg.Pool, setUp: (isUp: boolean, cause?: unknown) => void) {
  return {
    options: pool.options,
    end: () => pool.end(),
    connect: async () => {
      const client = await pool.connect().catch((error: unknown) => {
        setUp(false, error);
        throw classify(error);
      });
      let isInDoubt = false;
      return new Proxy(client, {
        get(target, property) {
          if (property === 'release') return () => target.release(isInDoubt);
          if (property === 'query') {
            return async (text: string, values: unknown[]) => {
              try {
                const result = await target.query(text, values);
                setUp(true);
                return result;
              } catch (error) {
                const classified = classify(error);
                isInDoubt ||= classified instanceof StoreUnavailable;
                if (isInDoubt && !isRetryState(error)) setUp(false, error);
                throw classified;
              }
            };
          }
          return Reflect.get(target, property);
        },
      });
    },
  };
}
