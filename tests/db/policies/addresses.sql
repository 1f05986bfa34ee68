-- Who may touch data.addresses, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select from data.addresses$$, '2 rows', ''),
  ('contact', $$select from data.addresses$$, '1 rows', ''),
  ('former', $$select from data.addresses$$, '1 rows', ''),
  ('stranger', $$select from data.addresses$$, '0 rows', ''),
  ('nobody', $$select from data.addresses$$, '0 rows', ''),
  ('owner', $$insert into data.addresses (user_id, kind, lookup, sealed, verified_at, created_at) values (:stranger, 'email', 'x', 'x', now(), now())$$, 'refused', 'R7.6 only by a code; the last one stays'),
  ('contact', $$insert into data.addresses (user_id, kind, lookup, sealed, verified_at, created_at) values (:stranger, 'email', 'x', 'x', now(), now())$$, 'refused', 'R7.6 only by a code; the last one stays'),
  ('former', $$insert into data.addresses (user_id, kind, lookup, sealed, verified_at, created_at) values (:stranger, 'email', 'x', 'x', now(), now())$$, 'refused', 'R7.6 only by a code; the last one stays'),
  ('stranger', $$insert into data.addresses (user_id, kind, lookup, sealed, verified_at, created_at) values (:stranger, 'email', 'x', 'x', now(), now())$$, 'refused', 'R7.6 only by a code; the last one stays'),
  ('nobody', $$insert into data.addresses (user_id, kind, lookup, sealed, verified_at, created_at) values (:stranger, 'email', 'x', 'x', now(), now())$$, 'refused', 'R7.6 only by a code; the last one stays'),
  ('owner', $$update data.addresses set verified_at = now()$$, 'refused', 'R7.6 only by a code; the last one stays'),
  ('contact', $$update data.addresses set verified_at = now()$$, 'refused', 'R7.6 only by a code; the last one stays'),
  ('former', $$update data.addresses set verified_at = now()$$, 'refused', 'R7.6 only by a code; the last one stays'),
  ('stranger', $$update data.addresses set verified_at = now()$$, 'refused', 'R7.6 only by a code; the last one stays'),
  ('nobody', $$update data.addresses set verified_at = now()$$, 'refused', 'R7.6 only by a code; the last one stays'),
  ('owner', $$update data.addresses set user_id = :stranger$$, 'refused', 'R7.6 only by a code; the last one stays'),
  ('contact', $$update data.addresses set user_id = :stranger$$, 'refused', 'R7.6 only by a code; the last one stays'),
  ('former', $$update data.addresses set user_id = :stranger$$, 'refused', 'R7.6 only by a code; the last one stays'),
  ('stranger', $$update data.addresses set user_id = :stranger$$, 'refused', 'R7.6 only by a code; the last one stays'),
  ('nobody', $$update data.addresses set user_id = :stranger$$, 'refused', 'R7.6 only by a code; the last one stays'),
  ('owner', $$delete from data.addresses$$, 'refused', 'R7.6 only by a code; the last one stays'),
  ('contact', $$delete from data.addresses$$, 'refused', 'R7.6 only by a code; the last one stays'),
  ('former', $$delete from data.addresses$$, 'refused', 'R7.6 only by a code; the last one stays'),
  ('stranger', $$delete from data.addresses$$, 'refused', 'R7.6 only by a code; the last one stays'),
  ('nobody', $$delete from data.addresses$$, 'refused', 'R7.6 only by a code; the last one stays'),
  ('visitor', $$select from data.addresses$$, 'refused', ''),
  ('staff', $$select from data.addresses$$, 'refused', ''),
  ('billing', $$select from data.addresses$$, 'refused', ''),
  ('server', $$select from data.addresses$$, 'refused', ''),
  ('worker', $$select from data.addresses$$, '4 rows', ''),
  ('worker', $$update data.addresses set off_at = now(), off_reason = 'bounced'$$, '4 rows', ''),
  ('worker', $$update data.addresses set verified_at = now()$$, 'refused', ''),
  ('worker', $$update data.addresses set sealed = sealed$$, 'refused', ''),
  ('worker', $$delete from data.addresses$$, 'refused', ''),
  ('owner', $$select api.remove_address('00000000-0000-0000-0001-0000000000a2')$$, '1 rows', ''),
  ('contact', $$select api.remove_address('00000000-0000-0000-0001-00000000000b')$$, 'last-address', ''),
  ('contact', $$select api.remove_address('00000000-0000-0000-0001-0000000000a2')$$, 'not-found', 'not theirs'),
  ('stranger', $$select api.get_address('00000000-0000-0000-0001-0000000000a2')$$, 'not-found', ''),
  ('stranger', $$select api.verify_address('00000000-0000-0000-0001-0000000000a2', '\x01')$$, 'not-found', ''),
  ('nobody', $$select api.list_addresses()$$, 'not-signed-in', '')
) as t (voice, statement, expected, because);

select * from tap.finish();
