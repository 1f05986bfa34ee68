-- Who may touch data.idempotency_keys, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select from data.idempotency_keys$$, '1 rows', ''),
  ('contact', $$select from data.idempotency_keys$$, '0 rows', ''),
  ('former', $$select from data.idempotency_keys$$, '0 rows', ''),
  ('stranger', $$select from data.idempotency_keys$$, '0 rows', ''),
  ('nobody', $$select from data.idempotency_keys$$, '0 rows', ''),
  ('contact', $$insert into data.idempotency_keys values (:owner, 'x', 'x', '{}', now())$$, 'refused', ''),
  ('former', $$insert into data.idempotency_keys values (:owner, 'x', 'x', '{}', now())$$, 'refused', ''),
  ('stranger', $$insert into data.idempotency_keys values (:owner, 'x', 'x', '{}', now())$$, 'refused', ''),
  ('nobody', $$insert into data.idempotency_keys values (:owner, 'x', 'x', '{}', now())$$, 'refused', ''),
  ('contact', $$update data.idempotency_keys set answer = '{}'$$, '0 rows', ''),
  ('former', $$update data.idempotency_keys set answer = '{}'$$, '0 rows', ''),
  ('stranger', $$update data.idempotency_keys set answer = '{}'$$, '0 rows', ''),
  ('nobody', $$update data.idempotency_keys set answer = '{}'$$, '0 rows', ''),
  ('owner', $$update data.idempotency_keys set user_id = :stranger$$, 'refused', ''),
  ('contact', $$update data.idempotency_keys set user_id = :stranger$$, 'refused', ''),
  ('former', $$update data.idempotency_keys set user_id = :stranger$$, 'refused', ''),
  ('stranger', $$update data.idempotency_keys set user_id = :stranger$$, 'refused', ''),
  ('nobody', $$update data.idempotency_keys set user_id = :stranger$$, 'refused', ''),
  ('owner', $$update data.idempotency_keys set key = 'x'$$, 'refused', ''),
  ('contact', $$update data.idempotency_keys set key = 'x'$$, 'refused', ''),
  ('former', $$update data.idempotency_keys set key = 'x'$$, 'refused', ''),
  ('stranger', $$update data.idempotency_keys set key = 'x'$$, 'refused', ''),
  ('nobody', $$update data.idempotency_keys set key = 'x'$$, 'refused', ''),
  ('owner', $$delete from data.idempotency_keys$$, 'refused', ''),
  ('contact', $$delete from data.idempotency_keys$$, 'refused', ''),
  ('former', $$delete from data.idempotency_keys$$, 'refused', ''),
  ('stranger', $$delete from data.idempotency_keys$$, 'refused', ''),
  ('nobody', $$delete from data.idempotency_keys$$, 'refused', ''),
  ('owner', $$update data.idempotency_keys set answer = '{}'$$, '1 rows', ''),
  ('stranger', $$select where rules.recall('key', '\x00') is null$$, '1 rows', 'a key is of one user'),
  ('owner', $$select where rules.recall('key', '\x00') is not null$$, '1 rows', ''),
  ('owner', $$select rules.recall('key', '\x01')$$, 'idempotency-key-reused', 'R9.4'),
  ('worker', $$select key from data.idempotency_keys$$, 'refused', 'the engine forgets'),
  ('worker', $$delete from data.idempotency_keys$$, 'refused', 'the engine forgets'),
  ('worker', $$select answer from data.idempotency_keys$$, 'refused', ''),
  ('worker', $$update data.idempotency_keys set answer = '{}'$$, 'refused', ''),
  ('visitor', $$select key from data.idempotency_keys$$, 'refused', ''),
  ('staff', $$select key from data.idempotency_keys$$, 'refused', ''),
  ('billing', $$select key from data.idempotency_keys$$, 'refused', ''),
  ('server', $$select key from data.idempotency_keys$$, 'refused', '')
) as t (voice, statement, expected, because);

select * from tap.finish();
