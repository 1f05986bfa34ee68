create or replace function rules.postpone(minutes integer, seen uuid) returns data.obligations
language plpgsql volatile security definer set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
  at timestamptz := rules.clock();
  expected data.obligations;
  moved_at timestamptz;
begin
  if (minutes in (30, 60, 120)) is not true then
    raise check_violation using constraint = 'postponed_by_30_60_or_120_minutes';
  end if;
  perform rules.lock_member(me);
  expected := rules.overtake_misses(me, at);
  if expected.id is null or expected.opens_at > at or expected.id <> seen then
    raise exception 'nothing-to-postpone' using errcode = 'UF409', detail = 'This check-in is not awaited now.';
  elsif expected.postponed_minutes is not null then
    raise exception 'already-postponed' using errcode = 'UF409', detail = 'This check-in has been put off already.';
  elsif at >= expected.due_at then
    raise exception 'too-late-to-postpone' using errcode = 'UF409', detail = 'The time has passed. Tap "I''m OK".';
  end if;
  moved_at := expected.due_at + make_interval(mins => minutes);
  if not rules.may_be_due_at(expected, moved_at) then
    raise exception 'postponed-too-far' using errcode = 'UF409', detail = 'That would be too long, or past the next time.';
  end if;
  perform rules.withdraw_reminders(expected, at);
  update data.obligations o
     set due_at = moved_at, alert_at = o.alert_at + (moved_at - o.due_at), postponed_minutes = minutes,
         remind_at = (select r.remind_at from data.schedules s
                       cross join lateral rules.reminder_after(s, moved_at, o.alert_at + (moved_at - o.due_at), at) r where s.id = o.schedule_id)
   where o.id = expected.id
  returning * into expected;
  perform audit.append('check_in.postponed', me, expected.id, jsonb_build_object('minutes', minutes));
  return expected;
end;
$$;
alter function rules.postpone(integer, uuid) owner to pruuf_engine;
comment on function rules.postpone(integer, uuid) is 'R4.10 moves the caller''s open deadline, its alert and the reminders that are still to come, once and before it is due; seen: which check-in they mean. security definer: obligations are not open to users.';
grant execute on function rules.postpone(integer, uuid) to pruuf_user;

create or replace function rules.may_be_due_at(expected data.obligations, moved_at timestamptz) returns boolean
language plpgsql stable security invoker set search_path = ''
as $$
declare
  last_at timestamptz;
  next_at timestamptz;
begin
  select max(o.due_at) into last_at from data.obligations o where o.member_id = expected.member_id and o.due_at < expected.due_at;
  select n.due_at into next_at from data.schedules s cross join lateral rules.slot_after(s, expected.due_at, '-infinity') n where s.id = expected.schedule_id;
  -- More than 36 hours from the last one: then days off or a break lie between, and it is no matter.
  return (next_at <= moved_at) is not true
     and (moved_at > last_at + interval '36 hours' and expected.due_at <= last_at + interval '36 hours') is not true;
end;
$$;
comment on function rules.may_be_due_at(data.obligations, timestamptz) is 'R4.7 whether the open obligation may be put off so far: never past the next time of its schedule, and never more than 36 hours after the last one.';
grant execute on function rules.may_be_due_at(data.obligations, timestamptz) to pruuf_engine;
