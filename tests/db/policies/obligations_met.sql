-- Who may touch data.obligations_met, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select from data.obligations_met$$, '1 rows', ''),
  ('contact', $$select from data.obligations_met$$, '1 rows', ''),
  ('former', $$select from data.obligations_met$$, '0 rows', ''),
  ('stranger', $$select from data.obligations_met$$, '0 rows', ''),
  ('nobody', $$select from data.obligations_met$$, '0 rows', ''),
  ('owner', $$insert into data.obligations_met (obligation_id, check_in_id) values (:missed_obligation, :check_in)$$, 'refused', 'only a check-in meets'),
  ('contact', $$insert into data.obligations_met (obligation_id, check_in_id) values (:missed_obligation, :check_in)$$, 'refused', 'only a check-in meets'),
  ('former', $$insert into data.obligations_met (obligation_id, check_in_id) values (:missed_obligation, :check_in)$$, 'refused', 'only a check-in meets'),
  ('stranger', $$insert into data.obligations_met (obligation_id, check_in_id) values (:missed_obligation, :check_in)$$, 'refused', 'only a check-in meets'),
  ('nobody', $$insert into data.obligations_met (obligation_id, check_in_id) values (:missed_obligation, :check_in)$$, 'refused', 'only a check-in meets'),
  ('worker', $$insert into data.obligations_met (obligation_id, check_in_id) values (:missed_obligation, :check_in)$$, 'refused', 'only a check-in meets'),
  ('owner', $$update data.obligations_met set obligation_id = :missed_obligation$$, 'refused', 'only a check-in meets'),
  ('contact', $$update data.obligations_met set obligation_id = :missed_obligation$$, 'refused', 'only a check-in meets'),
  ('former', $$update data.obligations_met set obligation_id = :missed_obligation$$, 'refused', 'only a check-in meets'),
  ('stranger', $$update data.obligations_met set obligation_id = :missed_obligation$$, 'refused', 'only a check-in meets'),
  ('nobody', $$update data.obligations_met set obligation_id = :missed_obligation$$, 'refused', 'only a check-in meets'),
  ('worker', $$update data.obligations_met set obligation_id = :missed_obligation$$, 'refused', 'only a check-in meets'),
  ('owner', $$delete from data.obligations_met$$, 'refused', 'only a check-in meets'),
  ('contact', $$delete from data.obligations_met$$, 'refused', 'only a check-in meets'),
  ('former', $$delete from data.obligations_met$$, 'refused', 'only a check-in meets'),
  ('stranger', $$delete from data.obligations_met$$, 'refused', 'only a check-in meets'),
  ('nobody', $$delete from data.obligations_met$$, 'refused', 'only a check-in meets'),
  ('worker', $$delete from data.obligations_met$$, 'refused', 'only a check-in meets'),
  ('visitor', $$select from data.obligations_met$$, 'refused', ''),
  ('staff', $$select from data.obligations_met$$, 'refused', ''),
  ('billing', $$select from data.obligations_met$$, 'refused', ''),
  ('server', $$select from data.obligations_met$$, 'refused', ''),
  ('worker', $$select from data.obligations_met$$, '1 rows', 'R3.4 what it tells of a check-in')
) as t (voice, statement, expected, because);

select * from tap.finish();
