create or replace function rules.slot_outside_breaks(schedule data.schedules, wanted_on date, wanted_time time, wanted_at timestamptz,
  out local_on date, out local_time time, out due_at timestamptz)
language plpgsql stable security invoker set search_path = ''
as $$
declare
  pause data.breaks;
begin
  local_on := wanted_on;
  local_time := wanted_time;
  due_at := wanted_at;
  loop
    -- Breaks never overlap: only the last one that has begun can still go on. The order leads the planner to breaks_member;
    -- the index of the exclusion constraint takes forty times as long.
    select * into pause from data.breaks b
     where b.member_id = schedule.member_id and b.first_on <= slot_outside_breaks.local_on
     order by b.first_on desc limit 1;
    exit when not found or pause.last_on < slot_outside_breaks.local_on;
    if pause.last_on is null then
      local_on := null;
      local_time := null;
      due_at := null;
      return;
    end if;
    select s.local_on, s.local_time, s.due_at into local_on, local_time, due_at
      from rules.slot_after(schedule, greatest(due_at, rules.instant_of((pause.last_on + 1)::timestamp, schedule.time_zone) - interval '1 microsecond'), '-infinity') s;
  end loop;
end;
$$;
comment on function rules.slot_outside_breaks(data.schedules, date, time, timestamptz) is 'R5.1 a slot, or if a break has it the first one after that; none when that break is open-ended.';
grant execute on function rules.slot_outside_breaks(data.schedules, date, time, timestamptz) to pruuf_user, pruuf_worker, pruuf_engine;

