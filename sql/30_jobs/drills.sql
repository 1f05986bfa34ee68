create or replace function jobs.send_drill_reminders(most integer default 500) returns jsonb
language plpgsql volatile security invoker set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  due uuid[] := array(
    select r.user_id from data.drill_reminders r
     where r.remind_at <= rules.clock() and not jobs.is_set_aside('send_drill_reminders', r.user_id)
     order by r.remind_at limit least(jobs.batch_size('send_drill_reminders'), most) for update skip locked);
begin
  return jobs.work_off('send_drill_reminders', 'remind_of_drills', due, rules.clock());
end;
$$;
comment on function jobs.send_drill_reminders(integer) is 'R6.11 asks Members and Contacts to try whether alerts arrive.';
grant execute on function jobs.send_drill_reminders(integer) to pruuf_worker;

create or replace function jobs.remind_of_drills(ids uuid[], at timestamptz) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  with due as (
    select r.user_id, r.remind_at from data.drill_reminders r where r.user_id = any (ids) and r.remind_at <= at for update),
  moved as (
    update data.drill_reminders r set remind_at = at + make_interval(days => rules.policy('drill_reminder'))
      from due d where r.user_id = d.user_id),
  -- Whoever watches nobody of whom anything is expected, and of whom nothing is, needs none.
  concerned as (
    select d.user_id, d.remind_at, exists (
             select from data.connections c join data.schedules s on s.member_id = c.member_id and s.superseded_at is null where c.member_id = d.user_id and c.ended_at is null) as is_member,
           exists (
             select from data.connections c join data.schedules s on s.member_id = c.member_id and s.superseded_at is null where c.contact_id = d.user_id and c.ended_at is null) as is_contact
      from due d)
    insert into data.notifications (user_id, kind, cause, facts, created_at, expires_at)
    select c.user_id, 'drill_reminder', c.user_id || ' ' || c.remind_at, jsonb_build_object('is_member', c.is_member), at, at + interval '7 days'
      from concerned c where c.is_member or c.is_contact
    on conflict on constraint one_notification_per_user_and_cause do nothing;
  return jsonb_build_object();
end;
$$;
comment on function jobs.remind_of_drills(uuid[], timestamptz) is 'R6.11 the reminders of drills for these users.';
grant execute on function jobs.remind_of_drills(uuid[], timestamptz) to pruuf_worker;
