/**
 * PURE. The detector's settings in force. The threshold follows the number of active codes, taken at whole hours of event
 * time so that no moment of a restart or of a tick can move it. What was taken is remembered: a state that is stepped on
 * from an older snapshot meets the same threshold again, although the codes beside it have gone on.
 */
import type { DetectorSettings } from '../detect/detector.ts';

export const HOUR_SECONDS = 3600;
/** Hours remembered: as long as a history. */
const REMEMBERED_HOURS = 14 * 24;

export interface ThresholdHour {
  readonly hourSeconds: number;
  readonly activeCodeCount: number;
}

export type SettingsOf = (activeCodeCount: number) => DetectorSettings;

export interface Threshold {
  settings(): DetectorSettings;
  /** At a whole hour of event time: as it was taken before, or from how many codes are active now. */
  adjust(hourSeconds: number, countActive: () => number): void;
  /** What was taken, oldest first. */
  hours(): readonly ThresholdHour[];
  /** Takes what another process took, and what of it was in force at that moment. */
  restore(hours: readonly ThresholdHour[], atSeconds: number): void;
}

export function createThreshold(settingsOf: SettingsOf): Threshold {
  let activeCodeCount = 1;
  let settings = settingsOf(activeCodeCount);
  let hours: readonly ThresholdHour[] = [];

  function take(count: number): void {
    if (count === activeCodeCount) return;
    activeCodeCount = count;
    settings = settingsOf(Math.max(1, count));
  }

  return {
    settings: () => settings,
    hours: () => hours,
    adjust(hourSeconds, countActive) {
      const known = hours.find((hour) => hour.hourSeconds === hourSeconds);
      const count = known?.activeCodeCount ?? countActive();
      take(count);
      if (known === undefined) hours = [...hours, { hourSeconds, activeCodeCount: count }].slice(-REMEMBERED_HOURS);
    },
    restore(taken, atSeconds) {
      hours = taken;
      take(taken.findLast(({ hourSeconds }) => hourSeconds <= atSeconds)?.activeCodeCount ?? 1);
    },
  };
}
