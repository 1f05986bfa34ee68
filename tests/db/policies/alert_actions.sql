-- Who may touch data.alert_actions, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select from data.alert_actions$$, '1 rows', ''),
  ('contact', $$select from data.alert_actions$$, '1 rows', ''),
  ('former', $$select from data.alert_actions$$, '0 rows', ''),
  ('stranger', $$select from data.alert_actions$$, '0 rows', ''),
  ('nobody', $$select from data.alert_actions$$, '0 rows', ''),
  ('contact', $$insert into data.alert_actions (alert_id, user_id, action, outcome) values (:alert, :contact, 'close', 'safe')$$, '1 rows', 'R6.5'),
  ('owner', $$insert into data.alert_actions (alert_id, user_id, action, outcome) values (:alert, :owner, 'close', 'safe')$$, 'refused', ''),
  ('former', $$insert into data.alert_actions (alert_id, user_id, action, outcome) values (:alert, :former, 'close', 'safe')$$, 'refused', ''),
  ('stranger', $$insert into data.alert_actions (alert_id, user_id, action, outcome) values (:alert, :stranger, 'close', 'safe')$$, 'refused', ''),
  ('owner', $$insert into data.alert_actions (alert_id, user_id, action, outcome) values (:alert, :contact, 'close', 'safe')$$, 'refused', 'not in another''s name'),
  ('former', $$insert into data.alert_actions (alert_id, user_id, action, outcome) values (:alert, :contact, 'close', 'safe')$$, 'refused', 'not in another''s name'),
  ('stranger', $$insert into data.alert_actions (alert_id, user_id, action, outcome) values (:alert, :contact, 'close', 'safe')$$, 'refused', 'not in another''s name'),
  ('nobody', $$insert into data.alert_actions (alert_id, user_id, action, outcome) values (:alert, :contact, 'close', 'safe')$$, 'refused', 'not in another''s name'),
  ('contact', $$insert into data.alert_actions (alert_id, user_id, action, taken_at) values (:alert, :contact, 'acknowledge', now())$$, 'refused', ''),
  ('contact', $$insert into data.alert_actions (alert_id, user_id, action, outcome) values (:alert, :owner, 'close', 'safe')$$, 'refused', ''),
  ('owner', $$update data.alert_actions set user_id = user_id$$, 'refused', ''),
  ('contact', $$update data.alert_actions set user_id = user_id$$, 'refused', ''),
  ('former', $$update data.alert_actions set user_id = user_id$$, 'refused', ''),
  ('stranger', $$update data.alert_actions set user_id = user_id$$, 'refused', ''),
  ('nobody', $$update data.alert_actions set user_id = user_id$$, 'refused', ''),
  ('worker', $$update data.alert_actions set user_id = user_id$$, 'refused', ''),
  ('owner', $$delete from data.alert_actions$$, 'refused', ''),
  ('contact', $$delete from data.alert_actions$$, 'refused', ''),
  ('former', $$delete from data.alert_actions$$, 'refused', ''),
  ('stranger', $$delete from data.alert_actions$$, 'refused', ''),
  ('nobody', $$delete from data.alert_actions$$, 'refused', ''),
  ('worker', $$delete from data.alert_actions$$, 'refused', ''),
  ('visitor', $$select from data.alert_actions$$, 'refused', ''),
  ('staff', $$select from data.alert_actions$$, 'refused', ''),
  ('billing', $$select from data.alert_actions$$, 'refused', ''),
  ('server', $$select from data.alert_actions$$, 'refused', ''),
  ('worker', $$select from data.alert_actions$$, 'refused', '')
) as t (voice, statement, expected, because);

select * from tap.finish();
