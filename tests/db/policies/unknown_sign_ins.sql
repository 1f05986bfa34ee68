-- Who may touch data.unknown_sign_ins, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select from data.unknown_sign_ins$$, 'refused', ''),
  ('contact', $$select from data.unknown_sign_ins$$, 'refused', ''),
  ('former', $$select from data.unknown_sign_ins$$, 'refused', ''),
  ('stranger', $$select from data.unknown_sign_ins$$, 'refused', ''),
  ('nobody', $$select from data.unknown_sign_ins$$, 'refused', ''),
  ('visitor', $$select from data.unknown_sign_ins$$, 'refused', ''),
  ('worker', $$select from data.unknown_sign_ins$$, 'refused', 'the engine forgets'),
  ('staff', $$select from data.unknown_sign_ins$$, 'refused', ''),
  ('billing', $$select from data.unknown_sign_ins$$, 'refused', ''),
  ('server', $$select from data.unknown_sign_ins$$, 'refused', ''),
  ('owner', $$insert into data.unknown_sign_ins default values$$, 'refused', ''),
  ('contact', $$insert into data.unknown_sign_ins default values$$, 'refused', ''),
  ('former', $$insert into data.unknown_sign_ins default values$$, 'refused', ''),
  ('stranger', $$insert into data.unknown_sign_ins default values$$, 'refused', ''),
  ('nobody', $$insert into data.unknown_sign_ins default values$$, 'refused', ''),
  ('visitor', $$insert into data.unknown_sign_ins default values$$, 'refused', ''),
  ('worker', $$insert into data.unknown_sign_ins default values$$, 'refused', ''),
  ('staff', $$insert into data.unknown_sign_ins default values$$, 'refused', ''),
  ('billing', $$insert into data.unknown_sign_ins default values$$, 'refused', ''),
  ('server', $$insert into data.unknown_sign_ins default values$$, 'refused', ''),
  ('owner', $$update data.unknown_sign_ins set failed_tries = 0$$, 'refused', ''),
  ('contact', $$update data.unknown_sign_ins set failed_tries = 0$$, 'refused', ''),
  ('former', $$update data.unknown_sign_ins set failed_tries = 0$$, 'refused', ''),
  ('stranger', $$update data.unknown_sign_ins set failed_tries = 0$$, 'refused', ''),
  ('nobody', $$update data.unknown_sign_ins set failed_tries = 0$$, 'refused', ''),
  ('visitor', $$update data.unknown_sign_ins set failed_tries = 0$$, 'refused', ''),
  ('worker', $$update data.unknown_sign_ins set failed_tries = 0$$, 'refused', ''),
  ('staff', $$update data.unknown_sign_ins set failed_tries = 0$$, 'refused', ''),
  ('billing', $$update data.unknown_sign_ins set failed_tries = 0$$, 'refused', ''),
  ('server', $$update data.unknown_sign_ins set failed_tries = 0$$, 'refused', ''),
  ('owner', $$delete from data.unknown_sign_ins$$, 'refused', ''),
  ('contact', $$delete from data.unknown_sign_ins$$, 'refused', ''),
  ('former', $$delete from data.unknown_sign_ins$$, 'refused', ''),
  ('stranger', $$delete from data.unknown_sign_ins$$, 'refused', ''),
  ('nobody', $$delete from data.unknown_sign_ins$$, 'refused', ''),
  ('visitor', $$delete from data.unknown_sign_ins$$, 'refused', ''),
  ('worker', $$delete from data.unknown_sign_ins$$, 'refused', 'the engine forgets'),
  ('staff', $$delete from data.unknown_sign_ins$$, 'refused', ''),
  ('billing', $$delete from data.unknown_sign_ins$$, 'refused', ''),
  ('server', $$delete from data.unknown_sign_ins$$, 'refused', ''),
  ('owner', $$truncate data.unknown_sign_ins$$, 'refused', ''),
  ('contact', $$truncate data.unknown_sign_ins$$, 'refused', ''),
  ('former', $$truncate data.unknown_sign_ins$$, 'refused', ''),
  ('stranger', $$truncate data.unknown_sign_ins$$, 'refused', ''),
  ('nobody', $$truncate data.unknown_sign_ins$$, 'refused', ''),
  ('visitor', $$truncate data.unknown_sign_ins$$, 'refused', ''),
  ('worker', $$truncate data.unknown_sign_ins$$, 'refused', ''),
  ('staff', $$truncate data.unknown_sign_ins$$, 'refused', ''),
  ('billing', $$truncate data.unknown_sign_ins$$, 'refused', ''),
  ('server', $$truncate data.unknown_sign_ins$$, 'refused', '')
) as t (voice, statement, expected, because);

update data.unknown_sign_ins set tried_at = rules.clock() - interval '31 days';
select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('worker', $$delete from data.unknown_sign_ins$$, 'refused', 'the engine forgets'),
  ('worker', $$select failed_tries from data.unknown_sign_ins$$, 'refused', 'counters are nobody''s to read'),
  ('owner', $$select rules.refuse_ended_session()$$, 'not-signed-in', 'no session is claimed')
) as t (voice, statement, expected, because);

select * from tap.finish();
