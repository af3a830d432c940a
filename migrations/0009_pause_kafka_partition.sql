-- Why: a Kafka partition that brings nothing but rejected records, or a batch that nobody can open, is paused until an
-- operator decides; that outlives every process and goes with the Kafka partition to whoever reads it next. A dead letter
-- that was read again and accepted is marked, so that it is told and counted once.
-- Locks: dead_letter for as long as it takes to index it. Not breaking.

alter table dead_letter add column replayed_at timestamptz;
comment on column dead_letter.replayed_at is 'When it was read again and accepted; null: still rejected.';
create index dead_letter_open on dead_letter (reason, id) where replayed_at is null;

create table kafka_pause (
  topic text not null,
  kafka_partition integer not null,
  cause text not null,
  -- What was met, in words that hold nothing of a record.
  detail text not null,
  -- Next offset to read.
  paused_offset bigint not null,
  -- What lies before it is known to be rejected or unreadable: where a skip goes that names no offset.
  known_bad_until bigint not null,
  paused_at timestamptz not null default now(),
  -- An operator wants to go on from here; whoever reads the Kafka partition commits it and then takes the row away.
  skip_to bigint,
  constraint kafka_pause_pkey primary key (topic, kafka_partition),
  constraint kafka_pause_cause check (cause in ('rejected_in_a_row', 'batch_unreadable')),
  constraint kafka_pause_goes_forward check (known_bad_until >= paused_offset and skip_to >= paused_offset)
);

-- How many records before `next_offset` were rejected in a row. Only ever moves forward: a replay counts nothing again.
create table kafka_rejected_run (
  topic text not null,
  kafka_partition integer not null,
  rejected_count integer not null,
  next_offset bigint not null,
  constraint kafka_rejected_run_pkey primary key (topic, kafka_partition)
);

-- What operators did, for ever: the service may add rows and read them, never change or delete one.
create table operator_action (
  id bigint generated always as identity constraint operator_action_pkey primary key,
  happened_at timestamptz not null default now(),
  -- `anonymous` while there are no credentials.
  actor text not null,
  action text not null,
  subject jsonb not null
);

grant select, insert, update, delete on kafka_pause, kafka_rejected_run to surgewatch_app;
grant select, insert on operator_action to surgewatch_app;
