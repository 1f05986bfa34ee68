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
    select * into pause from data.breaks b
     where b.member_id = schedule.member_id and b.first_on <= slot_outside_breaks.local_on and (b.last_on is null or b.last_on >= slot_outside_breaks.local_on);
    exit when not found;
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
    where b.member_id = member and b.first_on <= expected.local_on and b.last_on >= today);
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
comment on function rules.fit_to_breaks(uuid, date, timestamptz) is 'R5.1, R5.2 after a change of breaks, or of the schedule: what is awaited today is excused if a break begins today, and what lies within a break or waits behind one (since_on: behind where one lay until now) is made anew, from the schedule in force. Every other open obligation stays as it is (R4.7).';
grant execute on function rules.fit_to_breaks(uuid, date, timestamptz) to pruuf_engine;

create or replace function rules.refuse_break(wanted data.breaks, before data.breaks, today date) returns void
language plpgsql stable security invoker set search_path = ''
as $$
declare
  other data.breaks;
  longest integer := rules.policy('long_break');
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
  elsif wanted.last_on - wanted.first_on + 1 > longest and (wanted.confirmed_on >= wanted.last_on) is not true
    and (before.id is null or wanted.last_on > before.last_on or wanted.first_on < before.first_on) then
    raise exception 'break-needs-confirmation' using errcode = 'UF409', detail = format('This break is longer than %s days. Confirm that nobody is to watch for so long.', longest);
  end if;
end;
$$;
comment on function rules.refuse_break(data.breaks, data.breaks, date) is 'R5.2 why a break cannot be as it is wanted: it would reach into the past or into another one, or is long and not confirmed. To make one shorter is never refused.';
grant execute on function rules.refuse_break(data.breaks, data.breaks, date) to pruuf_engine;

create or replace function rules.timed_break(pause data.breaks, time_zone text) returns data.breaks
language plpgsql stable security invoker set search_path = ''
as $$
begin
  pause.begins_at := rules.instant_of(pause.first_on::timestamp, time_zone);
  pause.ends_at := coalesce(rules.instant_of((pause.last_on + 1)::timestamp, time_zone), 'infinity');
  pause.next_step_at := 'infinity';
  return pause;
end;
$$;
comment on function rules.timed_break(data.breaks, text) is 'R5.1 a break with the instants of its dates where the Member is.';
grant execute on function rules.timed_break(data.breaks, text) to pruuf_engine;

create or replace function rules.tg_breaks__keep() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
declare
  at timestamptz := rules.clock();
  zone text;
begin
  -- Of another's breaks nobody learns anything here: a policy refuses this.
  if current_setting('role') = 'pruuf_user' and new.member_id is distinct from rules.current_user_id() then
    return new;
  end if;
  perform rules.lock_member(new.member_id);
  select s.time_zone into zone from data.schedules s where s.member_id = new.member_id and s.superseded_at is null;
  if not found then
    raise exception 'no-schedule' using errcode = 'UF404', detail = 'No time has been chosen yet: there is nothing to pause.';
  end if;
  -- A deadline that has passed while no job ran is a miss: nobody dodges one by a break.
  perform rules.overtake_misses(new.member_id, at);
  perform rules.refuse_break(new, case when tg_op = 'UPDATE' then old end, (at at time zone zone)::date);
  if tg_op = 'INSERT' then
    new.created_at := at;
    new.followed_until := at;
  end if;
  new := rules.timed_break(new, zone);
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
  return null;
end;
$$;
alter function rules.tg_breaks__follow() owner to pruuf_engine;
comment on function rules.tg_breaks__follow() is 'R5.1 what is expected follows the breaks at once: the first check-in after one is awaited from the moment that it is planned, and needs no job.';

create or replace function rules.move_breaks(member uuid, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  if not exists (select from data.breaks b where b.member_id = member and b.ends_at > at) then
    return;
  end if;
  update data.breaks b set (begins_at, ends_at, next_step_at) = (
           select t.begins_at, t.ends_at, t.next_step_at from rules.timed_break(b, s.time_zone) t)
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
