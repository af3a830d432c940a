/**
 * Names that say of themselves that what follows is secret: keys of objects, fields of query strings, words before a colon.
 * Read word by word (`newPassword`, `x-api-key`, `CARD_NUMBER`), so that `spinner` is no pin and `discard` is no card.
 */
import { memoized } from '../memo.ts';
import { isAlphanumeric } from './span.ts';
import { unfold } from './unfold.ts';

/** Secret wherever they stand in a name, also run together with other words. */
const FRAGMENT =
  /p[a4]ssw[o0]rd|passwort|kennwort|passwd|passphrase|passcode|pswd|secret|token|authorization|credential|api[^a-z]?key|sess(?:ion)?[^a-z]?id|credit[^a-z]?card|debit[^a-z]?card|mnemonic|contrasena|mot[^a-z]?de[^a-z]?passe|пароль|密码|密碼|パスワード/i;
/** Secret as a whole word only. */
const WORDS = new Set(
  (
    'pwd pass pin pins cvv cvv2 cvc cvc2 csc ssn iban pan card cards otp totp mfa jwt bearer cookie cookies setcookie ' +
    'session signature sig hmac auth creds cred privkey pword psw xsrf 2fa aadhaar senha wachtwoord ccnum ccnumber cardno'
  ).split(' '),
);
/** Secret as two words in a row. */
const PAIRS = new Set(
  (
    'api-key private-key access-key encryption-key signing-key auth-key secret-key session-key master-key shared-key ssh-key ' +
    'account-key account-number card-number security-code verification-code backup-code recovery-code auth-code sms-code ' +
    'pass-word pass-phrase pass-code seed-phrase recovery-phrase security-answer secret-answer'
  ).split(' '),
);
const JOINED_PAIRS = new Set([...PAIRS].map((pair) => pair.replace('-', '')));
/** No secret has a longer name; bounds the work for hostile ones. */
const MAX_NAME_LENGTH = 256;

/** Some part of every secret name: a quick no for nearly all others. */
const HINT =
  /p[a4]ss|pwd|pswd|pword|psw|secret|token|auth|cred|[a-z][^a-z]?key|pin|cv[vc]|csc|ssn|iban|pan|card|otp|mfa|2fa|jwt|bearer|cookie|sess|sig|account|[a-z][^a-z]?code|phrase|answer|mnemonic|kennwort|contrase|mot.?de|wachtwoord|senha|hmac|xsrf|aadhaar|ccnum|[^ -~]/i;
/** May read otherwise than it is written. */
const DRESSED = /[^ -~]|[%&\\]/;
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

/** Whether two words of prose, the second before the separator, are the name of one secret thing: `api key: x`. */
export function isSecretPair(words: string): boolean {
  const [first = '', second = '', ...others] = words.toLowerCase().split(' ');
  return second !== '' && others.length === 0 && PAIRS.has(`${first}-${second}`);
}

export const isSecretName: (name: string) => boolean = memoized(readName, { mostTexts: 1_000, longestText: 64 });

function readName(name: string): boolean {
  const clipped = name.length > MAX_NAME_LENGTH ? name.slice(0, MAX_NAME_LENGTH) : name;
  if (!HINT.test(clipped)) return false;
  return isSecretSpelling(clipped) || (DRESSED.test(clipped) && isSecretSpelling(unfold(clipped)?.text ?? ''));
}

function isSecretSpelling(name: string): boolean {
  if (name === '') return false;
  if (FRAGMENT.test(name) || WORDS.has(name.toLowerCase())) return true;
  const words = wordsOf(name);
  const joined = words.join('');
  return (
    words.some((word, index) => WORDS.has(word) || PAIRS.has(`${word}-${words[index + 1]}`)) ||
    WORDS.has(joined) ||
    JOINED_PAIRS.has(joined)
  );
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
