-- Who may touch data.obligations, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select from data.obligations$$, '3 rows', ''),
  ('contact', $$select from data.obligations$$, '3 rows', ''),
  ('former', $$select from data.obligations$$, '0 rows', ''),
  ('stranger', $$select from data.obligations$$, '0 rows', ''),
  ('nobody', $$select from data.obligations$$, '0 rows', ''),
  ('owner', $$insert into data.obligations (member_id, schedule_id, local_on, local_time, time_zone, opens_at, due_at, alert_at) values (:owner, :schedule, '2030-01-01', '9:00', 'UTC', now(), now(), now())$$, 'refused', 'R4.7 nobody moves a deadline'),
  ('contact', $$insert into data.obligations (member_id, schedule_id, local_on, local_time, time_zone, opens_at, due_at, alert_at) values (:owner, :schedule, '2030-01-01', '9:00', 'UTC', now(), now(), now())$$, 'refused', 'R4.7 nobody moves a deadline'),
  ('former', $$insert into data.obligations (member_id, schedule_id, local_on, local_time, time_zone, opens_at, due_at, alert_at) values (:owner, :schedule, '2030-01-01', '9:00', 'UTC', now(), now(), now())$$, 'refused', 'R4.7 nobody moves a deadline'),
  ('stranger', $$insert into data.obligations (member_id, schedule_id, local_on, local_time, time_zone, opens_at, due_at, alert_at) values (:owner, :schedule, '2030-01-01', '9:00', 'UTC', now(), now(), now())$$, 'refused', 'R4.7 nobody moves a deadline'),
  ('nobody', $$insert into data.obligations (member_id, schedule_id, local_on, local_time, time_zone, opens_at, due_at, alert_at) values (:owner, :schedule, '2030-01-01', '9:00', 'UTC', now(), now(), now())$$, 'refused', 'R4.7 nobody moves a deadline'),
  ('owner', $$update data.obligations set state = 'excused', closed_at = now()$$, 'refused', 'R4.7 nobody moves a deadline'),
  ('contact', $$update data.obligations set state = 'excused', closed_at = now()$$, 'refused', 'R4.7 nobody moves a deadline'),
  ('former', $$update data.obligations set state = 'excused', closed_at = now()$$, 'refused', 'R4.7 nobody moves a deadline'),
  ('stranger', $$update data.obligations set state = 'excused', closed_at = now()$$, 'refused', 'R4.7 nobody moves a deadline'),
  ('nobody', $$update data.obligations set state = 'excused', closed_at = now()$$, 'refused', 'R4.7 nobody moves a deadline'),
  ('owner', $$update data.obligations set alert_at = 'infinity'$$, 'refused', 'R4.7 nobody moves a deadline'),
  ('contact', $$update data.obligations set alert_at = 'infinity'$$, 'refused', 'R4.7 nobody moves a deadline'),
  ('former', $$update data.obligations set alert_at = 'infinity'$$, 'refused', 'R4.7 nobody moves a deadline'),
  ('stranger', $$update data.obligations set alert_at = 'infinity'$$, 'refused', 'R4.7 nobody moves a deadline'),
  ('nobody', $$update data.obligations set alert_at = 'infinity'$$, 'refused', 'R4.7 nobody moves a deadline'),
  ('owner', $$update data.obligations set member_id = :stranger$$, 'refused', 'R4.7 nobody moves a deadline'),
  ('contact', $$update data.obligations set member_id = :stranger$$, 'refused', 'R4.7 nobody moves a deadline'),
  ('former', $$update data.obligations set member_id = :stranger$$, 'refused', 'R4.7 nobody moves a deadline'),
  ('stranger', $$update data.obligations set member_id = :stranger$$, 'refused', 'R4.7 nobody moves a deadline'),
  ('nobody', $$update data.obligations set member_id = :stranger$$, 'refused', 'R4.7 nobody moves a deadline'),
  ('owner', $$delete from data.obligations$$, 'refused', 'R4.7 nobody moves a deadline'),
  ('contact', $$delete from data.obligations$$, 'refused', 'R4.7 nobody moves a deadline'),
  ('former', $$delete from data.obligations$$, 'refused', 'R4.7 nobody moves a deadline'),
  ('stranger', $$delete from data.obligations$$, 'refused', 'R4.7 nobody moves a deadline'),
  ('nobody', $$delete from data.obligations$$, 'refused', 'R4.7 nobody moves a deadline'),
  ('worker', $$select from data.obligations$$, '3 rows', ''),
  ('worker', $$update data.obligations set state = 'missed', closed_at = now(), remind_at = null where id = :open_obligation$$, '1 rows', 'R6.1'),
  ('worker', $$update data.obligations set state = 'met', closed_at = now(), remind_at = null where id = :open_obligation$$, 'refused', 'the worker cannot say that all is well'),
  ('worker', $$update data.obligations set state = 'excused', closed_at = now(), remind_at = null where id = :open_obligation$$, 'refused', 'the worker cannot say that all is well'),
  ('worker', $$update data.obligations set alert_at = 'infinity'$$, 'refused', 'the worker cannot say that all is well'),
  ('worker', $$update data.obligations set due_at = now()$$, 'refused', 'the worker cannot say that all is well'),
  ('worker', $$delete from data.obligations$$, 'refused', 'the worker cannot say that all is well'),
  ('worker', $$update data.obligations set state = 'open', closed_at = null where id = :missed_obligation$$, '0 rows', 'a miss stays one'),
  ('worker', $$insert into data.obligations (member_id, schedule_id, local_on, local_time, time_zone, opens_at, due_at, alert_at, state, closed_at) values (:owner, :schedule, '2030-01-01', '9:00', 'UTC', now(), now(), now(), 'met', now())$$, 'refused', ''),
  ('visitor', $$select from data.obligations$$, 'refused', ''),
  ('staff', $$select from data.obligations$$, 'refused', ''),
  ('billing', $$select from data.obligations$$, 'refused', ''),
  ('server', $$select from data.obligations$$, 'refused', '')
) as t (voice, statement, expected, because);

-- R8.3: no live status.
update billing.accounts set entitlement = 'frozen' where user_id = '00000000-0000-0000-0000-00000000000b';
select tap.voice(t.voice, t.statement, t.expected, 'R8.3 the Contact is frozen') from (values
  ('contact', $$select from data.obligations$$, '0 rows'),
  ('owner', $$select from data.obligations$$, '3 rows')
) as t (voice, statement, expected);

select * from tap.finish();
