-- Why: the pairs (field, sub-code) inside validation errors are counted and watched like codes: a surge of one names a
-- client release or a tightened schema. Their counts share the row's transaction, as all counts do.
-- Locks: the new tables none that matter; `spike` for as long as it takes to index its unresolved rows. Not breaking.

-- The pairs that are counted by name, the same on all replicas: first come, first served.
create table field_series (
  field text not null,
  sub_code text not null,
  admitted_at timestamptz not null default now(),
  constraint field_series_pkey primary key (field, sub_code)
);

-- VALIDATION_ERROR envelopes that name the pair, in ten seconds of event time; else as bucket_count.
create table field_count (
  field text not null,
  sub_code text not null,
  bucket_start timestamptz not null,
  is_clock_ahead boolean not null,
  replica_id text not null,
  lane smallint not null,
  error_count integer not null,
  constraint field_count_pkey primary key (field, sub_code, bucket_start, is_clock_ahead, replica_id, lane)
) with (fillfactor = 70);
create index field_count_bucket_start on field_count (bucket_start);

-- What validation_field_errors_total continues from when a replica restarts under its id.
create table field_total (
  replica_id text not null,
  lane smallint not null,
  field text not null,
  sub_code text not null,
  total bigint not null,
  constraint field_total_pkey primary key (replica_id, lane, field, sub_code)
) with (fillfactor = 50);

-- Both null: a spike of the whole code.
alter table spike add column field text, add column sub_code text,
  add constraint spike_pair_is_whole check ((field is null) = (sub_code is null));
drop index spike_one_open_a_code;
-- An expression and not `nulls not distinct`, which needs PostgreSQL 15.
create unique index spike_one_open_a_series on spike (code, kind, coalesce(field, ''), coalesce(sub_code, ''))
  where state <> 'resolved';

comment on column late_code.code is 'A code, or `VALIDATION_ERROR field sub-code` for a pair: no part of it holds a space.';
comment on column detector_state.code is 'As late_code.code.';

grant select, insert, update, delete on field_series, field_count, field_total to surgewatch_app;
