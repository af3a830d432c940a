-- Why: spikes of other kinds than a surge: a code that is back after long silence, one that fell silent, and a rise of all
-- codes together, which covers the surges of the single codes.
-- Locks: spike, for as long as three columns without a default and a small index take. Not breaking.

alter table spike
  -- Event time of the code's last error before a silence: of returning and silent codes.
  add column last_seen_at timestamptz,
  -- Which codes rose together and how many could have: of all-codes spikes.
  add column breadth jsonb,
  -- The all-codes spike that tells of this one: it is recorded, and not pushed by itself.
  add column covered_by bigint constraint spike_covered_by references spike (id) on delete set null;

create index spike_covered_by on spike (covered_by) where covered_by is not null;
