/** The parser's own corner cases: nst/JSONTestSuite, whose files are no envelopes and so must all be rejected in the right way. */
import { equal, match } from 'node:assert/strict';
import { test } from 'node:test';
import { jsonTestSuite } from '../../support/json-test-suite.ts';
import { verdictOf } from './sample.ts';

const verdicts = new Map(jsonTestSuite.map(([name, bytes]) => [name, verdictOf(bytes)]));
const named = (letter: string) => [...verdicts].filter(([name]) => name.startsWith(letter));

test('case 18: the 188 files that are no JSON are syntax or utf8, save the empty and the too deep ones', () => {
  equal(named('n_').length, 188);
  const others = named('n_').filter(([, verdict]) => verdict !== 'syntax' && verdict !== 'utf8');
  equal(
    others.map(([name, verdict]) => `${name} ${verdict}`).join('; '),
    'n_structure_no_data empty; n_structure_100000_opening_arrays depth; n_structure_open_array_object depth',
  );
});

test('case 19: the 95 files that are JSON are no envelopes: schema or status', () => {
  equal(named('y_').length, 95);
  for (const [name, verdict] of named('y_')) match(verdict, /^(?:schema|status)$/, name);
});

/** What each file that the standard leaves open is answered with; pinned, so that a new runtime cannot change it unseen. */
const OPEN: Readonly<Record<string, string>> = {
  i_number_double_huge_neg_exp: 'schema',
  i_number_huge_exp: 'schema',
  i_number_neg_int_huge_exp: 'schema',
  i_number_pos_double_huge_exp: 'schema',
  i_number_real_neg_overflow: 'schema',
  i_number_real_pos_overflow: 'schema',
  i_number_real_underflow: 'schema',
  i_number_too_big_neg_int: 'schema',
  i_number_too_big_pos_int: 'schema',
  i_number_very_big_negative_int: 'schema',
  i_object_key_lone_2nd_surrogate: 'status',
  i_string_1st_surrogate_but_2nd_missing: 'schema',
  i_string_1st_valid_surrogate_2nd_invalid: 'schema',
  'i_string_UTF-16LE_with_BOM': 'utf8',
  'i_string_UTF-8_invalid_sequence': 'utf8',
  'i_string_UTF8_surrogate_U+D800': 'utf8',
  i_string_incomplete_surrogate_and_escape_valid: 'schema',
  i_string_incomplete_surrogate_pair: 'schema',
  i_string_incomplete_surrogates_escape_valid: 'schema',
  i_string_invalid_lonely_surrogate: 'schema',
  i_string_invalid_surrogate: 'schema',
  'i_string_invalid_utf-8': 'utf8',
  'i_string_inverted_surrogates_U+1D11E': 'schema',
  i_string_iso_latin_1: 'utf8',
  i_string_lone_second_surrogate: 'schema',
  i_string_lone_utf8_continuation_byte: 'utf8',
  i_string_not_in_unicode_range: 'utf8',
  i_string_overlong_sequence_2_bytes: 'utf8',
  i_string_overlong_sequence_6_bytes: 'utf8',
  i_string_overlong_sequence_6_bytes_null: 'utf8',
  'i_string_truncated-utf-8': 'utf8',
  i_string_utf16BE_no_BOM: 'utf8',
  i_string_utf16LE_no_BOM: 'utf8',
  i_structure_500_nested_arrays: 'depth',
  'i_structure_UTF-8_BOM_empty_object': 'status',
};

test('the 35 files that the standard leaves open have each one pinned answer', () => {
  equal(named('i_').length, 35);
  for (const [name, verdict] of named('i_')) equal(verdict, OPEN[name], name);
});
