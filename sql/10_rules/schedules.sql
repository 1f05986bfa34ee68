create or replace function rules.slot_after(
  schedule data.schedules, after timestamptz, not_before timestamptz,
  out local_on date, out local_time time, out due_at timestamptz)
language plpgsql stable security invoker set search_path = ''
as $$
declare
  first_on date := (after at time zone schedule.time_zone)::date;
  this_time time;
  instant timestamptz;
begin
  -- A week has a day that counts; the last date is for a slot of the first one that has passed.
  for day in -1 .. 8 loop
    continue when extract(isodow from first_on + day)::smallint <> all (schedule.weekdays);
    -- Yesterday's last minutes lie ahead only where the clocks have just jumped over midnight (Nuuk: 23:00 to 00:00).
    continue when day = -1 and rules.instant_of(first_on - interval '1 minute', schedule.time_zone) <= after;
    foreach this_time in array schedule.local_times loop
      instant := rules.instant_of(first_on + day + this_time, schedule.time_zone);
      -- Of two at one instant (a gap) the earlier local time on the earlier date.
      if instant > after and instant >= not_before
         and (due_at is null or instant < due_at or instant = due_at and local_on = first_on + day and this_time < local_time) then
        local_on := first_on + day;
        local_time := this_time;
        due_at := instant;
      end if;
    end loop;
    -- A slot that such a jump took into the next day may lie behind that day's own first.
    exit when local_on < first_on + day or local_on = (due_at at time zone schedule.time_zone)::date;
  end loop;
end;
$$;
comment on function rules.slot_after(data.schedules, timestamptz, timestamptz) is 'R4.2 the first slot of a schedule after an instant and not before another.';
grant execute on function rules.slot_after(data.schedules, timestamptz, timestamptz) to pruuf_user, pruuf_worker, pruuf_engine;

create or replace function rules.slot_after_obligation(
  schedule data.schedules, before data.obligations,
  out local_on date, out local_time time, out due_at timestamptz)
language plpgsql stable security invoker set search_path = ''
as $$
declare
  -- R4.10 of one that was put off, when it would have been due.
  slot_at timestamptz := before.due_at - make_interval(mins => coalesce(before.postponed_minutes, 0));
  stays_at timestamptz := slot_at;
begin
  select * into local_on, local_time, due_at from rules.slot_after(schedule, slot_at, '-infinity');
  if schedule.id = before.schedule_id then
    return;
  end if;
  -- The schedule has changed since: half a day between the two, or a time moved by minutes asks twice for one tap;
  -- but what both schedules expect within it is expected.
  loop
    select n.due_at into stays_at from data.schedules s cross join lateral rules.slot_after(s, stays_at, '-infinity') as n where s.id = before.schedule_id;
    exit when (stays_at < slot_at + interval '12 hours') is not true;
    select * into local_on, local_time, due_at from rules.slot_after(schedule, slot_at, stays_at);
    if due_at = stays_at then
      return;
    end if;
  end loop;
  select * into local_on, local_time, due_at from rules.slot_after(schedule, slot_at, slot_at + interval '12 hours');
  if due_at > slot_at + interval '36 hours' and not exists (
    select from generate_series(before.local_on + 1, local_on - 1, interval '1 day') as between_them
     where extract(isodow from between_them)::smallint <> all (schedule.weekdays)) then
    select s.local_on, s.local_time, s.due_at into local_on, local_time, due_at
      from rules.slot_after(schedule, slot_at, '-infinity') as s;
  end if;
end;
$$;
comment on function rules.slot_after_obligation(data.schedules, data.obligations) is 'R4.7 the slot that follows an obligation. Under a changed schedule it is the first within 12 hours that the old one expected too, else it lies 12 to 36 hours later, unless days off lie between.';
grant execute on function rules.slot_after_obligation(data.schedules, data.obligations) to pruuf_user, pruuf_worker, pruuf_engine;

create or replace function rules.reminder_after(schedule data.schedules, due_at timestamptz, alert_at timestamptz, after timestamptz,
  out phase text, out remind_at timestamptz)
language plpgsql stable security invoker set search_path = ''
as $$
begin
  select r.phase, r.remind_at into reminder_after.phase, reminder_after.remind_at
    from (values ('before', due_at - make_interval(mins => rules.policy('reminder_lead'))),
                 ('at_time', due_at),
                 ('half_grace', due_at + (alert_at - due_at) / 2)) as r (phase, remind_at)
   where r.phase = any (schedule.reminders) and r.remind_at > after and r.remind_at < alert_at
   order by r.remind_at limit 1;
end;
$$;
comment on function rules.reminder_after(data.schedules, timestamptz, timestamptz, timestamptz) is 'R4.1 which reminder of an obligation comes next, and when.';
grant execute on function rules.reminder_after(data.schedules, timestamptz, timestamptz, timestamptz) to pruuf_worker, pruuf_engine;

create or replace function rules.open_from(member uuid, at timestamptz, not_before timestamptz) returns data.obligations
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  schedule data.schedules;
  before data.obligations;
  slot record;
  made data.obligations;
  opens timestamptz;
