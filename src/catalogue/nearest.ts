/** The word somebody probably meant: what a mistyped key is answered with. */

/** The allowed word at most two edits (one for short words) away, or null. */
export function nearest(word: string, allowed: readonly string[]): string | null {
  let best: string | null = null;
  let bestDistance = word.length > 4 ? 3 : 2;
  for (const candidate of allowed) {
    const distance = editDistance(word.toLowerCase().replaceAll(/[_-]/g, ''), candidate.toLowerCase(), bestDistance);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Levenshtein's distance; `limit` when it is at least that. */
function editDistance(from: string, to: string, limit: number): number {
  if (Math.abs(from.length - to.length) >= limit) return limit;
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const substitution = (previous[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return Math.min(previous[to.length] ?? limit, limit);
}
