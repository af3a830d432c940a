/**
 * PURE. What the detector watches: each code, and each pair of field and sub-code inside VALIDATION_ERROR. A pair goes the
 * same way as a code, under a key in the place of a code. The key of a code is the code; that of a pair holds spaces, which
 * no code does that is counted by name.
 */
import { fieldKey, VALIDATION_CODE, type ValidationField } from './validation-fields.ts';

export interface WatchedSeries {
  readonly code: string;
  /** null: the whole code. */
  readonly pair: ValidationField | null;
}

export function seriesKeyOf({ code, pair }: WatchedSeries): string {
  return pair === null ? code : `${code} ${fieldKey(pair)}`;
}

export function pairKeyOf(pair: ValidationField): string {
  return seriesKeyOf({ code: VALIDATION_CODE, pair });
}

export function isCodeKey(key: string): boolean {
  return !key.includes(' ');
}

export function seriesOf(key: string): WatchedSeries {
  const [code = '', field, subCode] = key.split(' ');
  return { code, pair: field === undefined || subCode === undefined ? null : { field, code: subCode } };
}
