/**
 * Names that say of themselves that what follows is secret: keys of objects, fields of query strings, words before a colon.
 * Read word by word (`newPassword`, `x-api-key`, `CARD_NUMBER`), so that `spinner` is no pin and `discard` is no card.
 */

/** Secret wherever they stand in a name, also run together with other words. */
const FRAGMENTS = ['password', 'passwd', 'passphrase', 'passcode', 'secret', 'token', 'authorization', 'credential', 'apikey'];
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
  /pass|pwd|secret|token|auth|cred|key|pin|cvv|cvc|csc|ssn|iban|pan|card|otp|mfa|jwt|bearer|cookie|session|sign|account/i;
/** Last words that turn a secret's name into a statement about it. */
const STATEMENTS = new Set(
  'attempts count error expired failed invalid length limit missing mismatch name policy required reset status ttl type url'.split(
    ' ',
  ),
);

/** Whether the word before a separator in prose announces a secret: as `isSecretName`, but `TOKEN_EXPIRED:` is a statement. */
export function isSecretWord(word: string): boolean {
  return isSecretName(word) && !STATEMENTS.has(wordsOf(word).at(-1) ?? '');
}

export function isSecretName(name: string): boolean {
  if (!HINT.test(name)) return false;
  const clipped = name.length > MAX_NAME_LENGTH ? name.slice(0, MAX_NAME_LENGTH) : name;
  const joined = clipped.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
  if (FRAGMENTS.some((fragment) => joined.includes(fragment)) || WORDS.has(joined)) return true;
  const words = wordsOf(clipped);
  return words.some((word, index) => WORDS.has(word) || PAIRS.has(`${word} ${words[index + 1]}`));
}

function wordsOf(name: string): readonly string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
}
