/** All that is wrong with a catalogue file at once, so that its author needs one round and not one for each mistake. */
import { Fault } from '../errors.ts';

export interface CatalogueProblem {
  /** Counted from 1. */
  readonly line: number;
  readonly column?: number;
  /** Says where and what is allowed, never what value was given. */
  readonly message: string;
}

export class CatalogueFault extends Fault {
  readonly fileName: string;
  readonly problems: readonly CatalogueProblem[];

  /** The fault's message holds one `FILE:LINE: message` line for each problem. */
  constructor(fileName: string, problems: readonly CatalogueProblem[]) {
    super('bad_configuration', problems.map(({ line, message }) => `${fileName}:${line}: ${message}`).join('\n'), {
      retryable: false,
    });
    this.fileName = fileName;
    this.problems = problems;
  }
}
