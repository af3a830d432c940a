-- Why: what retention or an erasure removes is written down where it is removed, so that counters, counts and rows can be
-- compared for ever; and a file that is imported says how far it is, so that a killed import goes on there.
-- Locks: none that matter, the tables are new. Not breaking.

create table removed_count (
  -- UTC day of occurrence of what was removed.
  day date not null,
  -- retention or erase
  reason text not null,
  row_count bigint not null default 0,
  -- Sum of the error_count of bucket_count and of field_count that went with them.
  error_count bigint not null default 0,
  field_count bigint not null default 0,
  constraint removed_count_pkey primary key (day, reason)
);

create table import_progress (
  -- SHA-256 of the file as it is, in hex.
  file_digest text constraint import_progress_pkey primary key,
  -- Lines from the first on of which each is a row, a duplicate or a dead letter.
  line_count bigint not null,
  updated_at timestamptz not null default now()
);

-- As before, and writes down what it removes. A day that nothing is written to any more has as many rows as errors were
-- counted in it, which is asked in milliseconds; counting its rows would take minutes where it matters.
-- A drop waits for whoever reads, and everybody else for the drop: it gives up soon, and the next hour tries again.
create or replace function drop_envelope_days_before(oldest date) returns integer
language plpgsql security definer set search_path from current as $$
declare
  partition_name text;
  partition_names text[];
begin
  perform pg_advisory_xact_lock(hashtext('surgewatch'), hashtext('envelope_days'));
  select coalesce(array_agg(child.relname order by child.relname), '{}') into partition_names
  from pg_inherits join pg_class child on child.oid = inhrelid
  where inhparent = 'envelope'::regclass and child.relname ~ '^envelope_[0-9]{8}$'
    and to_date(right(child.relname, 8), 'YYYYMMDD') < oldest;
  begin
    insert into removed_count as removed (day, reason, row_count)
    select dropped.day, 'retention', coalesce((
        select sum(error_count) from bucket_count
        where bucket_start >= dropped.day::timestamp at time zone 'UTC' and bucket_start < (dropped.day + 1)::timestamp at time zone 'UTC'
      ), 0) - coalesce((select sum(row_count - error_count) from removed_count earlier where earlier.day = dropped.day), 0)
    from (select to_date(right(name, 8), 'YYYYMMDD') as day from unnest(partition_names) as name) as dropped
    on conflict on constraint removed_count_pkey do update set row_count = removed.row_count + excluded.row_count;
    perform set_config('lock_timeout', '500ms', true);
    foreach partition_name in array partition_names loop
      execute format('drop table %I', partition_name);
    end loop;
  exception when lock_not_available then
    partition_names := '{}';
  end;
  with gone as (delete from envelope_default where received_at < oldest returning day)
  insert into removed_count as removed (day, reason, row_count)
  select day, 'retention', count(*) from gone group by day
  on conflict on constraint removed_count_pkey do update set row_count = removed.row_count + excluded.row_count;
  return cardinality(partition_names);
end
$$;

grant select, insert, update, delete on removed_count, import_progress to surgewatch_app;
