-- Who may touch data.untold_check_ins, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select from data.untold_check_ins$$, 'refused', ''),
  ('owner', $$insert into data.untold_check_ins (check_in_id) values (:check_in)$$, 'refused', ''),
  ('owner', $$update data.untold_check_ins set check_in_id = :check_in$$, 'refused', ''),
  ('owner', $$delete from data.untold_check_ins$$, 'refused', ''),
  ('contact', $$select from data.untold_check_ins$$, 'refused', ''),
  ('contact', $$insert into data.untold_check_ins (check_in_id) values (:check_in)$$, 'refused', ''),
  ('contact', $$update data.untold_check_ins set check_in_id = :check_in$$, 'refused', ''),
  ('contact', $$delete from data.untold_check_ins$$, 'refused', ''),
  ('former', $$select from data.untold_check_ins$$, 'refused', ''),
  ('former', $$insert into data.untold_check_ins (check_in_id) values (:check_in)$$, 'refused', ''),
  ('former', $$update data.untold_check_ins set check_in_id = :check_in$$, 'refused', ''),
  ('former', $$delete from data.untold_check_ins$$, 'refused', ''),
  ('stranger', $$select from data.untold_check_ins$$, 'refused', ''),
  ('stranger', $$insert into data.untold_check_ins (check_in_id) values (:check_in)$$, 'refused', ''),
  ('stranger', $$update data.untold_check_ins set check_in_id = :check_in$$, 'refused', ''),
  ('stranger', $$delete from data.untold_check_ins$$, 'refused', ''),
  ('nobody', $$select from data.untold_check_ins$$, 'refused', ''),
  ('nobody', $$insert into data.untold_check_ins (check_in_id) values (:check_in)$$, 'refused', ''),
  ('nobody', $$update data.untold_check_ins set check_in_id = :check_in$$, 'refused', ''),
  ('nobody', $$delete from data.untold_check_ins$$, 'refused', ''),
  ('visitor', $$select from data.untold_check_ins$$, 'refused', ''),
  ('visitor', $$insert into data.untold_check_ins (check_in_id) values (:check_in)$$, 'refused', ''),
  ('visitor', $$update data.untold_check_ins set check_in_id = :check_in$$, 'refused', ''),
  ('visitor', $$delete from data.untold_check_ins$$, 'refused', ''),
  ('staff', $$select from data.untold_check_ins$$, 'refused', ''),
  ('staff', $$insert into data.untold_check_ins (check_in_id) values (:check_in)$$, 'refused', ''),
  ('staff', $$update data.untold_check_ins set check_in_id = :check_in$$, 'refused', ''),
  ('staff', $$delete from data.untold_check_ins$$, 'refused', ''),
  ('billing', $$select from data.untold_check_ins$$, 'refused', ''),
  ('billing', $$insert into data.untold_check_ins (check_in_id) values (:check_in)$$, 'refused', ''),
  ('billing', $$update data.untold_check_ins set check_in_id = :check_in$$, 'refused', ''),
  ('billing', $$delete from data.untold_check_ins$$, 'refused', ''),
  ('server', $$select from data.untold_check_ins$$, 'refused', ''),
  ('server', $$insert into data.untold_check_ins (check_in_id) values (:check_in)$$, 'refused', ''),
  ('server', $$update data.untold_check_ins set check_in_id = :check_in$$, 'refused', ''),
  ('server', $$delete from data.untold_check_ins$$, 'refused', ''),
  ('worker', $$select from data.untold_check_ins for update skip locked$$, '1 rows', 'a job tells of them'),
  ('worker', $$delete from data.untold_check_ins$$, '1 rows', ''),
  ('worker', $$insert into data.untold_check_ins (check_in_id) values (:check_in)$$, 'refused', ''),
  ('worker', $$update data.untold_check_ins set check_in_id = check_in_id$$, 'refused', 'the right is for the lock only')
) as t (voice, statement, expected, because);

select * from tap.finish();
