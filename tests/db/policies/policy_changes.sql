-- Who may touch data.policy_changes, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select from data.policy_changes$$, 'refused', ''),
  ('contact', $$select from data.policy_changes$$, 'refused', ''),
  ('former', $$select from data.policy_changes$$, 'refused', ''),
  ('stranger', $$select from data.policy_changes$$, 'refused', ''),
  ('nobody', $$select from data.policy_changes$$, 'refused', ''),
  ('visitor', $$select from data.policy_changes$$, 'refused', ''),
  ('worker', $$select from data.policy_changes$$, 'refused', ''),
  ('billing', $$select from data.policy_changes$$, 'refused', ''),
  ('server', $$select from data.policy_changes$$, 'refused', ''),
  ('staff', $$select from data.policy_changes$$, '1 rows', ''),
  ('owner', $$update data.policy_changes set reason = reason$$, 'refused', ''),
  ('contact', $$update data.policy_changes set reason = reason$$, 'refused', ''),
  ('former', $$update data.policy_changes set reason = reason$$, 'refused', ''),
  ('stranger', $$update data.policy_changes set reason = reason$$, 'refused', ''),
  ('nobody', $$update data.policy_changes set reason = reason$$, 'refused', ''),
  ('worker', $$update data.policy_changes set reason = reason$$, 'refused', ''),
  ('staff', $$update data.policy_changes set reason = reason$$, 'refused', ''),
  ('owner', $$delete from data.policy_changes$$, 'refused', ''),
  ('contact', $$delete from data.policy_changes$$, 'refused', ''),
  ('former', $$delete from data.policy_changes$$, 'refused', ''),
  ('stranger', $$delete from data.policy_changes$$, 'refused', ''),
  ('nobody', $$delete from data.policy_changes$$, 'refused', ''),
  ('worker', $$delete from data.policy_changes$$, 'refused', ''),
  ('staff', $$delete from data.policy_changes$$, 'refused', ''),
  ('owner', $$insert into data.policy_changes (key, old_value, new_value, changed_at, changed_by, reason) values ('pin_tries', 1, 2, now(), 'x', 'xxx')$$, 'refused', ''),
  ('contact', $$insert into data.policy_changes (key, old_value, new_value, changed_at, changed_by, reason) values ('pin_tries', 1, 2, now(), 'x', 'xxx')$$, 'refused', ''),
  ('former', $$insert into data.policy_changes (key, old_value, new_value, changed_at, changed_by, reason) values ('pin_tries', 1, 2, now(), 'x', 'xxx')$$, 'refused', ''),
  ('stranger', $$insert into data.policy_changes (key, old_value, new_value, changed_at, changed_by, reason) values ('pin_tries', 1, 2, now(), 'x', 'xxx')$$, 'refused', ''),
  ('nobody', $$insert into data.policy_changes (key, old_value, new_value, changed_at, changed_by, reason) values ('pin_tries', 1, 2, now(), 'x', 'xxx')$$, 'refused', ''),
  ('worker', $$insert into data.policy_changes (key, old_value, new_value, changed_at, changed_by, reason) values ('pin_tries', 1, 2, now(), 'x', 'xxx')$$, 'refused', ''),
  ('staff', $$insert into data.policy_changes (key, old_value, new_value, changed_at, changed_by, reason) values ('pin_tries', 1, 2, now(), 'x', 'xxx')$$, 'refused', '')
) as t (voice, statement, expected, because);

select * from tap.finish();
