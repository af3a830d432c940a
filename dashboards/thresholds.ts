/**
 * The numbers at which something is wrong. The dashboards colour by them and the rules of deploy/prometheus alert by
 * them; a test holds both to this file, so a panel is never green while its alert fires.
 */

/** A detector whose last tick is older, in seconds, watches nothing. It ticks every few seconds. */
export const DETECTOR_STALE_SECONDS = 60;

/** Records of one topic that wait to be committed. Above it ingest is behind and not just between two commits. */
export const CONSUMER_LAG_RECORDS = 10_000;

/** Share of one source's deliveries that are refused for what they are. */
export const REJECTED_RATIO = 0.05;

/** New dead letters of one reason in 15 minutes. A single odd record is no ticket. */
export const DEAD_LETTERS_COUNT = 10;

/** Share of the pushes to Alertmanager that are not accepted. A single timeout among the watchdog's pushes is less. */
export const PUSHES_FAILED_RATIO = 0.1;

/** Times its normal rate at which the rules, without the detector, call one code and status a surge. */
export const SURGE_FACTOR = 5;

/** Errors per second below which the rules call nothing a surge: 30 in five minutes. */
export const SURGE_FLOOR_PER_SECOND = 0.1;

/** Refused for what they are not: these come with every replay and erasure, and nobody has to act. */
export const HARMLESS_REASONS = ['too_old', 'tombstone', 'erased'] as const;

/** Statuses that are the client's fault; every other one, `unknown` and `_other` included, is the server's. */
export const CLIENT_STATUS = '4..';
