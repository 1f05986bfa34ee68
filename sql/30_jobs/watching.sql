create or replace function jobs.tell_check_ins(at timestamptz, most integer) returns integer
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  told integer;
begin
  with taken as (
    delete from data.untold_check_ins u where u.check_in_id in (select n.check_in_id from data.untold_check_ins n limit most for update skip locked)
    returning u.check_in_id),
  heard as (
    select c.id, c.member_id, c.received_at, c.device_time,
           (select o.id from data.obligations_met m join data.obligations o on o.id = m.obligation_id where m.check_in_id = c.id order by o.due_at desc limit 1) as met_id
      from taken t join data.check_ins c on c.id = t.check_in_id),
  made as (
    insert into data.notifications (user_id, kind, cause, member_id, facts, created_at, expires_at)
    select w.contact_id, case o.state when 'met_late' then 'checked_in_late' else 'checked_in' end, h.id::text, h.member_id,
           jsonb_build_object('member', rules.person_shape(h.member_id), 'due', rules.slot_shape(o), 'is_late', o.state = 'met_late',
                              'at_local', rules.iso_local(h.received_at, o.time_zone), 'tapped_local', rules.tapped_before(h.device_time, h.received_at, o.time_zone)),
           at, h.received_at + interval '1 day'
      from heard h
      join data.obligations o on o.id = h.met_id
      join data.watch_settings w on w.member_id = h.member_id and w.hears_of = 'every_check_in'
      join data.connections k on k.member_id = h.member_id and k.contact_id = w.contact_id and k.ended_at is null and k.connected_at <= h.received_at
       and rules.is_entitled(w.contact_id)
     -- Whoever got the all-clear of this check-in has heard of it.
     where not exists (select from data.notifications n join data.alerts a on a.id = n.alert_id
                        where n.user_id = w.contact_id and n.kind = 'all_clear' and a.member_id = h.member_id and n.created_at = h.received_at)
    on conflict on constraint one_notification_per_user_and_cause do nothing)
  select count(*) into told from taken;
  return told;
end;
$$;
comment on function jobs.tell_check_ins(timestamptz, integer) is 'R3.4 tells the Contacts who want to hear of every check-in: each once. Gives how many check-ins it has told of.';
grant execute on function jobs.tell_check_ins(timestamptz, integer) to pruuf_worker;

create or replace function jobs.send_due_digests(at timestamptz, most integer) returns integer
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  sent integer;
begin
  with due as (
    select w.contact_id, w.member_id, w.digest_at from data.watch_settings w where w.digest_at <= at order by w.digest_at limit most for update skip locked),
  moved as (
    update data.watch_settings w set digest_at = rules.next_digest_at(w.member_id, at)
      from due d where w.contact_id = d.contact_id and w.member_id = d.member_id returning 1),
  told as (
    insert into data.notifications (user_id, kind, cause, member_id, facts, created_at, expires_at)
    select d.contact_id, 'daily_digest', d.member_id || ':' || day.local_on, d.member_id, rules.digest_facts(d.member_id, day.local_on, s.time_zone),
           at, d.digest_at + interval '1 day'
      from due d
      join data.connections k on k.member_id = d.member_id and k.contact_id = d.contact_id and k.ended_at is null and rules.is_entitled(d.contact_id)
      -- Nothing is to be said of a Member who has not chosen a time.
      join data.schedules s on s.member_id = d.member_id and s.superseded_at is null
      cross join lateral (select (d.digest_at at time zone s.time_zone)::date as local_on) as day
    on conflict on constraint one_notification_per_user_and_cause do nothing)
  select count(*) into sent from moved;
  return sent;
end;
$$;
comment on function jobs.send_due_digests(timestamptz, integer) is 'R3.4 tells how a Member''s day was, in their evening: one for each Contact, Member and local day. After an outage the newest that is due is enough.';
grant execute on function jobs.send_due_digests(timestamptz, integer) to pruuf_worker;
