-- Why: who delivers another body under an identity that is stored neither replaces it nor goes unseen: the first is kept,
-- the other is flagged with when it came, by which path, and a keyed digest of its bytes.
-- Locks: none. Not breaking.

create table envelope_conflict (
  request_id text not null,
  code text not null,
  day date not null,
  -- As a dead letter has it: the same bytes again are the same conflict.
  digest bytea not null,
  source text not null,
  received_at timestamptz not null,
  constraint envelope_conflict_pkey primary key (request_id, code, day, digest)
);
create index envelope_conflict_received_at on envelope_conflict (received_at);
grant select, insert, delete on envelope_conflict to surgewatch_app;
