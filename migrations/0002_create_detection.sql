-- Why: spikes and the detector's place in event time outlive every process; one replica leads, by lease and epoch.
-- Locks: none that matter, all tables are new. Not breaking.

-- One living process a REPLICA_ID, by the database's clock.
create table replica (
  replica_id text constraint replica_pkey primary key,
  -- Random for each process: tells a restart from a twin.
  process_id text not null,
  host text not null,
  started_at timestamptz not null default now(),
  expires_at timestamptz not null
);

create table detector_lease (
  singleton boolean constraint detector_lease_pkey primary key default true,
  epoch bigint not null,
  holder text not null,
  expires_at timestamptz not null,
  constraint detector_lease_is_one check (singleton)
);
insert into detector_lease (epoch, holder, expires_at) values (0, '', '-infinity');

create table detector_progress (
  singleton boolean constraint detector_progress_pkey primary key default true,
  -- Buckets that start before this are evaluated; null: none yet.
  evaluated_until timestamptz,
  -- Since when the detector is too far behind to be trusted; null: it keeps up. Here, so that whoever leads next ends its alert.
  blind_since timestamptz,
  constraint detector_progress_is_one check (singleton)
);
insert into detector_progress default values;

-- Codes whose counts changed behind `evaluated_until`: their state is computed anew. Each writer marks in its own rows.
create table late_code (
  code text not null,
  replica_id text not null,
  lane smallint not null,
  constraint late_code_pkey primary key (code, replica_id, lane)
);

-- How far each Kafka partition is committed, and whether its reader has just seen its end.
create table kafka_progress (
  topic text not null,
  kafka_partition integer not null,
  committed_offset bigint not null,
  first_record_at timestamptz,
  last_record_at timestamptz,
  is_caught_up boolean not null,
  -- true: it waits for an operator, and the detector does not wait for it.
  is_paused boolean not null default false,
  updated_at timestamptz not null default now(),
  constraint kafka_progress_pkey primary key (topic, kafka_partition)
);

-- Spans of event time in which no error means zero and not "nobody listened".
create table collected_span (
  span_key text constraint collected_span_pkey primary key,
  started_at timestamptz not null,
  ended_at timestamptz not null
);
create index collected_span_ended_at on collected_span (ended_at);

create table spike (
  id bigint generated always as identity constraint spike_pkey primary key,
  kind text not null,
  code text not null,
  status text not null,
  state text not null,
  -- Estimated onset, event time; fixed at opening.
  starts_at timestamptz not null,
  -- Event time of the bucket whose closing opened it.
  opened_at timestamptz not null,
  -- Event time of its close; null while the detector holds it open.
  closed_at timestamptz,
  close_reason text,
  -- By the database's clock.
  detected_at timestamptz not null default now(),
  first_accepted_at timestamptz,
  resolved_at timestamptz,
  -- It was over, or more than a minute old, when it could first be told.
  is_late boolean not null default false,
  observed double precision not null,
  expected double precision not null,
  window_seconds integer not null,
  score double precision not null,
  -- Labels and annotations of its alert as they were at opening; labels never change.
  labels jsonb not null,
  evidence jsonb not null,
  -- Epoch of the lease it was last written under.
  epoch bigint not null,
  constraint spike_state check (state in ('pending', 'firing', 'resolved')),
  constraint spike_ends_after_start check (closed_at is null or closed_at >= starts_at)
);
create unique index spike_one_open_a_code on spike (code, kind) where state <> 'resolved';
create index spike_opened_at on spike (opened_at desc, id desc);
create index spike_code_opened_at on spike (code, opened_at desc);
create index spike_resolved_at on spike (resolved_at);

grant select, insert, update, delete on replica, late_code, kafka_progress, collected_span, spike to surgewatch_app;
grant select, update on detector_lease, detector_progress to surgewatch_app;
