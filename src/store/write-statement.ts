/**
 * The one statement of the write path: rows, event-time counts, totals, late marks and dead letters, all or nothing, in
 * one round trip. Every count comes from what the insert really inserted, so a redelivery adds nothing.
 *
 * Parameters: $1 to $16 columns of the rows (binary arrays; null where a column is empty), $17 and $18 first and last day
 * among the rows, $19 codes that are counted as `_other` in buckets, $20 `code status` pairs that have no series of their
 * own, $21 replica id, $22 lane, $23 dead letters (json array); with fields also $24 to $26 requestId, day and list of
 * each row that names fields, $27 and $28 list and place of each field in it, $29 and $30 the fields' names and sub-codes;
 * the careful kind ends with one more, the place of each row among the deliveries.
 * Answers rows of (kind, n, code, status, total): `absent` with the place, from 1, of a row that was not inserted and how
 * many siblings it has, `dead` with the number of a new dead letter, `total` with a series' new value on this lane,
 * `field` with a validation field (code) and sub-code (status) and its new value on this lane.
 *
 * It comes in two kinds. The usual one leaves out what is stored already and inserts the rest plainly: should another
 * writer commit one of them meanwhile, it fails whole with 23505. The careful one counts siblings one by one, steps aside
 * for whoever was faster, and finds out which rows these were; it costs a fifth more.
 *
 * The stored rows of all ids are read in one scan: a subquery a row opened each table partition a thousand times. The two
 * days are parameters of their own so that a plan made without values still prunes table partitions by them; of an array
 * it would not.
 */
import { REDACTION_VERSION } from '../envelope/redact.ts';
import { OTHER_FIELD, VALIDATION_CODE } from '../envelope/validation-fields.ts';

export const MOST_SIBLINGS = 100;

const ROWS = `unnest($1::text[], $2::text[], $3::date[], $4::timestamptz[], $5::timestamptz[], $6::int[], $7::text[], $8::text[],
    $9::jsonb[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[])
    with ordinality as i (r, c, d, o, v, s, src, m, j, sv, ro, me, cl, re, tp, z, n)`;
const KEYS = 'unnest($1::text[], $2::text[], $3::date[]) with ordinality as i (r, c, d, n)';

const KEPT = `
with kept as materialized (
  select request_id, code, day from envelope where request_id = any($1::text[]) and day between $17::date and $18::date
)`;
const IS_KEPT = 'exists (select from kept k where k.request_id = i.r and k.code = i.c and k.day = i.d)';

const INSERT = `
  insert into envelope (request_id, code, day, occurred_at, received_at, status, source, message, details,
    service, route, method, client, release, traceparent, sanitized, redaction_version)
  select r, c, d, o, v, s, src, m, j, sv, ro, me, cl, re, tp, z::text[], ${REDACTION_VERSION}::smallint`;
const INSERTED = `code, status, date_bin('10 seconds', occurred_at, timestamptz 'epoch') as bucket_start,
    coalesce('clock_ahead' = any(sanitized), false) as is_clock_ahead`;
const INSERTED_KEYS = 'request_id, day,';

const plainly = (keys: string) => `${KEPT}, crowded as materialized (
  select request_id, day from kept group by request_id, day having count(*) >= ${MOST_SIBLINGS}
), stored as (${INSERT}
  from ${ROWS}
  where not ${IS_KEPT} and not exists (select from crowded w where w.request_id = i.r and w.day = i.d)
  order by n
  returning ${keys} ${INSERTED}`;
const PLAINLY_ABSENT = `
select 'absent' as kind, n::int as n, null as code, null as status, 0::bigint as total from ${KEYS} where ${IS_KEPT}
union all
select 'absent', n::int, null, null, ${MOST_SIBLINGS} from ${KEYS} join crowded w on w.request_id = i.r and w.day = i.d`;

/**
 * A row has as siblings those that are kept and those that came before it in this batch and are new.
 * @param arrival the parameter with each row's place among the deliveries.
 */
const carefully = (arrival: string) => `${KEPT}, input as materialized (
  select i.*, row_number() over (partition by i.r, i.d, ${IS_KEPT} order by (${arrival}::int[])[i.n]) - 1
    + (select count(*) from kept k where k.request_id = i.r and k.day = i.d) as siblings
  from ${ROWS}
), stored as (${INSERT}
  from input i where siblings < ${MOST_SIBLINGS} and not ${IS_KEPT}
  order by n
  on conflict do nothing
  returning ${INSERTED_KEYS} ${INSERTED}`;
const CAREFULLY_ABSENT = `
select 'absent' as kind, n::int as n, null as code, null as status, siblings as total
  from input i
  where not exists (select from stored s where s.request_id = i.r and s.code = i.c and s.day = i.d)`;

