-- Why: a warning that got much worse is also told as critical. That it was, and on what evidence, stays with the spike, so
-- that whoever leads next tells the same two alerts and ends both.
-- Locks: spike, for as long as a column without a default takes. Not breaking.

-- When it was found worse, with what came and what was expected in the minutes that decided it; null: it was not.
alter table spike add column escalation jsonb;
