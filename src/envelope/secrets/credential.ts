/**
 * Secrets that show themselves by how they begin: JSON web tokens, the keys of well-known vendors, authorization schemes,
 * private keys. Looked for at the beginning of a word only, and followed to its end, so one pass over the text is enough.
 */
import { isAlphanumeric, isFull, isSpace, type Span } from './span.ts';

interface Prefix {
  readonly text: string;
  /** Fewest characters that follow: enough to tell a key from a word that happens to begin alike. */
  readonly minRest: number;
}

/** What the vendors document as the beginning of their keys. */
const PREFIXES: readonly Prefix[] = [
  ...prefixes(6, 'sk_live_ sk_test_ rk_live_ rk_test_ pk_live_ whsec_ rzp_live_ rzp_test_ shpat_ shpss_ shpca_ shppa_'),
  ...prefixes(
    6,
    'github_pat_ glpat- glrt- glptt- gldt- dckr_pat_ lin_api_ PMAK- NRAK- xkeysib- GOCSPX- hvs. ntn_ sntrys_ atlasv1.',
  ),
  ...prefixes(
    6,
    'ghp_ gho_ ghu_ ghs_ ghr_ xoxb- xoxp- xoxa- xoxr- xoxs- xoxe- xoxe. xoxc- xoxd- xapp- dop_v1_ doo_v1_ sbp_ AGE-SECRET-KEY-',
  ),
  ...prefixes(12, 'eyJ pypi- ya29. AKIA ASIA ABIA ACCA AIza IQoJ 1//0'),
  ...prefixes(30, 'npm_ hf_ sk- SG. key- dapi'),
];
const SCHEMES = ['bearer', 'basic', 'negotiate', 'ntlm', 'apikey'];
const NO_PREFIXES: readonly Prefix[] = [];
const MIN_TOKEN = 8;
/** A scheme is followed by a token when the word is this long or holds something else than letters. */
const SURE_TOKEN = 20;
const PRIVATE_KEY = '-----BEGIN ';
const DASH = 0x2d;
/** Beside letters and digits: what base64, base64url and vendors mix in. */
const TOKEN_MARKS = new Set(Array.from('-_.+/=~', (mark) => mark.charCodeAt(0)));

const prefixesByStart = Map.groupBy(PREFIXES, ({ text }) => startOf(text, 0));
const schemeStarts = new Set(SCHEMES.map((scheme) => startOf(scheme, 0)));

export function findCredentials(text: string, spans: Span[]): void {
  let at = 0;
  while (at < text.length && !isFull(spans)) {
    const charCode = text.charCodeAt(at);
    if (charCode === DASH && text.startsWith(PRIVATE_KEY, at)) {
      spans.push({ start: at, end: text.length, mark: '[private key]' });
      return;
    }
    if (!isAlphanumeric(charCode)) {
      at++;
      continue;
    }
    const start = startOfKey(text, at) ?? startOfSchemeToken(text, at);
    if (start === null) {
      at = endOfWord(text, at);
      continue;
    }
    const end = endOfToken(text, start, text.length);
    spans.push({ start, end, mark: '[credential]' });
    at = end;
  }
}

function prefixes(minRest: number, words: string): readonly Prefix[] {
  return words.split(' ').map((text) => ({ text, minRest }));
}

function startOfKey(text: string, start: number): number | null {
  for (const prefix of prefixesByStart.get(startOf(text, start)) ?? NO_PREFIXES) {
    if (!text.startsWith(prefix.text, start)) continue;
    const restStart = start + prefix.text.length;
    if (endOfToken(text, restStart, restStart + prefix.minRest) - restStart === prefix.minRest) return start;
  }
  return null;
}

/** Where the token of `Bearer token` begins, when a scheme stands at `start` and what follows is not just the next word. */
function startOfSchemeToken(text: string, start: number): number | null {
  if (!schemeStarts.has(startOf(text, start) | 0x2020)) return null;
  const scheme = SCHEMES.find((name) => text.slice(start, start + name.length).toLowerCase() === name);
  if (scheme === undefined || !isSpace(text.charCodeAt(start + scheme.length))) return null;
  const tokenStart = start + scheme.length + 1;
  const token = text.slice(tokenStart, endOfToken(text, tokenStart, tokenStart + SURE_TOKEN));
  if (token.length < MIN_TOKEN) return null;
  return token.length === SURE_TOKEN || !/^[A-Za-z]+[.]?$/.test(token) ? tokenStart : null;
}

/** The first two characters as one number: what decides, for nearly every word, that no finder needs to look closer. */
function startOf(text: string, start: number): number {
  return (text.charCodeAt(start) << 8) | text.charCodeAt(start + 1);
}

function endOfWord(text: string, start: number): number {
  let at = start;
  while (isAlphanumeric(text.charCodeAt(at))) at++;
  return at;
}

function endOfToken(text: string, start: number, limit: number): number {
  let at = start;
  while (at < limit && (isAlphanumeric(text.charCodeAt(at)) || TOKEN_MARKS.has(text.charCodeAt(at)))) at++;
  return at;
}
