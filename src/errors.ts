/**
 * The faults that surgewatch throws. What is expected of an input is a value (`Outcome`), never one of these;
 * what is thrown says by its class and code who must act and whether trying again can help.
 */
export type FaultCode =
  | 'bad_configuration'
  | 'bad_usage'
  | 'bad_input'
  | 'database_unavailable'
  | 'database_refused'
  | 'data_dir_in_use'
  | 'replica_id_in_use'
  | 'port_in_use'
  | 'dead_letter_topic_unavailable'
  | 'overloaded';

export class Fault extends Error {
  readonly code: FaultCode;
  /** True when the same call may succeed later without anybody acting. */
  readonly retryable: boolean;

  constructor(code: FaultCode, message: string, options: { readonly retryable: boolean; readonly cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retryable = options.retryable;
  }
}

/** All faults of a configuration at once, each a sentence that names the variable and never its value. */
export class ConfigurationFault extends Fault {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super('bad_configuration', faults.join('\n'), { retryable: false });
    this.faults = faults;
  }
}

/** The command line is wrong: exit code 2. */
export class UsageFault extends Fault {
  constructor(message: string) {
    super('bad_usage', message, { retryable: false });
  }
}

/** A file that a verb was given cannot be read as what it should be; the message says where and what is allowed. */
export class InputFault extends Fault {
  constructor(message: string, cause?: unknown) {
    super('bad_input', message, { retryable: false, cause });
  }
}

/** The database cannot be reached or cannot serve now: nothing was written, or what was written is repeated safely. */
export class StoreUnavailable extends Fault {
  constructor(message: string, cause?: unknown) {
    super('database_unavailable', message, { retryable: true, cause });
  }
}

/** The database answers but refuses for a reason that a person must mend (permissions, a missing table, a bad version). */
export class StoreRefused extends Fault {
  constructor(message: string, cause?: unknown) {
    super('database_refused', message, { retryable: false, cause });
  }
}

/** The topic for rejected records takes none now: what was rejected may not be acknowledged. */
export class DeadLetterTopicUnavailable extends Fault {
  constructor(message: string, cause?: unknown) {
    super('dead_letter_topic_unavailable', message, { retryable: true, cause });
  }
}

/** More is in flight than memory may hold: nothing was taken, the sender should come again. */
export class Overloaded extends Fault {
  constructor(message: string) {
    super('overloaded', message, { retryable: true });
  }
}

/** Something another process owns: a data directory, a replica id, a port. */
export class InUse extends Fault {
  constructor(code: 'data_dir_in_use' | 'replica_id_in_use' | 'port_in_use', message: string, cause?: unknown) {
    super(code, message, { retryable: false, cause });
  }
}
