/**
 * Remembers what a PURE function of a short text answered: keys, codes and messages are the same few in most envelopes, and
 * looking one up costs a fraction of looking through it. Bounded: the texts are attacker-chosen.
 */
export interface MemoOptions<T> {
  /** Most texts that are remembered for sure; up to twice as many are. */
  readonly mostTexts: number;
  /** Longer texts, in UTF-16 units, are neither looked up nor remembered. */
  readonly longestText: number;
  /** What must not stay in memory, above all a text that holds a secret, is not remembered. */
  readonly mayKeep?: (text: string, answer: T) => boolean;
}

export function memoized<T extends string | boolean | null>(answerOf: (text: string) => T, options: MemoOptions<T>) {
  const { mostTexts, longestText, mayKeep = () => true } = options;
  // Two generations: when the young one is full it becomes the old one, and what is asked for again comes back from there.
  let young = new Map<string, T>();
  let old = new Map<string, T>();
  return (text: string): T => {
    if (text.length > longestText) return answerOf(text);
    const known = young.get(text);
    if (known !== undefined) return known;
    const aged = old.get(text);
    const answer = aged === undefined ? answerOf(text) : aged;
    if (aged === undefined && !mayKeep(text, answer)) return answer;
    if (young.size >= mostTexts) {
      old = young;
      young = new Map();
    }
    young.set(text, answer);
    return answer;
  };
}
