/**
 * The one statement of the write path: rows, event-time counts, totals, late marks and dead letters, all or nothing, in
 * one round trip. Every count comes from what the insert really inserted, so a redelivery adds nothing.
 *
 * Parameters: $1 rows (json array), $2 dead letters (json array), $3 codes that are counted as `_other` in buckets,
 * $4 `code status` pairs that have no series of their own, $5 replica id, $6 lane; with fields also $7 their names and
 * $8 their sub-codes, which the rows name by place.
 * Answers rows of (kind, n, code, status, total): `absent` with the number of a row that was not inserted and how many
 * siblings it has, `dead` with the number of a new dead letter, `total` with a series' new value on this lane, `field`
 * with a validation field (code) and sub-code (status) and its new value on this lane.
 *
 * Every mention of the row table opens each of its table partitions, at a cost of milliseconds a batch. So the usual
 * statement mentions it once beside the insert; those for batches that hold siblings or validation fields are prepared
 * apart, and cost the others nothing.
 *
 * Tried instead: unnest of one array a column (more of our CPU, since each value is quoted for an array literal), and
 * COPY into a staging table (no ON CONFLICT, three round trips).
 */
import { OTHER_FIELD, VALIDATION_CODE } from '../envelope/validation-fields.ts';

export const MOST_SIBLINGS = 100;

/** How many siblings before a row in its own batch are new: only where a batch holds more than one of a requestId and day. */
const NEW_BEFORE = `case when rank = 0 then 0 else (
      select count(*) from input p where p.r = i.r and p.d = i.d and p.rank < i.rank
        and not exists (select from envelope e where e.request_id = p.r and e.code = p.c and e.day = p.d)) end`;

/** Each validation field once for each inserted row that names it, however often the row was delivered. */
const FIELDS_COUNTED = `
), named as materialized (
  select place, s.bucket_start, s.is_clock_ahead, count(*) as added
  from stored s join input i on i.r = s.request_id and i.c = s.code and i.d = s.day cross join lateral unnest(i.f) as place
  where i.f is not null group by place, s.bucket_start, s.is_clock_ahead
), fields_counted as (
  insert into field_count (field, sub_code, bucket_start, is_clock_ahead, replica_id, lane, error_count)
  select ($7::text[])[place], ($8::text[])[place], bucket_start, is_clock_ahead, $5::text, $6::smallint, added
  from named order by 1, 2, bucket_start
  on conflict on constraint field_count_pkey do update set error_count = field_count.error_count + excluded.error_count
  returning field, sub_code, bucket_start, is_clock_ahead
), fields_late as (
  insert into late_code (code, replica_id, lane)
  select distinct '${VALIDATION_CODE} ' || field || ' ' || sub_code, $5::text, $6::smallint from fields_counted
  where not is_clock_ahead and sub_code <> '${OTHER_FIELD.code}'
    and bucket_start < (select evaluated_until from detector_progress)
  on conflict do nothing
), field_totals as (
  insert into field_total (replica_id, lane, field, sub_code, total)
  select $5::text, $6::smallint, ($7::text[])[place], ($8::text[])[place], sum(added) from named group by place
  on conflict on constraint field_total_pkey do update set total = field_total.total + excluded.total
  returning field, sub_code, total`;
const FIELDS_ANSWERED = `
union all
select 'field', null, field, sub_code, total from field_totals`;

const PLAIN = { name: 'write', text: writeStatement('0') };
const WITH_SIBLINGS = { name: 'write_siblings', text: writeStatement(NEW_BEFORE) };
const WITH_FIELDS = { name: 'write_fields', text: writeStatement('0', FIELDS_COUNTED, FIELDS_ANSWERED) };
const WITH_BOTH = { name: 'write_siblings_fields', text: writeStatement(NEW_BEFORE, FIELDS_COUNTED, FIELDS_ANSWERED) };

/** The cheapest statement that does all that a batch needs. */
export function statementFor({ hasSiblings, hasFields }: { readonly hasSiblings: boolean; readonly hasFields: boolean }) {
  if (hasFields) return hasSiblings ? WITH_BOTH : WITH_FIELDS;
  return hasSiblings ? WITH_SIBLINGS : PLAIN;
}

