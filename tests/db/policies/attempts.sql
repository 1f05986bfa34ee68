-- Who may touch data.attempts, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select from data.attempts$$, 'refused', ''),
  ('contact', $$select from data.attempts$$, 'refused', ''),
  ('former', $$select from data.attempts$$, 'refused', ''),
  ('stranger', $$select from data.attempts$$, 'refused', ''),
  ('nobody', $$select from data.attempts$$, 'refused', ''),
  ('visitor', $$select from data.attempts$$, 'refused', ''),
  ('staff', $$select from data.attempts$$, 'refused', ''),
  ('billing', $$select from data.attempts$$, 'refused', ''),
  ('server', $$select from data.attempts$$, 'refused', ''),
  ('worker', $$select from data.attempts$$, '1 rows', ''),
  ('worker', $$insert into data.attempts (delivery_id, number, ended_at, result) values (:delivery, 2, now(), 'transient')$$, '1 rows', ''),
  ('owner', $$update data.attempts set result = 'accepted'$$, 'refused', 'R7.1 only ever added'),
  ('contact', $$update data.attempts set result = 'accepted'$$, 'refused', 'R7.1 only ever added'),
  ('former', $$update data.attempts set result = 'accepted'$$, 'refused', 'R7.1 only ever added'),
  ('stranger', $$update data.attempts set result = 'accepted'$$, 'refused', 'R7.1 only ever added'),
  ('nobody', $$update data.attempts set result = 'accepted'$$, 'refused', 'R7.1 only ever added'),
  ('worker', $$update data.attempts set result = 'accepted'$$, 'refused', 'R7.1 only ever added'),
  ('owner', $$delete from data.attempts$$, 'refused', 'R7.1 only ever added'),
  ('contact', $$delete from data.attempts$$, 'refused', 'R7.1 only ever added'),
  ('former', $$delete from data.attempts$$, 'refused', 'R7.1 only ever added'),
  ('stranger', $$delete from data.attempts$$, 'refused', 'R7.1 only ever added'),
  ('nobody', $$delete from data.attempts$$, 'refused', 'R7.1 only ever added'),
  ('worker', $$delete from data.attempts$$, 'refused', 'R7.1 only ever added'),
  ('owner', $$insert into data.attempts (delivery_id, number, ended_at, result) values (:delivery, 2, now(), 'transient')$$, 'refused', ''),
  ('contact', $$insert into data.attempts (delivery_id, number, ended_at, result) values (:delivery, 2, now(), 'transient')$$, 'refused', ''),
  ('former', $$insert into data.attempts (delivery_id, number, ended_at, result) values (:delivery, 2, now(), 'transient')$$, 'refused', ''),
  ('stranger', $$insert into data.attempts (delivery_id, number, ended_at, result) values (:delivery, 2, now(), 'transient')$$, 'refused', ''),
  ('nobody', $$insert into data.attempts (delivery_id, number, ended_at, result) values (:delivery, 2, now(), 'transient')$$, 'refused', '')
) as t (voice, statement, expected, because);

select * from tap.finish();
