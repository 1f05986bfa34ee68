-- Who may touch data.linked_devices, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select from data.linked_devices$$, '1 rows', ''),
  ('contact', $$select from data.linked_devices$$, '0 rows', ''),
  ('former', $$select from data.linked_devices$$, '0 rows', ''),
  ('stranger', $$select from data.linked_devices$$, '0 rows', ''),
  ('nobody', $$select from data.linked_devices$$, '0 rows', ''),
  ('owner', $$insert into data.linked_devices (user_id, name, token_hash, linked_at) values (:owner, 'x', '\x0b', now())$$, 'refused', 'only by api.link_device'),
  ('owner', $$update data.linked_devices set user_id = user_id$$, 'refused', ''),
  ('owner', $$delete from data.linked_devices$$, 'refused', ''),
  ('contact', $$insert into data.linked_devices (user_id, name, token_hash, linked_at) values (:owner, 'x', '\x0b', now())$$, 'refused', 'only by api.link_device'),
  ('contact', $$update data.linked_devices set user_id = user_id$$, 'refused', ''),
  ('contact', $$delete from data.linked_devices$$, 'refused', ''),
  ('stranger', $$insert into data.linked_devices (user_id, name, token_hash, linked_at) values (:owner, 'x', '\x0b', now())$$, 'refused', 'only by api.link_device'),
  ('stranger', $$update data.linked_devices set user_id = user_id$$, 'refused', ''),
  ('stranger', $$delete from data.linked_devices$$, 'refused', ''),
  ('nobody', $$insert into data.linked_devices (user_id, name, token_hash, linked_at) values (:owner, 'x', '\x0b', now())$$, 'refused', 'only by api.link_device'),
  ('nobody', $$update data.linked_devices set user_id = user_id$$, 'refused', ''),
  ('nobody', $$delete from data.linked_devices$$, 'refused', ''),
  ('worker', $$insert into data.linked_devices (user_id, name, token_hash, linked_at) values (:owner, 'x', '\x0b', now())$$, 'refused', 'only by api.link_device'),
  ('worker', $$update data.linked_devices set user_id = user_id$$, 'refused', ''),
  ('worker', $$delete from data.linked_devices$$, 'refused', ''),
  ('visitor', $$select from data.linked_devices$$, 'refused', ''),
  ('staff', $$select from data.linked_devices$$, 'refused', ''),
  ('billing', $$select from data.linked_devices$$, 'refused', ''),
  ('server', $$select from data.linked_devices$$, 'refused', ''),
  ('worker', $$select from data.linked_devices$$, 'refused', ''),
  ('contact', $$select api.check_in_by_device('00000000-0000-0000-0008-00000000000a')$$, 'not-found', 'R4.8 it speaks for its owner alone'),
  ('stranger', $$select api.check_in_by_device('00000000-0000-0000-0008-00000000000a')$$, 'not-found', ''),
  ('visitor', $$select api.find_linked_device('\x0a')$$, '1 rows', 'whoever has the token'),
  ('visitor', $$select api.find_linked_device('\x0b')$$, 'not-found', ''),
  ('visitor', $$select api.check_in_by_device('00000000-0000-0000-0008-00000000000a')$$, 'refused', ''),
  ('stranger', $$select api.unlink_device('00000000-0000-0000-0008-00000000000a')$$, 'not-found', ''),
  ('contact', $$select api.unlink_device('00000000-0000-0000-0008-00000000000a')$$, 'not-found', ''),
  ('owner', $$select api.unlink_device('00000000-0000-0000-0008-00000000000a')$$, '1 rows', '')
) as t (voice, statement, expected, because);

select * from tap.finish();
