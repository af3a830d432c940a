/**
 * A rejected webhook body is answered and counted always, but recorded only at a bounded rate: whoever floods us with
 * garbage must not fill the disk with its records. Kafka's dead letters are bounded by the topic and need no budget.
 */
const MOST_A_MINUTE = 60;
const MINUTE_MS = 60_000;

/** A bucket that holds a minute's worth and fills evenly. The clock is the delivery's, passed in. */
export function createDeadLetterBudget(): (nowMs: number) => boolean {
  let tokens = MOST_A_MINUTE;
  let filledAtMs = 0;
  return (nowMs) => {
    tokens = Math.min(MOST_A_MINUTE, tokens + (Math.max(0, nowMs - filledAtMs) * MOST_A_MINUTE) / MINUTE_MS);
    filledAtMs = Math.max(filledAtMs, nowMs);
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}
