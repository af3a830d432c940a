/** What became of an imported file, for people: how many of what, and where to look. Never what a line held. */

import { REJECT_MEANINGS } from '../ingest/outcome.ts';
import type { FileTally } from '../sources/file-source.ts';

export function sayTally({ stored, duplicate, rejected }: FileTally): string {
  const reasons = [...rejected].sort(([, one], [, other]) => other.count - one.count);
  const rejectedCount = reasons.reduce((sum, [, { count }]) => sum + count, 0);
  const lines = [
    `stored     ${stored}`,
    `duplicate  ${duplicate}`,
    `rejected   ${rejectedCount}`,
    ...reasons.map(([reason, { count, lines: examples }]) => {
      const more = count > examples.length ? ', …' : '';
      return `  ${reason}: ${count} (line ${examples.join(', ')}${more}) ${REJECT_MEANINGS[reason].text}`;
    }),
  ];
  return `${lines.join('\n')}\n`;
}