begin
  select * into schedule from data.schedules s where s.member_id = member and s.superseded_at is null;
  if not found then
    return null;
  end if;
  select * into before from data.obligations o where o.member_id = member order by o.due_at desc limit 1;
  -- An excused time that has passed is not caught up on: whoever was away is expected from now on.
  if before.id is null or before.state = 'excused' and before.due_at <= at then
    select * into slot from rules.slot_after(schedule, at, '-infinity');
  else
    select * into slot from rules.slot_after_obligation(schedule, before);
    -- Never a time that has been put off past it.
    if slot.due_at <= before.due_at then
      select * into slot from rules.slot_after(schedule, before.due_at, '-infinity');
    end if;
    if slot.due_at < not_before then
      select * into slot from rules.slot_after(schedule, not_before, '-infinity');
    end if;
  end if;
  select * into slot from rules.slot_outside_breaks(schedule, slot.local_on, slot.local_time, slot.due_at);
  if slot.due_at is null then
    return null;
  end if;
  opens := greatest(before.due_at, least(rules.instant_of(slot.local_on::timestamp, schedule.time_zone), slot.due_at - interval '4 hours'));

  insert into data.obligations (member_id, schedule_id, local_on, local_time, time_zone, opens_at, due_at, alert_at, remind_at)
  select member, schedule.id, slot.local_on, slot.local_time, schedule.time_zone, opens, slot.due_at, a.alert_at,
         -- Never before it opens: whoever is reminded may check in.
         (select case when r.remind_at < opens then opens else r.remind_at end from rules.reminder_after(schedule, slot.due_at, a.alert_at, at) r)
    from (select slot.due_at + make_interval(mins => schedule.grace_minutes) as alert_at) as a
  returning * into made;

  if made.alert_at < at + interval '1 minute' or made.remind_at < at + interval '1 minute' then
    perform pg_notify('pruuf_work', '');
  end if;
  return made;
end;
$$;
comment on function rules.open_from(uuid, timestamptz, timestamptz) is 'R4.2, R5.1 makes the next obligation of a Member who has none open, outside of breaks and not before an instant; null without a schedule and where a break is open-ended. Wakes the timer only for one that is nearer than the next poll could be sure to see.';
grant execute on function rules.open_from(uuid, timestamptz, timestamptz) to pruuf_worker, pruuf_engine;

create or replace function rules.open_next(member uuid, at timestamptz) returns data.obligations
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  return rules.open_from(member, at, '-infinity');
end;
$$;
comment on function rules.open_next(uuid, timestamptz) is 'R4.2, R4.4 makes the next obligation of a Member who has none open, also one that has passed while no job ran.';
grant execute on function rules.open_next(uuid, timestamptz) to pruuf_worker, pruuf_engine;

create or replace function rules.lock_member(member uuid) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('member ' || member::text, 0));
end;
$$;
comment on function rules.lock_member(uuid) is 'One change of a Member''s day after the other: two taps at one moment, a tap and a new time (R4.6, R4.7).';
grant execute on function rules.lock_member(uuid) to pruuf_engine;

create or replace function rules.lock_alarms(member uuid) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  perform rules.lock_member(member);
  perform from data.obligations o where o.member_id = member and o.state = 'open' for update;
end;
$$;
comment on function rules.lock_alarms(uuid) is 'R6.4 no alert of this Member begins or ends meanwhile: whoever becomes a Contact is among those whom it tells, or is told of it here.';
grant execute on function rules.lock_alarms(uuid) to pruuf_engine;

create or replace function rules.lock_own_day() returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('member ' || rules.signed_in_user_id()::text, 0));
end;
$$;
comment on function rules.lock_own_day() is 'As rules.lock_member, for the caller: what is compared with If-Match stays as it is until it is changed.';
grant execute on function rules.lock_own_day() to pruuf_user;

create or replace function rules.tg_schedules__take_over() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  if not rules.is_time_zone(new.time_zone) then
    raise exception 'time-zone-unknown' using errcode = 'UF422', detail = 'The time zone must be an IANA name, like Pacific/Auckland.';
  end if;
  perform rules.lock_member(new.member_id);
  if exists (select from data.users u where u.id = new.member_id and u.deleted_at is not null) then
    raise exception 'not-signed-in' using errcode = 'UF401', detail = 'This account is gone. Sign in again.';
  end if;
  -- What passed while no job ran was of the old schedule: nobody dodges a miss. This also locks what is open, against the job
  -- that closes it just now and makes the next from the old schedule.
  perform rules.overtake_misses(new.member_id, rules.clock());
  new.created_at := rules.clock();
  new.time_zone := rules.zone_name(new.time_zone);
  new.local_times := coalesce((select array_agg(distinct t order by t) from unnest(new.local_times) as t), '{}');
  new.weekdays := coalesce((select array_agg(distinct d order by d) from unnest(new.weekdays) as d), '{}');
  update data.schedules s set superseded_at = new.created_at where s.member_id = new.member_id and s.superseded_at is null;
  return new;
end;
$$;
alter function rules.tg_schedules__take_over() owner to pruuf_engine;
comment on function rules.tg_schedules__take_over() is 'R4.7 a new version of a schedule ends the one before it; obligations that exist stay as they are.';

create or replace function rules.tg_schedules__start() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  if not exists (select from data.obligations o where o.member_id = new.member_id and o.state = 'open') then
    -- On a pause: the new one does not expect what it would have before.
    perform rules.open_from(new.member_id, new.created_at, new.created_at);
  end if;
  perform rules.move_breaks(new.member_id, new.created_at);
  -- R3.4 the evening is where the Member is.
  update data.watch_settings w set digest_at = rules.next_digest_at(new.member_id, new.created_at)
   where w.member_id = new.member_id and w.digest_at > new.created_at;
  perform audit.append('schedule.changed', new.member_id, new.id);
  return null;
end;
$$;
alter function rules.tg_schedules__start() owner to pruuf_engine;
comment on function rules.tg_schedules__start() is 'R4.2 the first schedule of a Member makes the first obligation.';
