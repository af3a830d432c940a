/** How far event time may be read. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type PartitionPlace, PROGRESS_FRESH_MS, WATERMARK_LAG_MS, watermarkOf } from '../../../src/alert/watermark.ts';

const NOW = 1_800_000_000_000;
const STARTED = NOW - 60_000;
const behind: PartitionPlace = { lastRecordAtMs: NOW - 3_600_000, isCaughtUp: false, isPaused: false, updatedAtMs: NOW - 1000 };
const caughtUp: PartitionPlace = { ...behind, isCaughtUp: true };
const watermark = (partitions: readonly PartitionPlace[] | null) => watermarkOf({ nowMs: NOW, partitions, startedAtMs: STARTED });

describe('the watermark', () => {
  test('is 15 s behind the clock without Kafka, or when every Kafka partition is caught up', () => {
    assert.equal(watermark(null), NOW - WATERMARK_LAG_MS);
    assert.equal(watermark([caughtUp, caughtUp]), NOW - WATERMARK_LAG_MS);
  });
  test('is held by the Kafka partition that is furthest behind', () => {
    assert.equal(watermark([caughtUp, behind, { ...behind, lastRecordAtMs: NOW - 7_200_000 }]), NOW - 7_200_000);
  });
  test('never passes the clock, whatever a record claims', () => {
    assert.equal(watermark([{ ...behind, lastRecordAtMs: NOW + 1e12 }]), NOW - WATERMARK_LAG_MS);
  });
  test('takes what was reported too long ago as behind', () => {
    const atLimit = { ...caughtUp, updatedAtMs: NOW - PROGRESS_FRESH_MS };
    assert.equal(watermark([caughtUp, atLimit]), NOW - WATERMARK_LAG_MS);
    assert.equal(watermark([caughtUp, { ...atLimit, updatedAtMs: atLimit.updatedAtMs - 1 }]), behind.lastRecordAtMs);
  });
  test('cannot be said while a Kafka partition has no record time, or none was reported since the start', () => {
    assert.equal(watermark([caughtUp, { ...behind, lastRecordAtMs: null }]), null);
    assert.equal(watermark([]), null);
    assert.equal(watermark([{ ...behind, updatedAtMs: STARTED - 1 }]), null);
  });
  test('does not wait for a Kafka partition that waits for an operator', () => {
    assert.equal(watermark([caughtUp, { ...behind, isPaused: true }]), NOW - WATERMARK_LAG_MS);
  });
});
