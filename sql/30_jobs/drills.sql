create or replace function jobs.send_drill_reminders(most integer default 500) returns jsonb
language plpgsql volatile security invoker set search_path = '' set lock_timeout = '500ms'
as $$
declare
  at timestamptz := rules.clock();
  sent integer;
begin
  with due as (
    select r.user_id, r.remind_at from data.drill_reminders r where r.remind_at <= at order by r.remind_at limit most for update skip locked),
  moved as (
    update data.drill_reminders r set remind_at = at + make_interval(days => rules.policy('drill_reminder'))
      from due d where r.user_id = d.user_id returning 1),
  -- Whoever watches nobody of whom anything is expected, and of whom nothing is, needs none.
  concerned as (
    select d.user_id, d.remind_at, exists (
             select from data.connections c join data.schedules s on s.member_id = c.member_id and s.superseded_at is null where c.member_id = d.user_id and c.ended_at is null) as is_member,
           exists (
             select from data.connections c join data.schedules s on s.member_id = c.member_id and s.superseded_at is null where c.contact_id = d.user_id and c.ended_at is null) as is_contact
      from due d),
  told as (
    insert into data.notifications (user_id, kind, cause, facts, created_at, expires_at)
    select c.user_id, 'drill_reminder', c.user_id || ' ' || c.remind_at, jsonb_build_object('is_member', c.is_member), at, at + interval '7 days'
      from concerned c where c.is_member or c.is_contact
    on conflict on constraint one_notification_per_user_and_cause do nothing)
  select count(*) into sent from moved;
  return jsonb_build_object('more', sent = most);
end;
$$;
comment on function jobs.send_drill_reminders(integer) is 'R6.11 asks Members and Contacts to try whether alerts arrive. A call of its own: no deadline waits for it (R9.5).';
grant execute on function jobs.send_drill_reminders(integer) to pruuf_worker;
