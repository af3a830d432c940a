/** Collects what was changed in one envelope: each change once, in the order of the schema, no allocation when clean. */
import { SANITIZATIONS, type Sanitization } from './schema.ts';

const NONE: readonly Sanitization[] = Object.freeze([]);

export function createSanitized() {
  let noted: Set<Sanitization> | null = null;
  return {
    note(change: Sanitization): void {
      noted ??= new Set();
      noted.add(change);
    },
    list(): readonly Sanitization[] {
      const changes = noted;
      return changes === null ? NONE : SANITIZATIONS.filter((change) => changes.has(change));
    },
  };
}
