create or replace function rules.tg_check_ins__stamp() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  -- Before the row refers to an obligation: docs/architecture.md has the order of locks.
  perform rules.lock_member(new.member_id);
  new.received_at := rules.clock();
  return new;
end;
$$;
alter function rules.tg_check_ins__stamp() owner to pruuf_engine;
comment on function rules.tg_check_ins__stamp() is 'R4.5 the server''s clock alone decides; R4.6 the taps of one Member come one after the other.';

create or replace function rules.tg_check_ins__count() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
declare
  expected data.obligations;
begin
  perform rules.follow_time_zone(new.member_id, new.time_zone);
  expected := rules.overtake_misses(new.member_id, new.received_at);
  perform rules.make_up_for_misses(new);
  if expected.opens_at <= new.received_at and (new.obligation_id is null or new.obligation_id = expected.id) and not rules.is_double_tap(new) then
    perform rules.meet(expected, new);
  end if;
  perform rules.resolve_alert(a.id, 'checked_in', new.member_id, new.received_at, null, new.note)
     from data.alerts a where a.member_id = new.member_id and a.kind = 'missed' and a.state <> 'resolved'
      and (new.obligation_id is null or rules.is_not_after(a.obligation_id, new.obligation_id));
  -- For a job to tell: nobody is told on this path.
  insert into data.untold_check_ins (check_in_id)
  select new.id
   where exists (select from data.watch_settings w where w.member_id = new.member_id and w.hears_of = 'every_check_in')
     and exists (select from data.obligations_met m where m.check_in_id = new.id);
  perform audit.append('check_in.recorded', new.member_id, new.id);
  return null;
end;
$$;
alter function rules.tg_check_ins__count() owner to pruuf_engine;
comment on function rules.tg_check_ins__count() is 'R4.4 what a check-in does: it makes up for today''s misses, meets the open obligation, resolves alerts. R4.8 one that answers a message does none of that to what came after the message.';

create or replace function rules.follow_time_zone(member uuid, new_zone text) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  schedule data.schedules;
begin
  select * into schedule from data.schedules s where s.member_id = member and s.superseded_at is null and s.time_zone <> rules.zone_name(new_zone);
  -- An unknown zone moves nothing and refuses nothing: the tap counts all the same. Asked by itself: as a condition of the
  -- query it would be a constant, which the planner asks first, and it takes as long as twenty check-ins.
  if found and rules.is_time_zone(new_zone) then
    insert into data.schedules (member_id, local_times, time_zone, weekdays, grace_minutes, reminders)
    values (member, schedule.local_times, new_zone, schedule.weekdays, schedule.grace_minutes, schedule.reminders);
  end if;
end;
$$;
comment on function rules.follow_time_zone(uuid, text) is 'R4.7 a zone sent with a check-in moves the schedule: nine in the morning is where the Member is.';
grant execute on function rules.follow_time_zone(uuid, text) to pruuf_engine;

create or replace function rules.overtake_misses(member uuid, at timestamptz) returns data.obligations
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  expected data.obligations;
begin
  loop
    select * into expected from data.obligations o where o.member_id = member and o.state = 'open' for update;
    if expected.id is null then
      -- The job has closed it while this waited, and the next one is new; or a pause or a fault left none, and here it comes:
      -- whoever was away is expected from now on.
      continue when exists (select from data.obligations o where o.member_id = member and o.state = 'open');
      expected := rules.open_from(member, at, at);
    end if;
    exit when expected.id is null or expected.alert_at > at;
    perform rules.raise_missed(array[expected.id], at);
    perform rules.open_next(member, at);
  end loop;
  return expected;
end;
$$;
comment on function rules.overtake_misses(uuid, timestamptz) is 'R6.1 a deadline that passed while no job ran is a miss all the same, before a check-in is looked at. Gives the open obligation, locked.';
grant execute on function rules.overtake_misses(uuid, timestamptz) to pruuf_engine;

create or replace function rules.make_up_for_misses(tap data.check_ins) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  with made_up as (
    update data.obligations o set state = case when tap.received_at > o.due_at then 'met_late' else 'met' end
     where o.member_id = tap.member_id
       and (o.state = 'missed' or o.state = 'excused' and exists (select from data.attestations t where t.obligation_id = o.id))
       and o.due_at > tap.received_at - interval '2 days'
       and o.local_on = (tap.received_at at time zone o.time_zone)::date
       and (tap.obligation_id is null or rules.is_not_after(o.id, tap.obligation_id))
    returning o.id)
  insert into data.obligations_met (obligation_id, check_in_id) select m.id, tap.id from made_up m;
  perform rules.tell_late_check_in(m.obligation_id, tap) from data.obligations_met m where m.check_in_id = tap.id;
end;
$$;
comment on function rules.make_up_for_misses(data.check_ins) is 'R4.4 a check-in after a miss on the same local day turns it into met_late; its alert stays on record. R4.9 what was excused on a Contact''s word is the Member''s own now.';
grant execute on function rules.make_up_for_misses(data.check_ins) to pruuf_engine;

create or replace function rules.is_double_tap(tap data.check_ins) returns boolean
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return exists (
    select from data.check_ins c join data.obligations_met m on m.check_in_id = c.id
     where c.member_id = tap.member_id and c.id <> tap.id
       and c.received_at > tap.received_at - make_interval(secs => rules.policy('double_tap')));
end;
$$;
comment on function rules.is_double_tap(data.check_ins) is 'R4.6 whether a tap is the same as one that has just met something: it must not meet the next obligation too.';
grant execute on function rules.is_double_tap(data.check_ins) to pruuf_engine;

create or replace function rules.meet(expected data.obligations, tap data.check_ins) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  update data.obligations o
     set state = case when tap.received_at > o.due_at then 'met_late' else 'met' end, closed_at = tap.received_at, remind_at = null
   where o.id = expected.id;
  insert into data.obligations_met (obligation_id, check_in_id) values (expected.id, tap.id);
  perform rules.open_next(tap.member_id, tap.received_at);
  if tap.received_at >= expected.due_at - make_interval(mins => rules.policy('reminder_lead')) then
    perform rules.withdraw_reminders(expected, tap.received_at);
  end if;
end;
$$;
comment on function rules.meet(data.obligations, data.check_ins) is 'R4.4 closes an obligation by a check-in, opens the next, and takes back reminders that have not gone out. After due_at it is late (R4.5).';
grant execute on function rules.meet(data.obligations, data.check_ins) to pruuf_engine;

create or replace function rules.withdraw_reminders(expected data.obligations, at timestamptz) returns void
language sql volatile security invoker set search_path = ''
as $$
  select rules.withdraw(array(
    select d.id from data.notifications n join data.deliveries d on d.notification_id = n.id and rules.is_pending(d.state)
     where n.user_id = expected.member_id and n.kind = 'reminder'
       and n.cause in (expected.id || ':before', expected.id || ':at_time', expected.id || ':half_grace',
                       expected.id || ':before:postponed', expected.id || ':at_time:postponed', expected.id || ':half_grace:postponed')), at)
$$;
comment on function rules.withdraw_reminders(data.obligations, timestamptz) is 'R4.1 reminders of a check-in that is not awaited any more, and that have not gone out, are taken back.';
grant execute on function rules.withdraw_reminders(data.obligations, timestamptz) to pruuf_engine;
