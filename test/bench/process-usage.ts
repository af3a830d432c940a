/**
 * What processes cost, as Linux counts it: CPU as utime + stime from /proc/PID/stat in ticks of 10 ms, the high-water mark
 * of memory from /proc/PID/status. PostgreSQL is its postmaster, every process below it, and those that it has buried.
 * Elsewhere than on Linux nothing is known and the figures are left out.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** USER_HZ, which Linux fixes towards programs whatever its own clock does. */
const TICKS_PER_SECOND = 100;
const KIBIBYTE = 1024;

interface Stat {
  readonly parentPid: number;
  readonly ownTicks: number;
  /** Of children that ended and were waited for. */
  readonly buriedTicks: number;
}

/** Places after the name, which stands in brackets and may hold spaces: proc(5) counts them from 3. */
function readStat(pid: number): Stat | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null;
  }
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (place: number) => Number(fields[place - 3]);
  return { parentPid: field(4), ownTicks: field(14) + field(15), buriedTicks: field(16) + field(17) };
}

/** CPU seconds of one process so far; NaN when it is gone or the system does not say. */
export function cpuSecondsOf(pid: number): number {
  return (readStat(pid)?.ownTicks ?? Number.NaN) / TICKS_PER_SECOND;
}

/** CPU seconds of the children of this process that have ended, and of theirs; NaN when the system does not say. */
export function endedChildrenCpuSeconds(): number {
  return (readStat(process.pid)?.buriedTicks ?? Number.NaN) / TICKS_PER_SECOND;
}

/** CPU seconds so far of the embedded PostgreSQL that runs under `dataDir`. */
export function postgresCpuSeconds(dataDir: string): number {
  const postmasterPid = Number(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
  const postmaster = readStat(postmasterPid);
  if (postmaster === null) return Number.NaN;
  let ticks = postmaster.ownTicks + postmaster.buriedTicks;
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? readStat(Number(name)) : null;
    if (stat?.parentPid === postmasterPid) ticks += stat.ownTicks;
  }
  return ticks / TICKS_PER_SECOND;
}

/** Peak resident memory of one process so far, in bytes; NaN when unknown. */
export function peakRssBytes(pid: number): number {
  try {
    const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kibibytes) * KIBIBYTE;
  } catch {
    return Number.NaN;
  }
}
