-- Who may touch data.check_ins, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select from data.check_ins$$, '1 rows', ''),
  ('contact', $$select from data.check_ins$$, '1 rows', ''),
  ('contact', $$select id, member_id, received_at, method, note, mood from data.check_ins$$, '1 rows', 'R3.4 what the history shows'),
  ('contact', $$select time_zone from data.check_ins$$, 'refused', 'R3.4 and nothing else'),
  ('contact', $$select time_zone from data.check_ins$$, 'refused', 'R3.4 and nothing else'),
  ('contact', $$select from rules.own_check_ins(null, 100)$$, '0 rows', 'R3.4 and nothing else'),
  ('owner', $$select device_time, time_zone from rules.own_check_ins(null, 100)$$, '1 rows', ''),
  ('former', $$select from data.check_ins$$, '0 rows', ''),
  ('stranger', $$select from data.check_ins$$, '0 rows', ''),
  ('nobody', $$select from data.check_ins$$, '0 rows', ''),
  ('owner', $$insert into data.check_ins (member_id, note) values (:owner, 'Fine')$$, '1 rows', ''),
  ('contact', $$insert into data.check_ins (member_id) values (:owner)$$, 'refused', 'nobody checks in for a Member'),
  ('former', $$insert into data.check_ins (member_id) values (:owner)$$, 'refused', 'nobody checks in for a Member'),
  ('stranger', $$insert into data.check_ins (member_id) values (:owner)$$, 'refused', 'nobody checks in for a Member'),
  ('nobody', $$insert into data.check_ins (member_id) values (:owner)$$, 'refused', 'nobody checks in for a Member'),
  ('owner', $$insert into data.check_ins (member_id, received_at) values (:owner, now())$$, 'refused', 'R4.5 the server says when, and how'),
  ('owner', $$insert into data.check_ins (member_id, method) values (:owner, 'app')$$, 'refused', 'R4.5 the server says when, and how'),
  ('owner', $$insert into data.check_ins (member_id, obligation_id) values (:owner, :open_obligation)$$, 'refused', 'nor what it answers'),
  ('owner', $$select obligation_id from data.check_ins$$, 'refused', ''),
  ('contact', $$select obligation_id from data.check_ins$$, 'refused', 'R3.4 and nothing else'),
  ('owner', $$update data.check_ins set received_at = now()$$, 'refused', ''),
  ('contact', $$update data.check_ins set received_at = now()$$, 'refused', ''),
  ('former', $$update data.check_ins set received_at = now()$$, 'refused', ''),
  ('stranger', $$update data.check_ins set received_at = now()$$, 'refused', ''),
  ('nobody', $$update data.check_ins set received_at = now()$$, 'refused', ''),
  ('worker', $$update data.check_ins set received_at = now()$$, 'refused', ''),
  ('owner', $$update data.check_ins set member_id = :stranger$$, 'refused', ''),
  ('contact', $$update data.check_ins set member_id = :stranger$$, 'refused', ''),
  ('former', $$update data.check_ins set member_id = :stranger$$, 'refused', ''),
  ('stranger', $$update data.check_ins set member_id = :stranger$$, 'refused', ''),
  ('nobody', $$update data.check_ins set member_id = :stranger$$, 'refused', ''),
  ('worker', $$update data.check_ins set member_id = :stranger$$, 'refused', ''),
  ('owner', $$delete from data.check_ins$$, 'refused', ''),
  ('contact', $$delete from data.check_ins$$, 'refused', ''),
  ('former', $$delete from data.check_ins$$, 'refused', ''),
  ('stranger', $$delete from data.check_ins$$, 'refused', ''),
  ('nobody', $$delete from data.check_ins$$, 'refused', ''),
  ('worker', $$delete from data.check_ins$$, 'refused', ''),
  ('worker', $$select id, member_id, received_at from data.check_ins$$, '1 rows', 'when last heard of'),
  ('worker', $$select note from data.check_ins$$, 'refused', ''),
  ('worker', $$insert into data.check_ins (member_id) values (:owner)$$, 'refused', ''),
  ('visitor', $$select from data.check_ins$$, 'refused', ''),
  ('staff', $$select from data.check_ins$$, 'refused', ''),
  ('billing', $$select from data.check_ins$$, 'refused', ''),
  ('server', $$select from data.check_ins$$, 'refused', '')
) as t (voice, statement, expected, because);

-- R8.3: no live status.
update billing.accounts set entitlement = 'frozen' where user_id = '00000000-0000-0000-0000-00000000000b';
select tap.voice(t.voice, t.statement, t.expected, 'R8.3 the Contact is frozen') from (values
  ('contact', $$select from data.check_ins$$, '0 rows'),
  ('owner', $$select from data.check_ins$$, '1 rows')
) as t (voice, statement, expected);

select * from tap.finish();
