/**
 * Which ASCII character a reader takes a character for: digits of every script, letters of other widths and styles or with
 * marks, look-alikes, spaces, dashes and quotes. What shows nothing stands for nothing.
 */

/** Stands for a character that is not seen; itself no character. */
export const UNSEEN = 0xffff;

/** Behind the last code point whose look is known: beyond it are ideographs, and tags that are not seen. */
const KNOWN_END = 0x20000;
const TAGS_START = 0xe0000;
const ASCII_END = 0x80;
const NOT_SEEN = /[\p{Default_Ignorable_Code_Point}\p{Mn}]/u;
const DIGIT = /\p{Nd}/u;
/** In the order in which they are tried. */
const KINDS: readonly (readonly [RegExp, string])[] = [
  [/\p{Zs}/u, ' '],
  [/[\p{Pd}\u2212]/u, '-'],
  [/[“”„‟«»「」『』″]/u, '"'],
  [/[‘’‚‛‹›′]/u, "'"],
];
/** Letters of Cyrillic, Greek, Armenian and phonetic script, behind the one that they look like. */
const LOOK_ALIKES =
  'aаαɑ cсϲ dԁ eеε hһ iіıι jј kкκ nпոη oоοօ pрρ qԛ rгʀ sѕꜱ tтτ uυս vѵν wԝѡω xхχ yуүγ ' +
  'AАΑ BВΒ CС EЕΕ HНΗ IІΙ KКΚ MМΜ NΝ OОΟ PРΡ SЅ TТΤ XХΧ YΥҮ';
const plainByLike = new Map(
  LOOK_ALIKES.split(' ').flatMap(([plain = '', ...likes]) => likes.map((like): [string, number] => [like, plain.charCodeAt(0)])),
);

/** What was looked up before, 0 for what was not: a text of a million characters has far fewer different ones. */
let known: Uint16Array | null = null;

/** The character's plain one as a UTF-16 unit, `UNSEEN`, or null when it stands for nothing but itself. */
export function plainOf(codePoint: number): number | null {
  if (codePoint >= KNOWN_END) return codePoint >= TAGS_START ? UNSEEN : null;
  known ??= new Uint16Array(KNOWN_END);
  const found = known[codePoint] || lookUp(codePoint);
  known[codePoint] = found;
  return found < ASCII_END || found === UNSEEN ? found : null;
}

/** As `plainOf`; any unit above ASCII stands for null. */
function lookUp(codePoint: number): number {
  const character = String.fromCodePoint(codePoint);
  if (NOT_SEEN.test(character)) return UNSEEN;
  if (DIGIT.test(character)) return 0x30 + digitValue(codePoint);
  const kind = KINDS.find(([pattern]) => pattern.test(character));
  if (kind !== undefined) return kind[1].charCodeAt(0);
  const composed = character.normalize('NFKC');
  const look = composed.length === 1 && composed < '\x80' ? composed : character.normalize('NFKD').charAt(0);
  const isPlain = look > '\0' && look < '\x80' && (composed.length === 1 || composed === look);
  return isPlain ? look.charCodeAt(0) : (plainByLike.get(character) ?? ASCII_END);
}

/** Unicode keeps the ten digits of a script in a row, and whole rows side by side. */
function digitValue(codePoint: number): number {
  let before = 0;
  while (DIGIT.test(String.fromCodePoint(codePoint - before - 1))) before++;
  return before % 10;
}
