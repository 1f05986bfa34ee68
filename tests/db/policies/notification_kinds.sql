-- Who may touch data.notification_kinds, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select from data.notification_kinds where kind = 'missed'$$, '1 rows', ''),
  ('contact', $$select from data.notification_kinds where kind = 'missed'$$, '1 rows', ''),
  ('former', $$select from data.notification_kinds where kind = 'missed'$$, '1 rows', ''),
  ('stranger', $$select from data.notification_kinds where kind = 'missed'$$, '1 rows', ''),
  ('nobody', $$select from data.notification_kinds where kind = 'missed'$$, '1 rows', ''),
  ('worker', $$select from data.notification_kinds where kind = 'missed'$$, '1 rows', ''),
  ('visitor', $$select from data.notification_kinds$$, 'refused', ''),
  ('staff', $$select from data.notification_kinds$$, 'refused', ''),
  ('billing', $$select from data.notification_kinds$$, 'refused', ''),
  ('server', $$select from data.notification_kinds$$, 'refused', ''),
  ('owner', $$insert into data.notification_kinds values ('x', 'low', 1, 'x')$$, 'refused', ''),
  ('contact', $$insert into data.notification_kinds values ('x', 'low', 1, 'x')$$, 'refused', ''),
  ('former', $$insert into data.notification_kinds values ('x', 'low', 1, 'x')$$, 'refused', ''),
  ('stranger', $$insert into data.notification_kinds values ('x', 'low', 1, 'x')$$, 'refused', ''),
  ('nobody', $$insert into data.notification_kinds values ('x', 'low', 1, 'x')$$, 'refused', ''),
  ('worker', $$insert into data.notification_kinds values ('x', 'low', 1, 'x')$$, 'refused', ''),
  ('owner', $$update data.notification_kinds set priority = 'low'$$, 'refused', ''),
  ('contact', $$update data.notification_kinds set priority = 'low'$$, 'refused', ''),
  ('former', $$update data.notification_kinds set priority = 'low'$$, 'refused', ''),
  ('stranger', $$update data.notification_kinds set priority = 'low'$$, 'refused', ''),
  ('nobody', $$update data.notification_kinds set priority = 'low'$$, 'refused', ''),
  ('worker', $$update data.notification_kinds set priority = 'low'$$, 'refused', ''),
  ('owner', $$delete from data.notification_kinds$$, 'refused', ''),
  ('contact', $$delete from data.notification_kinds$$, 'refused', ''),
  ('former', $$delete from data.notification_kinds$$, 'refused', ''),
  ('stranger', $$delete from data.notification_kinds$$, 'refused', ''),
  ('nobody', $$delete from data.notification_kinds$$, 'refused', ''),
  ('worker', $$delete from data.notification_kinds$$, 'refused', '')
) as t (voice, statement, expected, because);

select * from tap.finish();
