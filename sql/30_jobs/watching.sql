create or replace function jobs.tell_check_ins() returns jsonb
language plpgsql volatile security invoker set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  due uuid[] := array(
    select n.check_in_id from data.untold_check_ins n
     where not jobs.is_set_aside('tell_check_ins', n.check_in_id)
     order by n.check_in_id limit jobs.batch_size('tell_check_ins') for update skip locked);
begin
  return jobs.work_off('tell_check_ins', 'tell_of_check_ins', due, rules.clock());
end;
$$;
comment on function jobs.tell_check_ins() is 'R3.4 tells the Contacts who hear of every check-in.';
grant execute on function jobs.tell_check_ins() to pruuf_worker;

create or replace function jobs.tell_of_check_ins(ids uuid[], at timestamptz) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  with taken as (
    delete from data.untold_check_ins u where u.check_in_id = any (ids)
    returning u.check_in_id),
  heard as (
    select c.id, c.member_id, c.received_at, c.device_time,
           (select o.id from data.obligations_met m join data.obligations o on o.id = m.obligation_id where m.check_in_id = c.id order by o.due_at desc limit 1) as met_id
      from taken t join data.check_ins c on c.id = t.check_in_id)
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
    on conflict on constraint one_notification_per_user_and_cause do nothing;
  return jsonb_build_object();
end;
$$;
comment on function jobs.tell_of_check_ins(uuid[], timestamptz) is 'R3.4 tells of these check-ins, each once.';
grant execute on function jobs.tell_of_check_ins(uuid[], timestamptz) to pruuf_worker;

create or replace function jobs.send_digests() returns jsonb
language plpgsql volatile security invoker set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  at timestamptz := rules.clock();
  due uuid[] := array(
    select distinct d.contact_id from (
      select w.contact_id from data.watch_settings w
       where w.digest_at <= at and not jobs.is_set_aside('send_digests', w.contact_id)
       order by w.digest_at limit jobs.batch_size('send_digests') for update skip locked) as d);
begin
  return jobs.work_off('send_digests', 'tell_digests', due, at);
end;
$$;
comment on function jobs.send_digests() is 'R3.4 sends the daily digests that are due.';
grant execute on function jobs.send_digests() to pruuf_worker;

create or replace function jobs.tell_digests(ids uuid[], at timestamptz) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  with due as (
    select w.contact_id, w.member_id, w.digest_at from data.watch_settings w
     where w.contact_id = any (ids) and w.digest_at <= at for update skip locked),
  moved as (
    update data.watch_settings w set digest_at = rules.next_digest_at(w.member_id, at)
      from due d where w.contact_id = d.contact_id and w.member_id = d.member_id)
    insert into data.notifications (user_id, kind, cause, member_id, facts, created_at, expires_at)
    select d.contact_id, 'daily_digest', d.member_id || ':' || day.local_on, d.member_id, rules.digest_facts(d.member_id, day.local_on, s.time_zone),
           at, d.digest_at + interval '1 day'
      from due d
      join data.connections k on k.member_id = d.member_id and k.contact_id = d.contact_id and k.ended_at is null and rules.is_entitled(d.contact_id)
      -- Nothing is to be said of a Member who has not chosen a time.
      join data.schedules s on s.member_id = d.member_id and s.superseded_at is null
      cross join lateral (select (d.digest_at at time zone s.time_zone)::date as local_on) as day
    on conflict on constraint one_notification_per_user_and_cause do nothing;
  return jsonb_build_object();
end;
$$;
comment on function jobs.tell_digests(uuid[], timestamptz) is 'R3.4 tells these Contacts how the day of their Members was, in the Member''s evening: one message for each Contact, Member and local day. After an outage the newest that is due is enough.';
grant execute on function jobs.tell_digests(uuid[], timestamptz) to pruuf_worker;
