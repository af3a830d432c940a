-- Why: the rows are the truth; counts, totals and dead letters are written in the same transaction.
-- Locks: none that matter, all tables are new. Not breaking.
-- The service runs as surgewatch_app, which owns nothing: partitions are made and dropped by the functions below.
do $$
begin
  if not exists (select from pg_roles where rolname = 'surgewatch_app') then
    begin
      create role surgewatch_app nologin;
    exception when duplicate_object or unique_violation then
      null; -- Roles belong to the whole cluster: another database's migration made it meanwhile.
    end;
  end if;
  if not pg_has_role(current_user, 'surgewatch_app', 'member') then
    execute format('grant surgewatch_app to %I', current_user);
  end if;
end
$$;

create table installation (
  singleton boolean constraint installation_pkey primary key default true,
  created_at timestamptz not null default now(),
  -- Key of the dead letters' digests: without it nobody can test a guess of what a rejected body held.
  digest_key bytea not null default decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'),
  constraint installation_is_one check (singleton)
);
insert into installation default values;

create table envelope (
  request_id text not null,
  code text not null,
  day date not null,
  occurred_at timestamptz not null,
  received_at timestamptz not null,
  -- null: neither stated by the producer nor known to the catalogue
  status smallint,
  source text not null,
  message text not null,
  details jsonb not null,
  service text,
  route text,
  method text,
  client text,
  release text,
  traceparent text,
  sanitized text[],
  redaction_version smallint not null,
  constraint envelope_pkey primary key (request_id, code, day)
) partition by range (day);
create index envelope_code_occurred_at on envelope (code, occurred_at);
-- Days that no table partition was prepared for: wrong clocks. They keep their claimed day.
create table envelope_default partition of envelope default;

-- Makes the table partition of one UTC day. Rows of that day that went to the default one move first (else 23514).
create function prepare_envelope_day(wanted date) returns boolean
language plpgsql security definer set search_path from current as $$
declare
  partition_name text := 'envelope_' || to_char(wanted, 'YYYYMMDD');
begin
  if to_regclass(partition_name) is not null then
    return false;
  end if;
  perform pg_advisory_xact_lock(hashtext('surgewatch'), hashtext('envelope_days'));
  if to_regclass(partition_name) is not null then
    return false;
  end if;
  execute format('create table %I (like envelope including defaults including constraints)', partition_name);
  if exists (select from envelope_default where day = wanted) then
    lock table envelope in share row exclusive mode;
    execute format('with moved as (delete from envelope_default where day = %L returning *) insert into %I select * from moved', wanted, partition_name);
  end if;
  execute format('alter table envelope attach partition %I for values from (%L) to (%L)', partition_name, wanted, wanted + 1);
  return true;
end
$$;

-- Drops the table partitions of days before `oldest` and deletes such rows of the default one. Answers how many were dropped.
create function drop_envelope_days_before(oldest date) returns integer
language plpgsql security definer set search_path from current as $$
declare
  partition_name text;
  dropped integer := 0;
begin
  perform pg_advisory_xact_lock(hashtext('surgewatch'), hashtext('envelope_days'));
  for partition_name in
    select child.relname from pg_inherits join pg_class child on child.oid = inhrelid
    where inhparent = 'envelope'::regclass and child.relname ~ '^envelope_[0-9]{8}$'
      and to_date(right(child.relname, 8), 'YYYYMMDD') < oldest
    order by 1
  loop
    execute format('drop table %I', partition_name);
    dropped := dropped + 1;
  end loop;
  delete from envelope_default where received_at < oldest;
  return dropped;
end
$$;
revoke all on function prepare_envelope_day(date), drop_envelope_days_before(date) from public;
grant execute on function prepare_envelope_day(date), drop_envelope_days_before(date) to surgewatch_app;

-- Errors of one code in ten seconds of event time. Each writer has its own rows, so that writers never wait for each
-- other; readers sum them.
create table bucket_count (
  code text not null,
  bucket_start timestamptz not null,
  -- true: the producer's clock was ahead; kept from the detector for ever
  is_clock_ahead boolean not null,
  replica_id text not null,
  lane smallint not null,
  error_count integer not null,
  constraint bucket_count_pkey primary key (code, bucket_start, is_clock_ahead, replica_id, lane)
) with (fillfactor = 70);
create index bucket_count_bucket_start on bucket_count (bucket_start);

-- What errors_total continues from when a replica restarts under its id. Labels after the caps.
create table error_total (
  replica_id text not null,
  lane smallint not null,
  code text not null,
  status text not null,
  total bigint not null,
  constraint error_total_pkey primary key (replica_id, lane, code, status)
) with (fillfactor = 50);

-- The (code, status) pairs that have a series of their own, the same on all replicas: first come, first served.
create table error_series (
  code text not null,
  status text not null,
  admitted_at timestamptz not null default now(),
  constraint error_series_pkey primary key (code, status)
);
-- The codes that counts and the detector know by name.
create table counted_code (
  code text constraint counted_code_pkey primary key,
  first_seen_at timestamptz not null default now()
);

-- A rejected delivery: where it can be read again, why it was refused, never its bytes.
create table dead_letter (
  id bigint generated always as identity constraint dead_letter_pkey primary key,
  source text not null,
  reason text not null,
  topic text,
  kafka_partition integer,
  kafka_offset bigint,
  size_bytes integer not null,
  digest bytea not null,
  request_id text,
  received_at timestamptz not null,
  -- Webhook bodies have no coordinates, and nulls are distinct: each is a dead letter of its own.
  constraint dead_letter_identity unique (source, topic, kafka_partition, kafka_offset, digest)
);
create index dead_letter_request_id on dead_letter (request_id) where request_id is not null;
create index dead_letter_received_at on dead_letter (received_at);

grant select on installation to surgewatch_app;
grant select, insert, update, delete on envelope, bucket_count, error_total, error_series, counted_code, dead_letter to surgewatch_app;
