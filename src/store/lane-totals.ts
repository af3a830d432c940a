/**
 * What one write lane has committed under each pair of labels, and how much of it was told. After a fault whose outcome is
 * unknown it is in doubt and read again; what was committed without our knowing is told with the next report, so that a
 * counter stays equal to the rows.
 */
export interface LabelTotal {
  readonly first: string;
  /** Holds no space. */
  readonly second: string;
  readonly total: number;
}

export interface Increment {
  readonly first: string;
  readonly second: string;
  readonly count: number;
}

/** @param read what the database holds for the lane. */
export function createLaneTotals(read: () => Promise<readonly LabelTotal[]>) {
  let known: Map<string, LabelTotal> | null = null;
  const told = new Map<string, number>();
  return {
    /** Reads what is in doubt. @throws StoreUnavailable. */
    async settle(): Promise<void> {
      known ??= new Map((await read()).map((each) => [labelKey(each.first, each.second), each]));
    },
    doubt(): void {
      known = null;
    },
    note(total: LabelTotal): void {
      known?.set(labelKey(total.first, total.second), total);
    },
    /** What is committed beyond what was told before; told from now on. */
    report(): readonly Increment[] {
      const increments: Increment[] = [];
      for (const [key, { first, second, total }] of known ?? []) {
        const count = total - (told.get(key) ?? 0);
        if (count <= 0) continue;
        told.set(key, total);
        increments.push({ first, second, count });
      }
      return increments;
    },
  };
}

/** The second label holds no space, the first might: the last space parts them. */
export function labelKey(first: string, second: string): string {
  return `${first} ${second}`;
}