/** Which rows of the given identities are stored. $1 request ids, $2 codes, $3 days; answers their places, from 1. */
export const KEPT_STATEMENT = `
select place::int as place from unnest($1::text[], $2::text[], $3::date[]) with ordinality as given (r, c, d, place)
where exists (select from envelope e where e.request_id = given.r and e.code = given.c and e.day = given.d)`;

function writeStatement(newBefore: string, fieldsCounted = '', fieldsAnswered = ''): string {
  return `
with input as materialized (
  select * from json_to_recordset($1::json) as i(
    n int, r text, c text, d date, o timestamptz, v float8, s smallint, src text, m text, j jsonb,
    sv text, ro text, me text, cl text, re text, tp text, z text[], f int[], rv smallint, rank int)
), judged as materialized (
  -- How many other codes the requestId has that day: those stored, and those before it in this batch that are new.
  select *, (select count(*) from envelope e where e.request_id = i.r and e.day = i.d) + ${newBefore} as siblings
  from input i
), stored as (
  insert into envelope (request_id, code, day, occurred_at, received_at, status, source, message, details,
    service, route, method, client, release, traceparent, sanitized, redaction_version)
  select r, c, d, o, to_timestamp(v), s, src, m, j, sv, ro, me, cl, re, tp, z, rv from judged where siblings < ${MOST_SIBLINGS}
  on conflict do nothing
  returning request_id, code, day, status,
    date_bin('10 seconds', occurred_at, timestamptz 'epoch') as bucket_start,
    coalesce('clock_ahead' = any(sanitized), false) as is_clock_ahead
), counted as (
  insert into bucket_count (code, bucket_start, is_clock_ahead, replica_id, lane, error_count)
  select case when code = any($3::text[]) then '_other' else code end as counted_code, bucket_start, is_clock_ahead,
    $5::text, $6::smallint, count(*)
  from stored group by counted_code, bucket_start, is_clock_ahead order by counted_code, bucket_start
  on conflict on constraint bucket_count_pkey do update set error_count = bucket_count.error_count + excluded.error_count
  returning code, bucket_start, is_clock_ahead
), late as (
  insert into late_code (code, replica_id, lane)
  select distinct code, $5::text, $6::smallint from counted
  where not is_clock_ahead and bucket_start < (select evaluated_until from detector_progress)
  on conflict do nothing
), labelled as (
  select code, coalesce(status::text, 'unknown') as status, count(*) as added from stored group by 1, 2
), totals as (
  insert into error_total (replica_id, lane, code, status, total)
  select $5::text, $6::smallint,
    case when code || ' ' || status = any($4::text[]) then '_other' else code end as label_code,
    case when code || ' ' || status = any($4::text[]) then '_other' else status end as label_status,
    sum(added)
  from labelled group by label_code, label_status
  on conflict on constraint error_total_pkey do update set total = error_total.total + excluded.total
  returning code, status, total
), dead_input as materialized (
  select * from json_to_recordset($2::json) as i(
    n int, src text, reason text, t text, p int, o bigint, b int, h text, r text, v float8)
), dead as (
  insert into dead_letter (source, reason, topic, kafka_partition, kafka_offset, size_bytes, digest, request_id, received_at)
  select src, reason, t, p, o, b, decode(h, 'hex'), r, to_timestamp(v) from dead_input
  on conflict do nothing
  returning topic, kafka_partition, kafka_offset${fieldsCounted}
)
select 'absent' as kind, n, null as code, null as status, siblings as total
  from judged i
  where not exists (select from stored s where s.request_id = i.r and s.code = i.c and s.day = i.d)
union all
select 'total', null, code, status, total from totals
union all
select 'dead', n, null, null, null from dead_input i
  where t is null or exists (select from dead d where d.topic = i.t and d.kafka_partition = i.p and d.kafka_offset = i.o)${fieldsAnswered}
`;
}
