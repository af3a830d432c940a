-- Why: whoever leads next goes on from the states of the last leader, instead of replaying two weeks of counts.
-- Locks: none that matter, both tables are new. Not breaking.

-- The detector's state of one code. Rows are as old as their own position: the next leader steps each on from there.
create table detector_state (
  code text constraint detector_state_pkey primary key,
  -- Event time: buckets that start before it are in the state. null with `state`: none was written yet.
  stepped_until timestamptz,
  -- Start of the newest bucket with an error.
  last_seen timestamptz,
  -- The newest opening, for whoever must tell of it later.
  last_opening jsonb,
  -- Deflated JSON of one version of the detector; another version computes it anew.
  state bytea,
  -- Late counts came that are not in it: computed anew from the counts as soon as no spike is on.
  is_outdated boolean not null default false,
  constraint detector_state_is_whole check ((state is null) = (stepped_until is null))
);
-- It is compressed already.
alter table detector_state alter column state set storage external;

-- What all codes share: the state of a code that was never seen, where the history began, and by which number of active
-- codes the threshold was set at each of the last hours.
create table detector_memory (
  singleton boolean constraint detector_memory_pkey primary key default true,
  history_start timestamptz not null,
  threshold_hours jsonb not null,
  -- null: not every code has a state yet, and none of them can be used.
  silent_stepped_until timestamptz,
  silent_state bytea,
  constraint detector_memory_is_one check (singleton),
  constraint detector_memory_is_whole check ((silent_state is null) = (silent_stepped_until is null))
);
alter table detector_memory alter column silent_state set storage external;

grant select, insert, update, delete on detector_state, detector_memory to surgewatch_app;
