-- Who may touch data.schedules, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select from data.schedules$$, '1 rows', 'R3.4'),
  ('contact', $$select from data.schedules$$, '0 rows', 'R3.4'),
  ('former', $$select from data.schedules$$, '0 rows', 'R3.4'),
  ('stranger', $$select from data.schedules$$, '0 rows', 'R3.4'),
  ('nobody', $$select from data.schedules$$, '0 rows', 'R3.4'),
  ('owner', $$insert into data.schedules (member_id, local_times, time_zone, grace_minutes) values (:owner, '{10:00}', 'UTC', 10)$$, '1 rows', ''),
  ('owner', $$insert into data.schedules (member_id, local_times, time_zone, grace_minutes) values (:owner, '{10:00}', 'Mars/Base', 10)$$, 'time-zone-unknown', 'else nothing could follow the open obligation'),
  ('contact', $$insert into data.schedules (member_id, local_times, time_zone, grace_minutes) values (:owner, '{10:00}', 'UTC', 10)$$, 'refused', ''),
  ('former', $$insert into data.schedules (member_id, local_times, time_zone, grace_minutes) values (:owner, '{10:00}', 'UTC', 10)$$, 'refused', ''),
  ('stranger', $$insert into data.schedules (member_id, local_times, time_zone, grace_minutes) values (:owner, '{10:00}', 'UTC', 10)$$, 'refused', ''),
  ('nobody', $$insert into data.schedules (member_id, local_times, time_zone, grace_minutes) values (:owner, '{10:00}', 'UTC', 10)$$, 'refused', ''),
  ('owner', $$update data.schedules set grace_minutes = 240$$, 'refused', 'R4.7 a new version, never an edit'),
  ('contact', $$update data.schedules set grace_minutes = 240$$, 'refused', 'R4.7 a new version, never an edit'),
  ('former', $$update data.schedules set grace_minutes = 240$$, 'refused', 'R4.7 a new version, never an edit'),
  ('stranger', $$update data.schedules set grace_minutes = 240$$, 'refused', 'R4.7 a new version, never an edit'),
  ('nobody', $$update data.schedules set grace_minutes = 240$$, 'refused', 'R4.7 a new version, never an edit'),
  ('worker', $$update data.schedules set grace_minutes = 240$$, 'refused', 'R4.7 a new version, never an edit'),
  ('owner', $$update data.schedules set superseded_at = now()$$, 'refused', 'R4.7 a new version, never an edit'),
  ('contact', $$update data.schedules set superseded_at = now()$$, 'refused', 'R4.7 a new version, never an edit'),
  ('former', $$update data.schedules set superseded_at = now()$$, 'refused', 'R4.7 a new version, never an edit'),
  ('stranger', $$update data.schedules set superseded_at = now()$$, 'refused', 'R4.7 a new version, never an edit'),
  ('nobody', $$update data.schedules set superseded_at = now()$$, 'refused', 'R4.7 a new version, never an edit'),
  ('worker', $$update data.schedules set superseded_at = now()$$, 'refused', 'R4.7 a new version, never an edit'),
  ('owner', $$update data.schedules set member_id = :stranger$$, 'refused', 'R4.7 a new version, never an edit'),
  ('contact', $$update data.schedules set member_id = :stranger$$, 'refused', 'R4.7 a new version, never an edit'),
  ('former', $$update data.schedules set member_id = :stranger$$, 'refused', 'R4.7 a new version, never an edit'),
  ('stranger', $$update data.schedules set member_id = :stranger$$, 'refused', 'R4.7 a new version, never an edit'),
  ('nobody', $$update data.schedules set member_id = :stranger$$, 'refused', 'R4.7 a new version, never an edit'),
  ('worker', $$update data.schedules set member_id = :stranger$$, 'refused', 'R4.7 a new version, never an edit'),
  ('owner', $$delete from data.schedules$$, 'refused', 'R4.7 a new version, never an edit'),
  ('contact', $$delete from data.schedules$$, 'refused', 'R4.7 a new version, never an edit'),
  ('former', $$delete from data.schedules$$, 'refused', 'R4.7 a new version, never an edit'),
  ('stranger', $$delete from data.schedules$$, 'refused', 'R4.7 a new version, never an edit'),
  ('nobody', $$delete from data.schedules$$, 'refused', 'R4.7 a new version, never an edit'),
  ('worker', $$delete from data.schedules$$, 'refused', 'R4.7 a new version, never an edit'),
  ('owner', $$insert into data.schedules (member_id, local_times, time_zone, grace_minutes, created_at) values (:owner, '{10:00}', 'UTC', 10, now())$$, 'refused', ''),
  ('worker', $$select from data.schedules$$, '1 rows', ''),
  ('visitor', $$select from data.schedules$$, 'refused', ''),
  ('staff', $$select from data.schedules$$, 'refused', ''),
  ('billing', $$select from data.schedules$$, 'refused', ''),
  ('server', $$select from data.schedules$$, 'refused', '')
) as t (voice, statement, expected, because);

select * from tap.finish();
