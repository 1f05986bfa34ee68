-- Who may touch data.preferences, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(v.voice, s.statement, 'refused', '')
  from unnest('{visitor,staff,billing,server}'::text[]) as v (voice),
       unnest(array['select from data.preferences', 'insert into data.preferences (user_id) values (:stranger)', 'update data.preferences set has_weekly_summary = false',
                    'delete from data.preferences', 'truncate data.preferences', 'select api.get_preferences()']) as s (statement);
select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select from data.preferences$$, '1 rows', ''),
  ('contact', $$select from data.preferences$$, '0 rows', 'what somebody chose is theirs'),
  ('former', $$select from data.preferences$$, '0 rows', ''),
  ('stranger', $$select from data.preferences$$, '0 rows', ''),
  ('nobody', $$select from data.preferences$$, '0 rows', ''),
  ('worker', $$select from data.preferences$$, '1 rows', ''),
  ('owner', $$update data.preferences set has_weekly_summary = false$$, '1 rows', ''),
  ('contact', $$update data.preferences set has_weekly_summary = false$$, '0 rows', ''),
  ('former', $$update data.preferences set has_weekly_summary = false$$, '0 rows', ''),
  ('stranger', $$update data.preferences set has_weekly_summary = false$$, '0 rows', ''),
  ('nobody', $$update data.preferences set has_weekly_summary = false$$, '0 rows', ''),
  ('worker', $$update data.preferences set has_weekly_summary = false$$, 'refused', ''),
  ('owner', $$update data.preferences set user_id = :stranger$$, 'refused', 'a choice does not change hands'),
  ('owner', $$insert into data.preferences (user_id) values (:owner)$$, 'preferences_pkey', ''),
  ('owner', $$insert into data.preferences (user_id) values (:stranger)$$, 'refused', ''),
  ('contact', $$insert into data.preferences (user_id) values (:contact)$$, '1 rows', ''),
  ('stranger', $$insert into data.preferences (user_id) values (:contact)$$, 'refused', 'nobody chooses for another'),
  ('nobody', $$insert into data.preferences (user_id) values (:contact)$$, 'refused', ''),
  ('worker', $$insert into data.preferences (user_id) values (:contact)$$, 'refused', ''),
  ('owner', $$delete from data.preferences$$, 'refused', ''),
  ('contact', $$delete from data.preferences$$, 'refused', ''),
  ('former', $$delete from data.preferences$$, 'refused', ''),
  ('stranger', $$delete from data.preferences$$, 'refused', ''),
  ('nobody', $$delete from data.preferences$$, 'refused', ''),
  ('worker', $$delete from data.preferences$$, 'refused', ''),
  ('owner', $$truncate data.preferences$$, 'refused', ''),
  ('contact', $$truncate data.preferences$$, 'refused', ''),
  ('former', $$truncate data.preferences$$, 'refused', ''),
  ('stranger', $$truncate data.preferences$$, 'refused', ''),
  ('nobody', $$truncate data.preferences$$, 'refused', ''),
  ('worker', $$truncate data.preferences$$, 'refused', ''),
  ('owner', $$update data.preferences set normal_channels = '{}'$$, 'normal_messages_have_a_channel', 'a reminder must have a way'),
  ('owner', $$update data.preferences set high_channels = '{push,null}'$$, 'high_messages_have_a_channel', ''),
  ('owner', $$update data.preferences set quiet_from = '22:00'$$, 'quiet_hours_begin_and_end', ''),
  ('owner', $$update data.preferences set quiet_from = '22:00', quiet_until = '22:00'$$, 'quiet_hours_have_a_length', ''),
  ('owner', $$update data.preferences set quiet_from = '22:00', quiet_until = '24:00'$$, 'quiet_hours_are_times_of_day', ''),
  ('owner', $$update data.preferences set quiet_from = '22:00', quiet_until = '07:00'$$, '1 rows', 'read where the schedule is'),
  ('owner', $$update data.preferences set time_zone = 'Nowhere'$$, 'time-zone-unknown', ''),
  ('contact', $$insert into data.preferences (user_id, quiet_from, quiet_until) values (:contact, '22:00', '07:00')$$, 'time-zone-unknown', 'no schedule says where'),
  ('stranger', $$select api.get_preferences()$$, '1 rows', 'the defaults'),
  ('nobody', $$select api.get_preferences()$$, 'not-signed-in', ''),
  ('worker', $$select api.get_preferences()$$, 'refused', '')
) as t (voice, statement, expected, because);

select * from tap.finish();
