-- Who may touch data.invitation_tries, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select from data.invitation_tries$$, 'refused', ''),
  ('contact', $$select from data.invitation_tries$$, 'refused', ''),
  ('former', $$select from data.invitation_tries$$, 'refused', ''),
  ('stranger', $$select from data.invitation_tries$$, 'refused', ''),
  ('nobody', $$select from data.invitation_tries$$, 'refused', ''),
  ('visitor', $$select from data.invitation_tries$$, 'refused', ''),
  ('worker', $$select from data.invitation_tries$$, 'refused', 'the engine forgets'),
  ('staff', $$select from data.invitation_tries$$, 'refused', ''),
  ('billing', $$select from data.invitation_tries$$, 'refused', ''),
  ('server', $$select from data.invitation_tries$$, 'refused', ''),
  ('owner', $$insert into data.invitation_tries default values$$, 'refused', ''),
  ('contact', $$insert into data.invitation_tries default values$$, 'refused', ''),
  ('former', $$insert into data.invitation_tries default values$$, 'refused', ''),
  ('stranger', $$insert into data.invitation_tries default values$$, 'refused', ''),
  ('nobody', $$insert into data.invitation_tries default values$$, 'refused', ''),
  ('visitor', $$insert into data.invitation_tries default values$$, 'refused', ''),
  ('worker', $$insert into data.invitation_tries default values$$, 'refused', ''),
  ('staff', $$insert into data.invitation_tries default values$$, 'refused', ''),
  ('billing', $$insert into data.invitation_tries default values$$, 'refused', ''),
  ('server', $$insert into data.invitation_tries default values$$, 'refused', ''),
  ('owner', $$update data.invitation_tries set user_id = user_id$$, 'refused', ''),
  ('contact', $$update data.invitation_tries set user_id = user_id$$, 'refused', ''),
  ('former', $$update data.invitation_tries set user_id = user_id$$, 'refused', ''),
  ('stranger', $$update data.invitation_tries set user_id = user_id$$, 'refused', ''),
  ('nobody', $$update data.invitation_tries set user_id = user_id$$, 'refused', ''),
  ('visitor', $$update data.invitation_tries set user_id = user_id$$, 'refused', ''),
  ('worker', $$update data.invitation_tries set user_id = user_id$$, 'refused', ''),
  ('staff', $$update data.invitation_tries set user_id = user_id$$, 'refused', ''),
  ('billing', $$update data.invitation_tries set user_id = user_id$$, 'refused', ''),
  ('server', $$update data.invitation_tries set user_id = user_id$$, 'refused', ''),
  ('owner', $$delete from data.invitation_tries$$, 'refused', ''),
  ('contact', $$delete from data.invitation_tries$$, 'refused', ''),
  ('former', $$delete from data.invitation_tries$$, 'refused', ''),
  ('stranger', $$delete from data.invitation_tries$$, 'refused', ''),
  ('nobody', $$delete from data.invitation_tries$$, 'refused', ''),
  ('visitor', $$delete from data.invitation_tries$$, 'refused', ''),
  ('worker', $$delete from data.invitation_tries$$, 'refused', 'the engine forgets'),
  ('staff', $$delete from data.invitation_tries$$, 'refused', ''),
  ('billing', $$delete from data.invitation_tries$$, 'refused', ''),
  ('server', $$delete from data.invitation_tries$$, 'refused', ''),
  ('owner', $$truncate data.invitation_tries$$, 'refused', ''),
  ('contact', $$truncate data.invitation_tries$$, 'refused', ''),
  ('former', $$truncate data.invitation_tries$$, 'refused', ''),
  ('stranger', $$truncate data.invitation_tries$$, 'refused', ''),
  ('nobody', $$truncate data.invitation_tries$$, 'refused', ''),
  ('visitor', $$truncate data.invitation_tries$$, 'refused', ''),
  ('worker', $$truncate data.invitation_tries$$, 'refused', ''),
  ('staff', $$truncate data.invitation_tries$$, 'refused', ''),
  ('billing', $$truncate data.invitation_tries$$, 'refused', ''),
  ('server', $$truncate data.invitation_tries$$, 'refused', '')
) as t (voice, statement, expected, because);

update data.invitation_tries set tried_at = rules.clock() - interval '25 hours';
select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('worker', $$delete from data.invitation_tries$$, 'refused', 'the engine forgets'),
  ('worker', $$select network from data.invitation_tries$$, 'refused', 'nobody''s to read'),
  ('worker', $$select user_id from data.invitation_tries$$, 'refused', 'nobody''s to read')
) as t (voice, statement, expected, because);

select * from tap.finish();
