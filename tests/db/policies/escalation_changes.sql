-- Who may touch data.escalation_changes, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select from data.escalation_changes$$, 'refused', ''),
  ('contact', $$select from data.escalation_changes$$, 'refused', ''),
  ('former', $$select from data.escalation_changes$$, 'refused', ''),
  ('stranger', $$select from data.escalation_changes$$, 'refused', ''),
  ('nobody', $$select from data.escalation_changes$$, 'refused', ''),
  ('visitor', $$select from data.escalation_changes$$, 'refused', ''),
  ('worker', $$select from data.escalation_changes$$, 'refused', ''),
  ('billing', $$select from data.escalation_changes$$, 'refused', ''),
  ('server', $$select from data.escalation_changes$$, 'refused', ''),
  ('staff', $$select from data.escalation_changes where after ->> 'after_minutes' = '10'$$, '1 rows', 'the history is kept by itself'),
  ('owner', $$insert into data.escalation_changes (changed_at, changed_by, after) values (now(), 'me', '{}')$$, 'refused', 'history'),
  ('owner', $$update data.escalation_changes set changed_by = 'me'$$, 'refused', 'history'),
  ('owner', $$delete from data.escalation_changes$$, 'refused', 'history'),
  ('contact', $$insert into data.escalation_changes (changed_at, changed_by, after) values (now(), 'me', '{}')$$, 'refused', 'history'),
  ('contact', $$update data.escalation_changes set changed_by = 'me'$$, 'refused', 'history'),
  ('contact', $$delete from data.escalation_changes$$, 'refused', 'history'),
  ('former', $$insert into data.escalation_changes (changed_at, changed_by, after) values (now(), 'me', '{}')$$, 'refused', 'history'),
  ('former', $$update data.escalation_changes set changed_by = 'me'$$, 'refused', 'history'),
  ('former', $$delete from data.escalation_changes$$, 'refused', 'history'),
  ('stranger', $$insert into data.escalation_changes (changed_at, changed_by, after) values (now(), 'me', '{}')$$, 'refused', 'history'),
  ('stranger', $$update data.escalation_changes set changed_by = 'me'$$, 'refused', 'history'),
  ('stranger', $$delete from data.escalation_changes$$, 'refused', 'history'),
  ('nobody', $$insert into data.escalation_changes (changed_at, changed_by, after) values (now(), 'me', '{}')$$, 'refused', 'history'),
  ('nobody', $$update data.escalation_changes set changed_by = 'me'$$, 'refused', 'history'),
  ('nobody', $$delete from data.escalation_changes$$, 'refused', 'history'),
  ('visitor', $$insert into data.escalation_changes (changed_at, changed_by, after) values (now(), 'me', '{}')$$, 'refused', 'history'),
  ('visitor', $$update data.escalation_changes set changed_by = 'me'$$, 'refused', 'history'),
  ('visitor', $$delete from data.escalation_changes$$, 'refused', 'history'),
  ('worker', $$insert into data.escalation_changes (changed_at, changed_by, after) values (now(), 'me', '{}')$$, 'refused', 'history'),
  ('worker', $$update data.escalation_changes set changed_by = 'me'$$, 'refused', 'history'),
  ('worker', $$delete from data.escalation_changes$$, 'refused', 'history'),
  ('staff', $$insert into data.escalation_changes (changed_at, changed_by, after) values (now(), 'me', '{}')$$, 'refused', 'history'),
  ('staff', $$update data.escalation_changes set changed_by = 'me'$$, 'refused', 'history'),
  ('staff', $$delete from data.escalation_changes$$, 'refused', 'history'),
  ('billing', $$insert into data.escalation_changes (changed_at, changed_by, after) values (now(), 'me', '{}')$$, 'refused', 'history'),
  ('billing', $$update data.escalation_changes set changed_by = 'me'$$, 'refused', 'history'),
  ('billing', $$delete from data.escalation_changes$$, 'refused', 'history'),
  ('server', $$insert into data.escalation_changes (changed_at, changed_by, after) values (now(), 'me', '{}')$$, 'refused', 'history'),
  ('server', $$update data.escalation_changes set changed_by = 'me'$$, 'refused', 'history'),
  ('server', $$delete from data.escalation_changes$$, 'refused', 'history')
) as t (voice, statement, expected, because);

select * from tap.finish();