/** Each validation field once for each inserted row that names it, however often the row was delivered. */
const FIELDS_COUNTED = `
), named as materialized (
  select l.place, b.bucket_start, b.is_clock_ahead, sum(b.added) as added
  from (
    select p.list, s.bucket_start, s.is_clock_ahead, count(*) as added
    from stored s join unnest($24::text[], $25::date[], $26::int[]) as p (r, d, list) on p.r = s.request_id and p.d = s.day
    where s.code = '${VALIDATION_CODE}' group by p.list, s.bucket_start, s.is_clock_ahead
  ) b join unnest($27::int[], $28::int[]) as l (list, place) on l.list = b.list
  group by l.place, b.bucket_start, b.is_clock_ahead
), fields_counted as (
  insert into field_count (field, sub_code, bucket_start, is_clock_ahead, replica_id, lane, error_count)
  select ($29::text[])[place], ($30::text[])[place], bucket_start, is_clock_ahead, $21::text, $22::smallint, added
  from named order by 1, 2, bucket_start
  on conflict on constraint field_count_pkey do update set error_count = field_count.error_count + excluded.error_count
  returning field, sub_code, bucket_start, is_clock_ahead
), fields_late as (
  insert into late_code (code, replica_id, lane)
  select distinct '${VALIDATION_CODE} ' || field || ' ' || sub_code, $21::text, $22::smallint from fields_counted
  where not is_clock_ahead and sub_code <> '${OTHER_FIELD.code}'
    and bucket_start < (select evaluated_until from detector_progress)
  on conflict do nothing
), field_totals as (
  insert into field_total (replica_id, lane, field, sub_code, total)
  select $21::text, $22::smallint, ($29::text[])[place], ($30::text[])[place], sum(added) from named group by place
  on conflict on constraint field_total_pkey do update set total = field_total.total + excluded.total
  returning field, sub_code, total`;
const FIELDS_ANSWERED = `
union all
select 'field', null, field, sub_code, total from field_totals`;

const writeStatement = (stored: string, absent: string, fieldsCounted = '', fieldsAnswered = '') => `${stored}
), grouped as materialized (
  select code, status, bucket_start, is_clock_ahead, count(*) as added from stored group by 1, 2, 3, 4
), counted as (
  insert into bucket_count (code, bucket_start, is_clock_ahead, replica_id, lane, error_count)
  select case when code = any($19::text[]) then '_other' else code end as counted_code, bucket_start, is_clock_ahead,
    $21::text, $22::smallint, sum(added)
  from grouped group by counted_code, bucket_start, is_clock_ahead order by counted_code, bucket_start
  on conflict on constraint bucket_count_pkey do update set error_count = bucket_count.error_count + excluded.error_count
  returning code, bucket_start, is_clock_ahead
), late as (
  insert into late_code (code, replica_id, lane)
  select distinct code, $21::text, $22::smallint from counted
  where not is_clock_ahead and bucket_start < (select evaluated_until from detector_progress)
  on conflict do nothing
), labelled as (
  select code, coalesce(status::text, 'unknown') as status, sum(added) as added from grouped group by 1, 2
), totals as (
  insert into error_total (replica_id, lane, code, status, total)
  select $21::text, $22::smallint,
    case when code || ' ' || status = any($20::text[]) then '_other' else code end as label_code,
    case when code || ' ' || status = any($20::text[]) then '_other' else status end as label_status,
    sum(added)
  from labelled group by label_code, label_status
  on conflict on constraint error_total_pkey do update set total = error_total.total + excluded.total
  returning code, status, total
), dead_input as materialized (
  select * from json_to_recordset($23::json) as i(
    n int, src text, reason text, t text, p int, o bigint, b int, h text, r text, v float8)
), dead as (
  insert into dead_letter (source, reason, topic, kafka_partition, kafka_offset, size_bytes, digest, request_id, received_at)
  select src, reason, t, p, o, b, decode(h, 'hex'), r, to_timestamp(v) from dead_input
  on conflict do nothing
  returning topic, kafka_partition, kafka_offset${fieldsCounted}
)${absent}
union all
select 'total', null, code, status, total from totals
union all
select 'dead', n, null, null, null from dead_input i
  where t is null or exists (select from dead d where d.topic = i.t and d.kafka_partition = i.p and d.kafka_offset = i.o)${fieldsAnswered}
`;

const FIELDS = [FIELDS_COUNTED, FIELDS_ANSWERED] as const;
const STATEMENTS = {
  plain: { name: 'write', text: writeStatement(plainly(''), PLAINLY_ABSENT) },
  plainWithFields: { name: 'write_fields', text: writeStatement(plainly(INSERTED_KEYS), PLAINLY_ABSENT, ...FIELDS) },
  careful: { name: 'write_carefully', text: writeStatement(carefully('$24'), CAREFULLY_ABSENT) },
  carefulWithFields: { name: 'write_carefully_fields', text: writeStatement(carefully('$31'), CAREFULLY_ABSENT, ...FIELDS) },
};

export interface StatementNeeds {
  /** Some id of the batch has several rows, or another writer may be at one of them. */
  readonly isCareful: boolean;
  readonly hasFields: boolean;
}

/** The cheapest statement that does all that a batch needs. */
export function statementFor({ isCareful, hasFields }: StatementNeeds): { readonly name: string; readonly text: string } {
  if (isCareful) return hasFields ? STATEMENTS.carefulWithFields : STATEMENTS.careful;
  return hasFields ? STATEMENTS.plainWithFields : STATEMENTS.plain;
}

/**
 * Which rows of the given identities are stored. $1 request ids, $2 codes, $3 days; answers their places, from 1.
 * `offset 0` keeps the code outside: while a table partition is new, its index by code looks as good as that by requestId.
 */
export const KEPT_STATEMENT = `
select place::int as place from unnest($1::text[], $2::text[], $3::date[]) with ordinality as given (r, c, d, place)
where given.c in (select code from envelope e where e.request_id = given.r and e.day = given.d offset 0)`;
