-- Who may touch data.alert_rounds, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select from data.alert_rounds$$, '1 rows', 'R6.8'),
  ('contact', $$select from data.alert_rounds$$, '1 rows', 'R6.8'),
  ('former', $$select from data.alert_rounds$$, '0 rows', ''),
  ('stranger', $$select from data.alert_rounds$$, '0 rows', ''),
  ('nobody', $$select from data.alert_rounds$$, '0 rows', ''),
  ('visitor', $$select from data.alert_rounds$$, 'refused', ''),
  ('worker', $$select from data.alert_rounds$$, 'refused', ''),
  ('staff', $$select from data.alert_rounds$$, 'refused', ''),
  ('billing', $$select from data.alert_rounds$$, 'refused', ''),
  ('server', $$select from data.alert_rounds$$, 'refused', ''),
  ('owner', $$insert into data.alert_rounds (alert_id, number, kind, told_at, whom, has_call, is_exhausting) values (:alert, 3, 'still_open', now(), 'everyone', true, false)$$, 'refused', 'R6.8 what was done stays on record'),
  ('owner', $$update data.alert_rounds set told_at = now()$$, 'refused', 'R6.8 what was done stays on record'),
  ('owner', $$delete from data.alert_rounds$$, 'refused', 'R6.8 what was done stays on record'),
  ('contact', $$insert into data.alert_rounds (alert_id, number, kind, told_at, whom, has_call, is_exhausting) values (:alert, 3, 'still_open', now(), 'everyone', true, false)$$, 'refused', 'R6.8 what was done stays on record'),
  ('contact', $$update data.alert_rounds set told_at = now()$$, 'refused', 'R6.8 what was done stays on record'),
  ('contact', $$delete from data.alert_rounds$$, 'refused', 'R6.8 what was done stays on record'),
  ('former', $$insert into data.alert_rounds (alert_id, number, kind, told_at, whom, has_call, is_exhausting) values (:alert, 3, 'still_open', now(), 'everyone', true, false)$$, 'refused', 'R6.8 what was done stays on record'),
  ('former', $$update data.alert_rounds set told_at = now()$$, 'refused', 'R6.8 what was done stays on record'),
  ('former', $$delete from data.alert_rounds$$, 'refused', 'R6.8 what was done stays on record'),
  ('stranger', $$insert into data.alert_rounds (alert_id, number, kind, told_at, whom, has_call, is_exhausting) values (:alert, 3, 'still_open', now(), 'everyone', true, false)$$, 'refused', 'R6.8 what was done stays on record'),
  ('stranger', $$update data.alert_rounds set told_at = now()$$, 'refused', 'R6.8 what was done stays on record'),
  ('stranger', $$delete from data.alert_rounds$$, 'refused', 'R6.8 what was done stays on record'),
  ('nobody', $$insert into data.alert_rounds (alert_id, number, kind, told_at, whom, has_call, is_exhausting) values (:alert, 3, 'still_open', now(), 'everyone', true, false)$$, 'refused', 'R6.8 what was done stays on record'),
  ('nobody', $$update data.alert_rounds set told_at = now()$$, 'refused', 'R6.8 what was done stays on record'),
  ('nobody', $$delete from data.alert_rounds$$, 'refused', 'R6.8 what was done stays on record'),
  ('visitor', $$insert into data.alert_rounds (alert_id, number, kind, told_at, whom, has_call, is_exhausting) values (:alert, 3, 'still_open', now(), 'everyone', true, false)$$, 'refused', 'R6.8 what was done stays on record'),
  ('visitor', $$update data.alert_rounds set told_at = now()$$, 'refused', 'R6.8 what was done stays on record'),
  ('visitor', $$delete from data.alert_rounds$$, 'refused', 'R6.8 what was done stays on record'),
  ('worker', $$insert into data.alert_rounds (alert_id, number, kind, told_at, whom, has_call, is_exhausting) values (:alert, 3, 'still_open', now(), 'everyone', true, false)$$, 'refused', 'R6.8 what was done stays on record'),
  ('worker', $$update data.alert_rounds set told_at = now()$$, 'refused', 'R6.8 what was done stays on record'),
  ('worker', $$delete from data.alert_rounds$$, 'refused', 'R6.8 what was done stays on record'),
  ('staff', $$insert into data.alert_rounds (alert_id, number, kind, told_at, whom, has_call, is_exhausting) values (:alert, 3, 'still_open', now(), 'everyone', true, false)$$, 'refused', 'R6.8 what was done stays on record'),
  ('staff', $$update data.alert_rounds set told_at = now()$$, 'refused', 'R6.8 what was done stays on record'),
  ('staff', $$delete from data.alert_rounds$$, 'refused', 'R6.8 what was done stays on record'),
  ('billing', $$insert into data.alert_rounds (alert_id, number, kind, told_at, whom, has_call, is_exhausting) values (:alert, 3, 'still_open', now(), 'everyone', true, false)$$, 'refused', 'R6.8 what was done stays on record'),
  ('billing', $$update data.alert_rounds set told_at = now()$$, 'refused', 'R6.8 what was done stays on record'),
  ('billing', $$delete from data.alert_rounds$$, 'refused', 'R6.8 what was done stays on record'),
  ('server', $$insert into data.alert_rounds (alert_id, number, kind, told_at, whom, has_call, is_exhausting) values (:alert, 3, 'still_open', now(), 'everyone', true, false)$$, 'refused', 'R6.8 what was done stays on record'),
  ('server', $$update data.alert_rounds set told_at = now()$$, 'refused', 'R6.8 what was done stays on record'),
  ('server', $$delete from data.alert_rounds$$, 'refused', 'R6.8 what was done stays on record')
) as t (voice, statement, expected, because);

select * from tap.finish();
