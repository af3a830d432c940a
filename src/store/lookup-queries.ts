/**
 * The statements of lookups about codes. All read `bucket_count`, whose writers each have rows of their own, so every read
 * sums; counts of clocks that ran ahead are left out, as the detector leaves them out.
 */

const counted = (code: string, from: string, to: string) =>
  `code = ${code} and bucket_start >= ${from} and bucket_start < ${to} and not is_clock_ahead`;
const hourEnd = (days: string, now: string) => `${now}::timestamptz - ${days} * interval '1 day'`;
const hourStart = (days: string, now: string) => `${hourEnd(days, now)} - interval '1 hour'`;

/** $1 code, $2 now. Errors in the hour and in the quarter of an hour that end now. */
export const HOUR_QUERY = `
select coalesce(sum(error_count), 0) as hour_count,
  coalesce(sum(error_count) filter (where bucket_start >= $2::timestamptz - interval '15 minutes'), 0) as quarter_count
from bucket_count where ${counted('$1', hourStart('0', '$2'), '$2::timestamptz')}`;

/** $1 code, $2 now. The same hour of the days before, yesterday first; only days of which we know. */
export const EARLIER_HOURS_QUERY = `
select (select coalesce(sum(error_count), 0) from bucket_count
  where ${counted('$1', hourStart('days_back', '$2'), hourEnd('days_back', '$2'))}) as error_count
from generate_series(1, 7) as days_back
where (select min(bucket_start) from bucket_count) <= ${hourStart('days_back', '$2')} order by days_back`;

/** $1 code, $2 now, $3 requestId to leave out, $4 most rows to look at. Clients count when they are not the one of $3. */
export const OTHERS_QUERY = `
with recent as materialized (
  select request_id, client from envelope
  where code = $1 and occurred_at >= $2::timestamptz - interval '15 minutes' and occurred_at < $2::timestamptz + interval '5 minutes'
    and day between ($2::timestamptz at time zone 'UTC' - interval '15 minutes')::date
      and ($2::timestamptz at time zone 'UTC' + interval '5 minutes')::date
  order by occurred_at desc limit $4
), own as (select client from recent where request_id = $3 limit 1)
select count(distinct request_id) filter (where request_id <> $3) as requests,
  case when count(client) > 0 then
    count(distinct client) filter (where client is distinct from (select client from own)) end as clients,
  count(*) as sampled
from recent`;

/** $1 code, $2 now. Its last 24 hours and the status that most of its envelopes had. */
export const DAY_QUERY = `
select coalesce(sum(error_count), 0) as day_count, max(bucket_start) as last_seen_at,
  (select status from error_total where code = $1 group by status order by sum(total) desc limit 1) as status
from bucket_count where ${counted('$1', "$2::timestamptz - interval '1 day'", '$2::timestamptz')}`;

/** $1 now. One row a code: its hours (index = days back), how many of those days we know, its last 24 hours. */
export const COUNT_CODES_QUERY = `
with known as materialized (select min(bucket_start) as since from bucket_count),
hourly as (
  select code, days_back, sum(error_count) as error_count
  from generate_series(0, 7) as days_back
  join bucket_count on bucket_start >= ${hourStart('days_back', '$1')} and bucket_start < ${hourEnd('days_back', '$1')}
    and not is_clock_ahead
  group by code, days_back
), daily as (
  select code, sum(error_count) as day_count, max(bucket_start) as last_seen_at from bucket_count
  where bucket_start >= $1::timestamptz - interval '1 day' and bucket_start < $1::timestamptz and not is_clock_ahead group by code
), named as (
  select distinct on (code) code, status from error_total group by code, status order by code, sum(total) desc
), seen as (select code from daily union select code from hourly)
select seen.code, named.status, coalesce(daily.day_count, 0) as day_count, daily.last_seen_at,
  array(select coalesce((select error_count from hourly where hourly.code = seen.code and hourly.days_back = back), 0)
    from generate_series(0, 7) as back order by back) as hours,
  (select count(*)::int from generate_series(1, 7) as back
    where (select since from known) <= ${hourStart('back', '$1')}) as known_days
from seen left join daily using (code) left join named using (code)
order by day_count desc, seen.code`;

/** $1 code, $2 from, $3 to, $4 seconds a step. Tried all spans in one join: the planner then reads every code of every day. */
export const SERIES_QUERY = `
select date_bin($4 * interval '1 second', bucket_start, timestamptz 'epoch') as bin, sum(error_count) as count
from bucket_count where ${counted('$1', '$2', '$3')} group by bin order by bin`;

/** $1 now, $2 most rows. The pairs that came most in the hour that ends now, with the same hour of the days before, yesterday first. */
export const COUNT_FIELDS_QUERY = `
with known as materialized (select min(bucket_start) as since from field_count),
most as materialized (
  select field, sub_code, sum(error_count) as hour_count from field_count
  where bucket_start >= ${hourStart('0', '$1')} and bucket_start < $1::timestamptz and not is_clock_ahead
  group by field, sub_code order by hour_count desc, field, sub_code limit $2
)
select field, sub_code, hour_count, array(
  select (select coalesce(sum(error_count), 0) from field_count counted
    where counted.field = most.field and counted.sub_code = most.sub_code and not is_clock_ahead
      and bucket_start >= ${hourStart('days_back', '$1')} and bucket_start < ${hourEnd('days_back', '$1')})
  from generate_series(1, 7) as days_back
  where (select since from known) <= ${hourStart('days_back', '$1')} order by days_back) as earlier
from most order by hour_count desc, field, sub_code`;

/** As SERIES_QUERY, of a pair: $1 field, $2 from, $3 to, $4 seconds a step, $5 sub-code. */
export const FIELD_SERIES_QUERY = `
select date_bin($4 * interval '1 second', bucket_start, timestamptz 'epoch') as bin, sum(error_count) as count
from field_count where field = $1 and sub_code = $5 and bucket_start >= $2 and bucket_start < $3 and not is_clock_ahead
group by bin order by bin`;

/** $1 topic, $2 now, $3 seconds after which progress is stale. Seconds that the slowest Kafka partition is behind. */
export const LAG_QUERY = `
select max(extract(epoch from $2::timestamptz - case
  when not is_caught_up then coalesce(last_record_at, first_record_at, updated_at)
  when updated_at < $2::timestamptz - $3 * interval '1 second' then updated_at
  else $2::timestamptz end))::float8 as behind
from kafka_progress where topic = $1`;
