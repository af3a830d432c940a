/**
 * Finds requestIds in whatever somebody pastes: an id, a log line, a JSON error, an e-mail, a link. Ids that are named as
 * such come first; only where nothing is named are tokens that merely look like one taken.
 */
const MOST_CANDIDATES = 20;
const LONGEST_TEXT = 20_000;
const ID = '[A-Za-z0-9._:-]';

const WHOLE = new RegExp(`^${ID}{1,128}$`);
/** Behind `requestId`, `request_id`, `X-Request-Id`, `request ID`, whatever stands between as in JSON, logs and prose. */
const NAMED = new RegExp(`request[-_ ]?id\\\\?["']?(?:\\s+(?:is|was))?\\s*[:=#]?>?\\s*\\\\?["'<(]?(${ID}{6,128})`, 'gi');
const LINKED = new RegExp(`/requests/(${ID}{1,128})`, 'g');
const PREFIXED = /\breq[_-][A-Za-z0-9._:-]{3,124}/g;
const UUID = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi;
const TOKEN = new RegExp(`(?<![A-Za-z0-9._:@/-])${ID}{6,128}(?![A-Za-z0-9._:@/-])`, 'g');
const NO_ID = /^(\d{4}-\d\d-\d\d.*|\d\d:\d\d.*|[\d.:-]+|[A-Z0-9_]+|v?\d+\.\d+.*)$/;

/** In the order of how sure we are, without repeats. */
export function findRequestIds(pasted: string): readonly string[] {
  const text = pasted.trim().slice(0, LONGEST_TEXT);
  if (text === '') return [];
  if (WHOLE.test(text)) return [text];
  const found = [...matchesOf(NAMED, text), ...matchesOf(LINKED, text), ...matchesOf(PREFIXED, text), ...matchesOf(UUID, text)];
  const sure = unique(found.map(withoutPunctuation));
  return (sure.length > 0 ? sure : unique(matchesOf(TOKEN, text).map(withoutPunctuation).filter(looksLikeId))).slice(
    0,
    MOST_CANDIDATES,
  );
}

function matchesOf(pattern: RegExp, text: string): readonly string[] {
  return [...text.matchAll(pattern)].map((match) => match[1] ?? match[0]);
}

/** A sentence ends behind an id more often than an id ends with a full stop. */
function withoutPunctuation(id: string): string {
  return id.replace(/[.:-]+$/, '');
}

function looksLikeId(token: string): boolean {
  return token.length >= 6 && /\d/.test(token) && /[A-Za-z]/.test(token) && !NO_ID.test(token);
}

function unique(ids: readonly string[]): readonly string[] {
  return [...new Set(ids)].filter((id) => id !== '');
}
