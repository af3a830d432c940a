/**
 * Names that say of themselves that what follows is secret: keys of objects, fields of query strings, words before a colon.
 * Read word by word (`newPassword`, `x-api-key`, `CARD_NUMBER`), so that `spinner` is no pin and `discard` is no card.
 */
import { memoized } from '../memo.ts';
import { isAlphanumeric } from './span.ts';

/** Secret wherever they stand in a name, also run together with other words. */
const FRAGMENT = /password|passwd|passphrase|passcode|secret|token|authorization|credential|api[^a-z]?key/i;
/** Secret as a whole word only. */
const WORDS = new Set(
  (
    'pwd pass pin pins cvv cvv2 cvc cvc2 csc ssn iban pan card cards otp totp mfa jwt bearer cookie cookies setcookie ' +
    'session sessionid signature privatekey accesskey secretkey accountnumber cardnumber'
  ).split(' '),
);
/** Secret as two words in a row. */
const PAIRS = new Set(['api key', 'private key', 'access key', 'encryption key', 'signing key', 'account number', 'auth key']);
/** No secret has a longer name; bounds the work for hostile ones. */
const MAX_NAME_LENGTH = 256;

/** Some part of every secret name: a quick no for nearly all others. */
const HINT =
  /pass|pwd|secret|token|auth|cred|(?:api|private|access|encryption|signing|secret).?key|pin|cvv|cvc|csc|ssn|iban|pan|card|otp|mfa|jwt|bearer|cookie|session|signature|account/i;
/** Last words that turn a secret's name into a statement about it. */
const STATEMENTS = new Set(
  'attempts count error expired failed invalid length limit missing mismatch name policy required reset status ttl type url'.split(
    ' ',
  ),
);

/** Whether the word before a separator in prose announces a secret: as `isSecretName`, but `TOKEN_EXPIRED:` is a statement. */
export function isSecretWord(word: string): boolean {
  return WORDS.has(word.toLowerCase()) || (isSecretName(word) && !STATEMENTS.has(wordsOf(word).at(-1) ?? ''));
}

export const isSecretName: (name: string) => boolean = memoized(readName, { mostTexts: 1_000, longestText: 64 });

function readName(name: string): boolean {
  const clipped = name.length > MAX_NAME_LENGTH ? name.slice(0, MAX_NAME_LENGTH) : name;
  if (!HINT.test(clipped)) return false;
  if (FRAGMENT.test(clipped) || WORDS.has(clipped.toLowerCase())) return true;
  const words = wordsOf(clipped);
  return words.some((word, index) => WORDS.has(word) || PAIRS.has(`${word} ${words[index + 1]}`)) || WORDS.has(words.join(''));
}

/** The lower-cased words of a name: parted by what is no letter or digit, and where lower case turns to upper. */
function wordsOf(name: string): readonly string[] {
  const words: string[] = [];
  let start = 0;
  for (let at = 0; at <= name.length; at++) {
    const isEnd = !isAlphanumeric(name.charCodeAt(at));
    const isTurn = isUpper(name.charCodeAt(at)) && (!isUpper(name.charCodeAt(at - 1)) || isLower(name.charCodeAt(at + 1)));
    if (!isEnd && !isTurn) continue;
    if (at > start) words.push(name.slice(start, at).toLowerCase());
    start = isEnd ? at + 1 : at;
  }
  return words;
}

function isUpper(charCode: number): boolean {
  return charCode >= 0x41 && charCode <= 0x5a;
}

function isLower(charCode: number): boolean {
  return charCode >= 0x61 && charCode <= 0x7a;
}
