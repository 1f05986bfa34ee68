create or replace function jobs.send_reminders() returns jsonb
language plpgsql volatile security invoker set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  at timestamptz := rules.clock();
  due uuid[] := array(
    select o.id from data.obligations o
     where o.remind_at <= at and not jobs.is_set_aside('send_reminders', o.id)
     order by o.remind_at limit jobs.batch_size('send_reminders') for update skip locked);
begin
  return jobs.work_off('send_reminders', 'remind', due, at)
    || jsonb_build_object('seconds_to_next', jobs.seconds_to_reminder(at));
end;
$$;
comment on function jobs.send_reminders() is 'R4.1 reminds the Members whose time is near. Reports seconds_to_next.';
grant execute on function jobs.send_reminders() to pruuf_worker;

create or replace function jobs.remind(ids uuid[], at timestamptz) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  -- After an outage the newest of those that are due is enough.
  with newest as (
    select o.*, (case when at >= o.due_at + (o.alert_at - o.due_at) / 2 and 'half_grace' = any (s.reminders) and o.alert_at > o.due_at then 'half_grace'
                      when at >= o.due_at and 'at_time' = any (s.reminders) then 'at_time' else 'before' end) as phase,
           (select r.remind_at from rules.reminder_after(s, o.due_at, o.alert_at, at) r) as next_remind_at, rules.slot_shape(o) as due
      from data.obligations o join data.schedules s on s.id = o.schedule_id
     where o.id = any (ids) and o.remind_at <= at),
  moved as (
    update data.obligations o set remind_at = n.next_remind_at from newest n where o.id = n.id)
  insert into data.notifications (user_id, kind, has_call, cause, facts, created_at, expires_at)
    -- R4.8 at the time whoever has no smartphone is called.
    select n.member_id, 'reminder', n.phase = 'at_time' and not exists (select from data.devices v where v.user_id = n.member_id and v.off_at is null),
           n.id || ':' || n.phase || case when n.postponed_minutes is not null then ':postponed' else '' end,
           jsonb_build_object('phase', n.phase, 'due', n.due,
             'alert_local_time', rules.iso_local(n.alert_at, n.time_zone)),
           at, n.alert_at
      from newest n where n.alert_at > at
    on conflict on constraint one_notification_per_user_and_cause do nothing;
  return jsonb_build_object();
end;
$$;
comment on function jobs.remind(uuid[], timestamptz) is 'R4.1 the reminders of these obligations.';
grant execute on function jobs.remind(uuid[], timestamptz) to pruuf_worker;
