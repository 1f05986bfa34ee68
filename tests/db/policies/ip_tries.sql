-- Who may touch data.ip_tries, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select from data.ip_tries$$, 'refused', ''),
  ('contact', $$select from data.ip_tries$$, 'refused', ''),
  ('former', $$select from data.ip_tries$$, 'refused', ''),
  ('stranger', $$select from data.ip_tries$$, 'refused', ''),
  ('nobody', $$select from data.ip_tries$$, 'refused', ''),
  ('visitor', $$select from data.ip_tries$$, 'refused', ''),
  ('worker', $$select from data.ip_tries$$, 'refused', 'the engine forgets'),
  ('staff', $$select from data.ip_tries$$, 'refused', ''),
  ('billing', $$select from data.ip_tries$$, 'refused', ''),
  ('server', $$select from data.ip_tries$$, 'refused', ''),
  ('owner', $$insert into data.ip_tries default values$$, 'refused', ''),
  ('contact', $$insert into data.ip_tries default values$$, 'refused', ''),
  ('former', $$insert into data.ip_tries default values$$, 'refused', ''),
  ('stranger', $$insert into data.ip_tries default values$$, 'refused', ''),
  ('nobody', $$insert into data.ip_tries default values$$, 'refused', ''),
  ('visitor', $$insert into data.ip_tries default values$$, 'refused', ''),
  ('worker', $$insert into data.ip_tries default values$$, 'refused', ''),
  ('staff', $$insert into data.ip_tries default values$$, 'refused', ''),
  ('billing', $$insert into data.ip_tries default values$$, 'refused', ''),
  ('server', $$insert into data.ip_tries default values$$, 'refused', ''),
  ('owner', $$update data.ip_tries set count = 0$$, 'refused', ''),
  ('contact', $$update data.ip_tries set count = 0$$, 'refused', ''),
  ('former', $$update data.ip_tries set count = 0$$, 'refused', ''),
  ('stranger', $$update data.ip_tries set count = 0$$, 'refused', ''),
  ('nobody', $$update data.ip_tries set count = 0$$, 'refused', ''),
  ('visitor', $$update data.ip_tries set count = 0$$, 'refused', ''),
  ('worker', $$update data.ip_tries set count = 0$$, 'refused', ''),
  ('staff', $$update data.ip_tries set count = 0$$, 'refused', ''),
  ('billing', $$update data.ip_tries set count = 0$$, 'refused', ''),
  ('server', $$update data.ip_tries set count = 0$$, 'refused', ''),
  ('owner', $$delete from data.ip_tries$$, 'refused', ''),
  ('contact', $$delete from data.ip_tries$$, 'refused', ''),
  ('former', $$delete from data.ip_tries$$, 'refused', ''),
  ('stranger', $$delete from data.ip_tries$$, 'refused', ''),
  ('nobody', $$delete from data.ip_tries$$, 'refused', ''),
  ('visitor', $$delete from data.ip_tries$$, 'refused', ''),
  ('worker', $$delete from data.ip_tries$$, 'refused', 'the engine forgets'),
  ('staff', $$delete from data.ip_tries$$, 'refused', ''),
  ('billing', $$delete from data.ip_tries$$, 'refused', ''),
  ('server', $$delete from data.ip_tries$$, 'refused', ''),
  ('owner', $$truncate data.ip_tries$$, 'refused', ''),
  ('contact', $$truncate data.ip_tries$$, 'refused', ''),
  ('former', $$truncate data.ip_tries$$, 'refused', ''),
  ('stranger', $$truncate data.ip_tries$$, 'refused', ''),
  ('nobody', $$truncate data.ip_tries$$, 'refused', ''),
  ('visitor', $$truncate data.ip_tries$$, 'refused', ''),
  ('worker', $$truncate data.ip_tries$$, 'refused', ''),
  ('staff', $$truncate data.ip_tries$$, 'refused', ''),
  ('billing', $$truncate data.ip_tries$$, 'refused', ''),
  ('server', $$truncate data.ip_tries$$, 'refused', '')
) as t (voice, statement, expected, because);

update data.ip_tries set began_at = rules.clock() - interval '2 hours';
select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('worker', $$delete from data.ip_tries$$, 'refused', 'the engine forgets'),
  ('worker', $$select count from data.ip_tries$$, 'refused', 'counters are nobody''s to read')
) as t (voice, statement, expected, because);

select * from tap.finish();
