-- Why: how busy the API is scales what is expected of every code. What was known when a bucket was evaluated is kept, so
-- that a restart or another replica computes the same from it.
-- Locks: none that matter, the table is new. Not breaking.

create table traffic (
  -- Buckets that start from then on, up to the next row, had this traffic.
  at timestamptz constraint traffic_pkey primary key,
  requests_per_second double precision not null,
  -- Usual at that time of day; null while that was not known.
  usual_per_second double precision,
  -- What expected errors were multiplied by.
  factor double precision not null,
  constraint traffic_factor_is_positive check (factor > 0)
);

grant select, insert, delete on traffic to surgewatch_app;
