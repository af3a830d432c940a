/** The metrics of surgewatch itself that more than one section asks for. */
import { HARMLESS_REASONS } from './thresholds.ts';

export const RECEIVED = 'surgewatch_envelopes_received_total';
export const REJECTED = 'surgewatch_envelopes_rejected_total';
export const DEAD_LETTERS = 'surgewatch_dead_letters_total';
export const PUSHES = 'surgewatch_alertmanager_pushes_total';
export const LAST_RUN = 'surgewatch_detector_last_run_timestamp_seconds';
export const LAG = 'surgewatch_kafka_consumer_lag';
export const PAUSED = 'surgewatch_kafka_partition_paused';
export const SKIPPED = 'surgewatch_kafka_records_skipped_total';
export const CONSUMER_UP = 'surgewatch_kafka_consumer_up';
export const HARMFUL = `reason!~"${HARMLESS_REASONS.join('|')}"`;
export const NO_KAFKA = 'Kafka is not configured, or no partition is assigned';
