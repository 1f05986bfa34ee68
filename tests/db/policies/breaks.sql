-- Who may touch data.breaks, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select from data.breaks$$, '1 rows', 'R5.1'),
  ('contact', $$select from data.breaks$$, '1 rows', 'R5.3 who watches knows when nobody is watched'),
  ('former', $$select from data.breaks$$, '0 rows', ''),
  ('stranger', $$select from data.breaks$$, '0 rows', ''),
  ('nobody', $$select from data.breaks$$, '0 rows', ''),
  ('visitor', $$select from data.breaks$$, 'refused', ''),
  ('worker', $$select from data.breaks$$, '1 rows', 'whoever makes the next obligation passes over them'),
  ('staff', $$select from data.breaks$$, 'refused', ''),
  ('billing', $$select from data.breaks$$, 'refused', ''),
  ('server', $$select from data.breaks$$, 'refused', ''),
  ('owner', $$insert into data.breaks (member_id, first_on) values (:owner, '2102-01-01')$$, '1 rows', 'R5.1'),
  ('owner', $$insert into data.breaks (member_id, first_on, last_on) values (:owner, '2100-12-30', '2101-01-01')$$, 'breaks-overlap', 'R5.2'),
  ('owner', $$insert into data.breaks (member_id, first_on) values (:owner, '2000-01-01')$$, 'break-in-the-past', 'R5.2'),
  ('owner', $$insert into data.breaks (member_id, first_on, last_on) values (:owner, '2102-01-01', '2102-04-01')$$, 'break-needs-confirmation', 'R5.2'),
  ('contact', $$insert into data.breaks (member_id, first_on) values (:owner, '2102-01-01')$$, 'refused', 'nobody stops the watching of another'),
  ('former', $$insert into data.breaks (member_id, first_on) values (:owner, '2102-01-01')$$, 'refused', 'nobody stops the watching of another'),
  ('stranger', $$insert into data.breaks (member_id, first_on) values (:owner, '2102-01-01')$$, 'refused', 'nobody stops the watching of another'),
  ('stranger', $$insert into data.breaks (member_id, first_on) values (:stranger, '2102-01-01')$$, 'no-schedule', 'there is nothing to pause'),
  ('nobody', $$insert into data.breaks (member_id, first_on) values (:owner, '2102-01-01')$$, 'refused', ''),
  ('worker', $$insert into data.breaks (member_id, first_on) values (:owner, '2102-01-01')$$, 'refused', 'no job stops the watching of anybody'),
  ('owner', $$insert into data.breaks (member_id, first_on, ends_at) values (:owner, '2102-01-01', 'infinity')$$, 'refused', 'what follows from the dates is the server''s'),
  ('owner', $$update data.breaks set last_on = '2101-01-03'$$, '1 rows', 'R5.2'),
  ('owner', $$update data.breaks set member_id = :stranger$$, 'refused', ''),
  ('owner', $$update data.breaks set begins_at = now()$$, 'refused', 'what follows from the dates is the server''s'),
  ('contact', $$update data.breaks set last_on = '2101-01-03'$$, '0 rows', 'nobody stops the watching of another'),
  ('stranger', $$update data.breaks set last_on = '2101-01-03'$$, '0 rows', 'nobody stops the watching of another'),
  ('worker', $$update data.breaks set last_on = '2101-01-03'$$, 'refused', 'no job stops the watching of anybody'),
  ('worker', $$update data.breaks set next_step_at = now()$$, '1 rows', 'only when it is next looked at'),
  ('owner', $$update data.breaks set next_step_at = 'infinity'$$, 'refused', 'what follows from the dates is the server''s'),
  ('contact', $$delete from data.breaks$$, '0 rows', ''),
  ('stranger', $$delete from data.breaks$$, '0 rows', ''),
  ('worker', $$delete from data.breaks$$, 'refused', ''),
  ('owner', $$delete from data.breaks$$, '1 rows', 'it has not begun')
) as t (voice, statement, expected, because);

select * from tap.finish();
