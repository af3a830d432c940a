/** Which codes may be a metric label: a closed alphabet, so that no code needs escaping anywhere it is shown. */
import { MAX_CODE_LENGTH } from './limits.ts';

const CODE = /^[A-Z0-9_]+$/;

/** Upper case, digits and underscores, at most 128 of them. */
export function isCodeShaped(code: string): boolean {
  return code.length <= MAX_CODE_LENGTH && CODE.test(code);
}
