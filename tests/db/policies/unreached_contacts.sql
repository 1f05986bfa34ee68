-- Who may touch data.unreached_contacts, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select from data.unreached_contacts$$, 'refused', ''),
  ('contact', $$select from data.unreached_contacts$$, 'refused', ''),
  ('former', $$select from data.unreached_contacts$$, 'refused', ''),
  ('stranger', $$select from data.unreached_contacts$$, 'refused', ''),
  ('nobody', $$select from data.unreached_contacts$$, 'refused', ''),
  ('visitor', $$select from data.unreached_contacts$$, 'refused', ''),
  ('staff', $$select from data.unreached_contacts$$, 'refused', ''),
  ('billing', $$select from data.unreached_contacts$$, 'refused', ''),
  ('server', $$select from data.unreached_contacts$$, 'refused', ''),
  ('worker', $$select from data.unreached_contacts$$, 'refused', ''),
  ('owner', $$insert into data.unreached_contacts (alert_id, contact_id, found_at) select a.id, :stranger, now() from data.alerts a limit 1$$, 'refused', 'R7.3 found by a job'),
  ('owner', $$update data.unreached_contacts set found_at = now()$$, 'refused', 'R7.3 found by a job'),
  ('owner', $$delete from data.unreached_contacts$$, 'refused', 'R7.3 found by a job'),
  ('contact', $$insert into data.unreached_contacts (alert_id, contact_id, found_at) select a.id, :stranger, now() from data.alerts a limit 1$$, 'refused', 'R7.3 found by a job'),
  ('contact', $$update data.unreached_contacts set found_at = now()$$, 'refused', 'R7.3 found by a job'),
  ('contact', $$delete from data.unreached_contacts$$, 'refused', 'R7.3 found by a job'),
  ('former', $$insert into data.unreached_contacts (alert_id, contact_id, found_at) select a.id, :stranger, now() from data.alerts a limit 1$$, 'refused', 'R7.3 found by a job'),
  ('former', $$update data.unreached_contacts set found_at = now()$$, 'refused', 'R7.3 found by a job'),
  ('former', $$delete from data.unreached_contacts$$, 'refused', 'R7.3 found by a job'),
  ('stranger', $$insert into data.unreached_contacts (alert_id, contact_id, found_at) select a.id, :stranger, now() from data.alerts a limit 1$$, 'refused', 'R7.3 found by a job'),
  ('stranger', $$update data.unreached_contacts set found_at = now()$$, 'refused', 'R7.3 found by a job'),
  ('stranger', $$delete from data.unreached_contacts$$, 'refused', 'R7.3 found by a job'),
  ('nobody', $$insert into data.unreached_contacts (alert_id, contact_id, found_at) select a.id, :stranger, now() from data.alerts a limit 1$$, 'refused', 'R7.3 found by a job'),
  ('nobody', $$update data.unreached_contacts set found_at = now()$$, 'refused', 'R7.3 found by a job'),
  ('nobody', $$delete from data.unreached_contacts$$, 'refused', 'R7.3 found by a job'),
  ('visitor', $$insert into data.unreached_contacts (alert_id, contact_id, found_at) select a.id, :stranger, now() from data.alerts a limit 1$$, 'refused', 'R7.3 found by a job'),
  ('visitor', $$update data.unreached_contacts set found_at = now()$$, 'refused', 'R7.3 found by a job'),
  ('visitor', $$delete from data.unreached_contacts$$, 'refused', 'R7.3 found by a job'),
  ('staff', $$insert into data.unreached_contacts (alert_id, contact_id, found_at) select a.id, :stranger, now() from data.alerts a limit 1$$, 'refused', 'R7.3 found by a job'),
  ('staff', $$update data.unreached_contacts set found_at = now()$$, 'refused', 'R7.3 found by a job'),
  ('staff', $$delete from data.unreached_contacts$$, 'refused', 'R7.3 found by a job'),
  ('billing', $$insert into data.unreached_contacts (alert_id, contact_id, found_at) select a.id, :stranger, now() from data.alerts a limit 1$$, 'refused', 'R7.3 found by a job'),
  ('billing', $$update data.unreached_contacts set found_at = now()$$, 'refused', 'R7.3 found by a job'),
  ('billing', $$delete from data.unreached_contacts$$, 'refused', 'R7.3 found by a job'),
  ('server', $$insert into data.unreached_contacts (alert_id, contact_id, found_at) select a.id, :stranger, now() from data.alerts a limit 1$$, 'refused', 'R7.3 found by a job'),
  ('server', $$update data.unreached_contacts set found_at = now()$$, 'refused', 'R7.3 found by a job'),
  ('server', $$delete from data.unreached_contacts$$, 'refused', 'R7.3 found by a job'),
  ('worker', $$insert into data.unreached_contacts (alert_id, contact_id, found_at) select a.id, :stranger, now() from data.alerts a limit 1$$, 'refused', 'R7.3 found by a job'),
  ('worker', $$update data.unreached_contacts set found_at = now()$$, 'refused', 'R7.3 found by a job'),
  ('worker', $$delete from data.unreached_contacts$$, 'refused', 'R7.3 found by a job')
) as t (voice, statement, expected, because);

select * from tap.finish();
