-- Who may touch data.devices, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select id, platform from data.devices$$, '1 rows', ''),
  ('contact', $$select id, platform from data.devices$$, '1 rows', ''),
  ('former', $$select id, platform from data.devices$$, '0 rows', ''),
  ('stranger', $$select id, platform from data.devices$$, '0 rows', ''),
  ('nobody', $$select id, platform from data.devices$$, '0 rows', ''),
  ('owner', $$select push_token from data.devices$$, 'refused', ''),
  ('contact', $$select push_token from data.devices$$, 'refused', ''),
  ('former', $$select push_token from data.devices$$, 'refused', ''),
  ('stranger', $$select push_token from data.devices$$, 'refused', ''),
  ('nobody', $$select push_token from data.devices$$, 'refused', ''),
  ('owner', $$insert into data.devices (id, user_id, platform, push_token, registered_at) values (:stranger, :stranger, 'ios', 'x', now())$$, 'refused', ''),
  ('contact', $$insert into data.devices (id, user_id, platform, push_token, registered_at) values (:stranger, :stranger, 'ios', 'x', now())$$, 'refused', ''),
  ('former', $$insert into data.devices (id, user_id, platform, push_token, registered_at) values (:stranger, :stranger, 'ios', 'x', now())$$, 'refused', ''),
  ('stranger', $$insert into data.devices (id, user_id, platform, push_token, registered_at) values (:stranger, :stranger, 'ios', 'x', now())$$, 'refused', ''),
  ('nobody', $$insert into data.devices (id, user_id, platform, push_token, registered_at) values (:stranger, :stranger, 'ios', 'x', now())$$, 'refused', ''),
  ('owner', $$update data.devices set user_id = user_id$$, 'refused', ''),
  ('contact', $$update data.devices set user_id = user_id$$, 'refused', ''),
  ('former', $$update data.devices set user_id = user_id$$, 'refused', ''),
  ('stranger', $$update data.devices set user_id = user_id$$, 'refused', ''),
  ('nobody', $$update data.devices set user_id = user_id$$, 'refused', ''),
  ('owner', $$delete from data.devices$$, 'refused', ''),
  ('contact', $$delete from data.devices$$, 'refused', ''),
  ('former', $$delete from data.devices$$, 'refused', ''),
  ('stranger', $$delete from data.devices$$, 'refused', ''),
  ('nobody', $$delete from data.devices$$, 'refused', ''),
  ('visitor', $$select id from data.devices$$, 'refused', ''),
  ('staff', $$select id from data.devices$$, 'refused', ''),
  ('billing', $$select id from data.devices$$, 'refused', ''),
  ('server', $$select id from data.devices$$, 'refused', ''),
  ('worker', $$select from data.devices$$, '2 rows', ''),
  ('worker', $$update data.devices set push_token = push_token$$, 'refused', ''),
  ('worker', $$update data.devices set user_id = user_id$$, 'refused', ''),
  ('worker', $$delete from data.devices$$, 'refused', ''),
  ('worker', $$update data.devices set off_at = now(), off_reason = 'unregistered'$$, '2 rows', ''),
  ('stranger', $$select api.remove_device('00000000-0000-0000-0002-00000000000a')$$, 'not-found', ''),
  ('stranger', $$select api.put_device('00000000-0000-0000-0002-00000000000a', 'ios', 'mine')$$, 'not-found', 'another users device is not taken over'),
  ('owner', $$select api.remove_device('00000000-0000-0000-0002-00000000000a')$$, '1 rows', '')
) as t (voice, statement, expected, because);

select * from tap.finish();