create or replace function rules.fit_to_breaks(member uuid, since_on date, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  expected data.obligations := rules.overtake_misses(member, at);
  today date := (select (at at time zone s.time_zone)::date from data.schedules s where s.member_id = member and s.superseded_at is null);
  is_within boolean := exists (select from data.breaks b
    where b.member_id = member and b.first_on <= expected.local_on and (b.last_on is null or b.last_on >= expected.local_on));
  is_behind boolean := since_on <= expected.local_on or exists (select from data.breaks b
    where b.member_id = member and b.first_on <= expected.local_on and b.last_on >= least(today, (at at time zone expected.time_zone)::date));
begin
  if expected.id is null then
    return;
  end if;
  if is_within and expected.local_on <= today and expected.opens_at <= at then
    update data.obligations o set state = 'excused', closed_at = at, remind_at = null where o.id = expected.id;
  elsif is_within or is_behind and expected.opens_at > at then
    -- Not excused: whoever gives up the break before that day is expected then.
    delete from data.obligations o where o.id = expected.id;
  else
    return;
  end if;
  perform rules.withdraw_reminders(expected, at);
  perform rules.open_from(member, at, at);
end;
$$;
comment on function rules.fit_to_breaks(uuid, date, timestamptz) is 'R5.1, R5.2 after a change of breaks, or of the schedule: what is awaited today is excused if a break begins today, and what lies within a break or waits behind one (since_on: behind where one lay until now), there or where the Member was, is made anew, from the schedule in force. Every other open obligation stays as it is (R4.7).';
grant execute on function rules.fit_to_breaks(uuid, date, timestamptz) to pruuf_engine;

create or replace function rules.refuse_break(wanted data.breaks, before data.breaks, today date) returns void
language plpgsql stable security invoker set search_path = ''
as $$
declare
  other data.breaks;
  longest integer := rules.policy('long_break');
  -- A pause that gets an end was reminded of until today.
  counted_from date := case when before.id is not null and before.last_on is null then greatest(wanted.first_on, today) else wanted.first_on end;
begin
  if before.last_on < today then
    raise exception 'break-is-over' using errcode = 'UF409', detail = 'This break is over.';
  elsif before.first_on <= today and wanted.first_on <> before.first_on then
    raise exception 'break-has-begun' using errcode = 'UF409', detail = 'This break has begun. It can only end on another day.';
  elsif wanted.first_on < today and before.id is null or wanted.first_on < today and before.first_on > today then
    raise exception 'break-in-the-past' using errcode = 'UF422', column = 'first_on', detail = format('A break begins today, %s, or later.', today);
  elsif wanted.last_on < today then
    raise exception 'break-in-the-past' using errcode = 'UF422', column = 'last_on', detail = format('A break ends today, %s, or later.', today);
  end if;
  select * into other from data.breaks b
   where b.member_id = wanted.member_id and b.id <> wanted.id and (wanted.last_on is null or b.first_on <= wanted.last_on) and (b.last_on is null or b.last_on >= wanted.first_on)
   order by b.first_on limit 1;
  if found then
    raise exception 'breaks-overlap' using errcode = 'UF409',
      detail = format('There is a break from %s %s already (%s).', other.first_on, coalesce('to ' || other.last_on, 'on, without an end'), other.id);
  elsif wanted.last_on - counted_from + 1 > longest
    and (wanted.confirmed_on >= wanted.last_on) is not true
    and (before.id is null or before.last_on is null or wanted.last_on > before.last_on or wanted.first_on < before.first_on) then
    raise exception 'break-needs-confirmation' using errcode = 'UF409', detail = format('This break is longer than %s days. Confirm that nobody is to watch for so long.', longest);
  end if;
end;
$$;
comment on function rules.refuse_break(data.breaks, data.breaks, date) is 'R5.2 why a break cannot be as it is wanted: it would reach into the past or into another one, or is long and not confirmed. To make one shorter is never refused; a pause that gets its end so far away loses the reminders that it had.';
grant execute on function rules.refuse_break(data.breaks, data.breaks, date) to pruuf_engine;

create or replace function rules.break_moments(pause data.breaks, time_zone text, after timestamptz) returns table (kind text, falls_at timestamptz)
language plpgsql stable security invoker set search_path = ''
as $$
declare
  morning time := make_time(rules.policy('break_morning'), 0, 0);
  every integer := rules.policy('pause_reminder');
  times integer := greatest(((after at time zone time_zone)::date - pause.first_on) / every, 1);
begin
  return query
  select m.kind, min(m.falls_at) from (values
      ('break_began', rules.instant_of(pause.first_on + morning, time_zone)),
      ('break_ending', rules.instant_of(pause.last_on + make_time(rules.policy('break_evening'), 0, 0), time_zone)),
      ('break_ended', rules.instant_of(pause.last_on + 1 + morning, time_zone)),
      ('pause_goes_on', case when pause.last_on is null then rules.instant_of(pause.first_on + every * times + morning, time_zone) end),
      ('pause_goes_on', case when pause.last_on is null then rules.instant_of(pause.first_on + every * (times + 1) + morning, time_zone) end)) as m (kind, falls_at)
   where m.falls_at > after
   group by m.kind;
end;
$$;
comment on function rules.break_moments(data.breaks, text, timestamptz) is 'R5.3 what is next to be told of a break after an instant, and when.';
grant execute on function rules.break_moments(data.breaks, text, timestamptz) to pruuf_engine;

create or replace function rules.slot_within_break(pause data.breaks, schedule data.schedules, after timestamptz, out local_on date, out local_time time, out due_at timestamptz)
language plpgsql stable security invoker set search_path = ''
as $$
begin
  due_at := greatest(after, rules.instant_of(pause.first_on::timestamp, schedule.time_zone) - interval '1 microsecond');
  loop
    select s.local_on, s.local_time, s.due_at into local_on, local_time, due_at from rules.slot_after(schedule, due_at, '-infinity') s;
    -- A time that does not exist may fall from the day before into the first one.
    exit when local_on >= pause.first_on;
  end loop;
  if local_on > pause.last_on then
    local_on := null;
    local_time := null;
    due_at := null;
  end if;
end;
$$;
comment on function rules.slot_within_break(data.breaks, data.schedules, timestamptz) is 'R5.1 the next slot after an instant that a break has; null when there is none.';
grant execute on function rules.slot_within_break(data.breaks, data.schedules, timestamptz) to pruuf_engine;

create or replace function rules.timed_break(pause data.breaks, schedule data.schedules) returns data.breaks
language plpgsql stable security invoker set search_path = ''
as $$
begin
  pause.begins_at := rules.instant_of(pause.first_on::timestamp, schedule.time_zone);
  pause.ends_at := coalesce(rules.instant_of((pause.last_on + 1)::timestamp, schedule.time_zone), 'infinity');
  pause.next_step_at := coalesce(least(
    (select min(m.falls_at) from rules.break_moments(pause, schedule.time_zone, pause.followed_until) m),
    (rules.slot_within_break(pause, schedule, pause.followed_until)).due_at), 'infinity');
  return pause;
end;
$$;
comment on function rules.timed_break(data.breaks, data.schedules) is 'R5.1 a break with the instants of its dates where the Member is, and when a job next looks at it.';
grant execute on function rules.timed_break(data.breaks, data.schedules) to pruuf_engine;

create or replace function rules.tell_of_break(pause data.breaks, told_kind text, to_whom text, cause text, more jsonb, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  expected data.obligations;
begin
  select * into expected from data.obligations o where o.member_id = pause.member_id and o.state = 'open';
  insert into data.notifications (user_id, kind, cause, member_id, facts, created_at, expires_at)
  select reader, told_kind, pause.id || ' ' || tell_of_break.cause, case when reader <> pause.member_id then pause.member_id end,
         more || jsonb_build_object('member', rules.person_shape(pause.member_id), 'is_own', reader = pause.member_id,
                                    'pause', jsonb_build_object('first_on', pause.first_on, 'last_on', pause.last_on),
                                    'next', case when expected.id is not null then rules.slot_shape(expected) end),
         at, at + interval '1 day'
    from (select pause.member_id as reader where to_whom in ('member', 'both')
          union all
          select c.contact_id from data.connections c
           where to_whom in ('contacts', 'both') and c.member_id = pause.member_id and c.ended_at is null and rules.is_entitled(c.contact_id)) as readers
  on conflict on constraint one_notification_per_user_and_cause do nothing;
end;
$$;
comment on function rules.tell_of_break(data.breaks, text, text, text, jsonb, timestamptz) is 'R5.3 tells the Member, or the Contacts, or both of a break: each once for the same cause.';
grant execute on function rules.tell_of_break(data.breaks, text, text, text, jsonb, timestamptz) to pruuf_engine;

create or replace function rules.tell_what_has_come(pause data.breaks, time_zone text, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  moment record;
  -- One that begins on the day after goes on: nothing is expected again.
  goes_on boolean := exists (select from data.breaks b where b.member_id = pause.member_id and b.first_on = pause.last_on + 1);
begin
  for moment in select m.kind from rules.break_moments(pause, time_zone, pause.followed_until) m where m.falls_at <= at loop
    -- After an outage nobody hears of a beginning when the end has come.
    if moment.kind = 'break_began' and at < pause.ends_at then
      perform rules.tell_of_break(pause, moment.kind, 'contacts', 'began', jsonb_build_object(), at);
    elsif moment.kind = 'break_ending' and at < pause.ends_at and not goes_on then
      perform rules.tell_of_break(pause, moment.kind, 'member', 'ending ' || pause.last_on, jsonb_build_object(), at);
    elsif moment.kind = 'break_ended' and not goes_on then
      perform rules.tell_of_break(pause, moment.kind, 'contacts', 'ended ' || pause.last_on, jsonb_build_object(), at);
    elsif moment.kind = 'pause_goes_on' then
      perform rules.tell_of_break(pause, moment.kind, 'both', 'goes on ' || (at at time zone time_zone)::date, jsonb_build_object(), at);
    end if;
  end loop;
end;
$$;
comment on function rules.tell_what_has_come(data.breaks, text, timestamptz) is 'R5.3 tells what is due of a break since it was last looked at.';
grant execute on function rules.tell_what_has_come(data.breaks, text, timestamptz) to pruuf_engine;

create or replace function rules.excuse_what_has_passed(pause data.breaks, schedule data.schedules, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  slot record;
begin
  slot := rules.slot_within_break(pause, schedule, pause.followed_until);
  while slot.due_at <= at loop
    insert into data.obligations (member_id, schedule_id, local_on, local_time, time_zone, opens_at, due_at, alert_at, state, closed_at)
    values (pause.member_id, schedule.id, slot.local_on, slot.local_time, schedule.time_zone, slot.due_at, slot.due_at, slot.due_at, 'excused', slot.due_at)
    on conflict on constraint one_obligation_per_slot do nothing;
    slot := rules.slot_within_break(pause, schedule, slot.due_at);
  end loop;
end;
$$;
comment on function rules.excuse_what_has_passed(data.breaks, data.schedules, timestamptz) is 'R5.1, R4.13 the history shows what a break has excused. Only what has passed, since until then the break may end; nothing hangs on it.';
grant execute on function rules.excuse_what_has_passed(data.breaks, data.schedules, timestamptz) to pruuf_engine;

create or replace function rules.follow_break(break_id uuid, at timestamptz) returns boolean
language plpgsql volatile security definer set search_path = ''
as $$
declare
  pause data.breaks;
  schedule data.schedules;
begin
  select * into pause from data.breaks b where b.id = break_id;
  -- Nobody's tap waits for this, and it waits for no tap: then the next time.
  if not pg_try_advisory_xact_lock(hashtextextended('member ' || pause.member_id::text, 0)) then
    return false;
  end if;
  select * into pause from data.breaks b where b.id = break_id and b.next_step_at <= at for update;
  select * into schedule from data.schedules s where s.member_id = pause.member_id and s.superseded_at is null;
  if pause.id is null then
    return false;
  elsif schedule.id is null then
    -- The account is deleted, and may come back.
    update data.breaks b set next_step_at = at + interval '1 day' where b.id = break_id;
    return true;
  end if;
  -- Misses first; and if a fault has left nothing open, here it comes.
  perform rules.overtake_misses(pause.member_id, at);
  perform rules.excuse_what_has_passed(pause, schedule, at);
  perform rules.tell_what_has_come(pause, schedule.time_zone, at);
  pause.followed_until := at;
  update data.breaks b set followed_until = at, next_step_at = (rules.timed_break(pause, schedule)).next_step_at where b.id = break_id;
  return true;
end;
$$;
alter function rules.follow_break(uuid, timestamptz) owner to pruuf_engine;
comment on function rules.follow_break(uuid, timestamptz) is 'R5.1, R5.3 enters what a break has excused and tells what is due of it. Nothing that is expected hangs on it: the first check-in after a break is awaited since it was planned.';
grant execute on function rules.follow_break(uuid, timestamptz) to pruuf_worker;

create or replace function rules.tg_breaks__keep() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
declare
  at timestamptz := rules.clock();
  schedule data.schedules;
begin
  -- Of another's breaks nobody learns anything here: a policy refuses this.
  if current_setting('role') = 'pruuf_user' and new.member_id is distinct from rules.current_user_id() then
    return new;
  end if;
  perform rules.lock_member(new.member_id);
  select * into schedule from data.schedules s where s.member_id = new.member_id and s.superseded_at is null;
  if not found then
    raise exception 'no-schedule' using errcode = 'UF404', detail = 'No time has been chosen yet: there is nothing to pause.';
  end if;
  -- A deadline that has passed while no job ran is a miss: nobody dodges one by a break.
  perform rules.overtake_misses(new.member_id, at);
  perform rules.refuse_break(new, case when tg_op = 'UPDATE' then old end, (at at time zone schedule.time_zone)::date);
  if tg_op = 'INSERT' then
    new.created_at := at;
    new.followed_until := at;
  end if;
  new := rules.timed_break(new, schedule);
  return new;
end;
$$;
alter function rules.tg_breaks__keep() owner to pruuf_engine;
comment on function rules.tg_breaks__keep() is 'R5.2 before a break is planned or changed: misses first, then whether it may be so.';

create or replace function rules.tg_breaks__follow() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
declare
  at timestamptz := rules.clock();
  pause data.breaks := case tg_op when 'DELETE' then old else new end;
begin
  -- With an account everything goes.
  if not exists (select from data.users u where u.id = pause.member_id) then
    return null;
  end if;
  perform rules.lock_member(pause.member_id);
  perform rules.fit_to_breaks(pause.member_id, case when tg_op <> 'INSERT' then old.first_on end, at);
  perform audit.append(case tg_op when 'INSERT' then 'break.planned' when 'UPDATE' then 'break.changed' else 'break.given_up' end, pause.member_id, pause.id,
                       jsonb_build_object('first_on', pause.first_on, 'last_on', pause.last_on));
  if tg_op = 'UPDATE' and old.first_on = new.first_on and old.last_on is not distinct from new.last_on then
    return null;
  elsif tg_op <> 'DELETE' and pause.begins_at <= at and (tg_op = 'INSERT' or old.begins_at > at) then
    perform rules.tell_of_break(pause, 'break_began', 'contacts', 'began', jsonb_build_object(), at);
  else
    perform rules.tell_of_break(pause, 'break_planned', 'contacts', at::text,
                                jsonb_build_object('change', case tg_op when 'UPDATE' then 'changed' when 'DELETE' then 'cancelled' end), at);
  end if;
  return null;
end;
$$;
alter function rules.tg_breaks__follow() owner to pruuf_engine;
comment on function rules.tg_breaks__follow() is 'R5.1 what is expected follows the breaks at once: the first check-in after one is awaited from the moment that it is planned, and needs no job. R5.3 Contacts are told.';

create or replace function rules.move_breaks(member uuid, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  if not exists (select from data.breaks b where b.member_id = member and b.ends_at > at) then
    return;
  end if;
  update data.breaks b set (begins_at, ends_at, next_step_at) = (
           select t.begins_at, t.ends_at, t.next_step_at from rules.timed_break(b, s) t)
    from data.schedules s
   where b.member_id = member and b.ends_at > at and s.member_id = member and s.superseded_at is null;
  perform rules.fit_to_breaks(member, null, at);
end;
$$;
comment on function rules.move_breaks(uuid, timestamptz) is 'R4.7, R5.1 a new schedule, or another time zone: breaks are in the Member''s dates, and what waits behind one is made anew.';
grant execute on function rules.move_breaks(uuid, timestamptz) to pruuf_engine;

create or replace function rules.break_shape(pause data.breaks, at timestamptz) returns jsonb
language plpgsql stable parallel safe security invoker set search_path = ''
as $$
begin
  return case when pause.id is not null then jsonb_build_object(
    'id', pause.id, 'first_on', pause.first_on, 'last_on', pause.last_on,
    'state', case when at < pause.begins_at then 'planned' when at < pause.ends_at then 'running' else 'over' end) end;
end;
$$;
comment on function rules.break_shape(data.breaks, timestamptz) is 'A break as the API shows it.';
grant execute on function rules.break_shape(data.breaks, timestamptz) to pruuf_user, pruuf_engine;
