/**
 * Text that producers chose, made harmless to the eye: characters that hide, reorder or break lines are named where they
 * stand, towers of combining marks are cut, and the whole is clipped.
 */
import { html, type Value } from './html.ts';

const MOST_CHARACTERS = 2_000;
/** Controls, formats (bidi overrides, zero widths, tags) and Unicode's own line ends. */
const HIDDEN = /([\p{Cc}\p{Cf}\p{Zl}\p{Zp}])/gu;
/** No script stacks more than four on one letter. */
const MARK_TOWER = /(\p{M}{4})\p{M}+/gu;

export function showText(text: string, mostCharacters = MOST_CHARACTERS): Value {
  const characters = [...text.slice(0, mostCharacters * 2)];
  const clipped = characters.slice(0, mostCharacters).join('').replace(MARK_TOWER, `$1…`);
  const isClipped = characters.length > mostCharacters || text.length > mostCharacters * 2;
  const parts = clipped.split(HIDDEN).map((part, index) => (index % 2 === 1 ? showHidden(part) : part));
  return [parts, isClipped && html`<span class="hidden-character" title="Clipped for this page">… clipped</span>`];
}

function showHidden(character: string): Value {
  const point = character.codePointAt(0) ?? 0;
  const name = `U+${point.toString(16).toUpperCase().padStart(4, '0')}`;
  return html`<span class="hidden-character" title="A character that is not shown">${name}</span>`;
}
