create or replace function rules.day_shape(member uuid, at timestamptz) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return (
    select jsonb_build_object(
      'status', case
        when a.open_alerts <> '[]' then 'alert'
        when o.id is null and pause.id is null then 'waiting_for_a_time'
        when at >= o.due_at then 'overdue'
        when at >= o.opens_at then 'open'
        when at >= pause.begins_at then 'on_break'
        when word.attested_at > coalesce(tap.received_at, '-infinity') and word.attested_at >= last.closed_at is not false
          and (word.attested_at at time zone here.time_zone)::date = (at at time zone here.time_zone)::date then 'attested'
        when last.state is null then 'not_yet_due'
        when last.state = 'missed' and (tap.received_at < last.closed_at) is not false then 'missed'
        when tap.received_at >= rules.instant_of((at at time zone here.time_zone)::date::timestamp, here.time_zone)
          or last.local_on >= (at at time zone here.time_zone)::date then 'checked_in'
        else 'not_yet_due' end,
      'next', rules.obligation_shape(o),
      'break', rules.break_shape(pause, at),
      'last_check_in_at', tap.received_at,
      'attestations', case when word.obligation_id is not null then rules.attestations_of(word.obligation_id) else '[]' end,
      'open_alerts', a.open_alerts)
    from (select coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'state', a.state, 'raised_at', a.raised_at,
                                                       'acknowledged_by', rules.named_in(a, a.acknowledged_by)) order by a.id), '[]') as open_alerts
            from data.alerts a where a.member_id = member and a.state <> 'resolved') a
    left join data.obligations o on o.member_id = member and o.state = 'open'
    left join lateral (select max(c.received_at) as received_at from data.check_ins c where c.member_id = member) tap on true
    left join lateral (select b.* from data.breaks b where b.member_id = member and b.ends_at > at order by b.first_on limit 1) pause on true
    left join lateral (select l.state, l.closed_at, l.local_on, l.time_zone from data.obligations l
                        where l.member_id = member and l.state not in ('open', 'excused') order by l.due_at desc limit 1) last on true
    left join lateral (select w.obligation_id, w.attested_at from data.attestations w
                        where w.member_id = member and w.attested_at > at - interval '2 days' order by w.id desc limit 1) word on true
    cross join lateral (select coalesce(o.time_zone, last.time_zone) as time_zone) here);
end;
$$;
comment on function rules.day_shape(uuid, timestamptz) is 'How a Member''s day stands. Before next.opens_at nothing is asked: checked_in when they were heard of today or have met today''s, missed when they were not and the alert is over, attested when a Contact has said so since (R4.9), on_break while one runs (R5.1), not_yet_due on a day off and before the first time.';
grant execute on function rules.day_shape(uuid, timestamptz) to pruuf_user, pruuf_engine;

create or replace function api.get_today() returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
declare
  at timestamptz := rules.clock();
begin
  return jsonb_build_object('now', at) || rules.day_shape(rules.signed_in_user_id(), at);
end;
$$;
comment on function api.get_today() is 'GET /v1/me/today';
grant execute on function api.get_today() to pruuf_user;

create or replace function api.get_schedule() returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
declare
  schedule data.schedules;
begin
  select * into schedule from data.schedules s where s.member_id = rules.signed_in_user_id() and s.superseded_at is null;
  if not found then
    raise exception 'no-schedule' using errcode = 'UF404', detail = 'No time has been chosen yet.';
  end if;
  return rules.schedule_shape(schedule);
end;
$$;
comment on function api.get_schedule() is 'GET /v1/me/schedule';
grant execute on function api.get_schedule() to pruuf_user;

create or replace function rules.applies_from(schedule data.schedules, expected data.obligations) returns date
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return case when expected.schedule_id = schedule.id then expected.local_on else (
    select f.local_on from rules.slot_after_obligation(schedule, expected) n, rules.slot_outside_breaks(schedule, n.local_on, n.local_time, n.due_at) f
     where expected.id is not null) end;
end;
$$;
comment on function rules.applies_from(data.schedules, data.obligations) is 'R4.7 from which local date a schedule counts: the open obligation''s, if it was made from it, else that of the one after it; none while an open-ended break lies ahead.';
grant execute on function rules.applies_from(data.schedules, data.obligations) to pruuf_user;

create or replace function api.set_schedule(local_times time[], time_zone text, weekdays smallint[], grace_minutes smallint, reminders text[], if_match text default null) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
  schedule data.schedules;
  expected data.obligations;
begin
  perform rules.lock_own_day();
  perform rules.require_match((select rules.schedule_shape(s) from data.schedules s where s.member_id = me and s.superseded_at is null), if_match);
  insert into data.schedules (member_id, local_times, time_zone, weekdays, grace_minutes, reminders)
  values (me, set_schedule.local_times, set_schedule.time_zone, coalesce(set_schedule.weekdays, '{1,2,3,4,5,6,7}'),
          coalesce(set_schedule.grace_minutes, rules.policy('default_grace')::smallint), coalesce(set_schedule.reminders, '{before,at_time,half_grace}'));
  select * into strict schedule from data.schedules s where s.member_id = me and s.superseded_at is null;
  select * into expected from data.obligations o where o.member_id = me and o.state = 'open';
  return rules.schedule_shape(schedule) || jsonb_build_object('applies_from', rules.applies_from(schedule, expected), 'next', rules.obligation_shape(expected),
                                                              'etag', rules.etag(rules.schedule_shape(schedule)));
end;
$$;
comment on function api.set_schedule(time[], text, smallint[], smallint, text[], text) is 'PUT /v1/me/schedule. R4.7 says from which date it counts; next is the obligation that is open now, which it does not change.';
grant execute on function api.set_schedule(time[], text, smallint[], smallint, text[], text) to pruuf_user;

create or replace function api.record_check_in(
  device_time timestamptz, time_zone text, note text, mood text, position_id uuid default null, sealed_position bytea default null,
  public_key bytea default null, signed_on date default null, is_signature_right boolean default null) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
  tap data.check_ins;
  expected data.obligations;
begin
  insert into data.check_ins as c (member_id, device_time, time_zone, note, mood)
  values (me, record_check_in.device_time, record_check_in.time_zone, nullif(btrim(record_check_in.note), ''), record_check_in.mood)
  returning c.id, c.member_id, c.received_at, c.method, c.note, c.mood into tap.id, tap.member_id, tap.received_at, tap.method, tap.note, tap.mood;
  tap.device_time := record_check_in.device_time;
  tap.time_zone := record_check_in.time_zone;
  select * into expected from data.obligations o where o.member_id = me and o.state = 'open';
  return rules.check_in_shape(tap) || jsonb_build_object(
    'resolved_alerts', (select coalesce(jsonb_agg(a.id order by a.id), '[]') from data.alerts a
                         where a.member_id = me and a.resolved_at = tap.received_at and a.resolved_how = 'checked_in'),
    'next', rules.obligation_shape(expected),
    'schedule_applies_from', (select rules.applies_from(s, expected) from data.schedules s
                               where tap.time_zone is not null and s.member_id = me and s.superseded_at is null and s.created_at = tap.received_at),
    'device_clock_differs', coalesce(abs(extract(epoch from tap.device_time - tap.received_at)) > 60 * rules.policy('clock_difference_told'), false),
    'position_kept', rules.keep_position(position_id, sealed_position, tap.id, null),
    'signature', case when is_signature_right is not null then rules.keep_signature(tap.id, public_key, signed_on, is_signature_right) end);
end;
$$;
comment on function api.record_check_in(timestamptz, text, text, text, uuid, bytea, bytea, date, boolean) is 'POST /v1/me/check-ins. R4.4 the answer says what it met, what it resolved and when the next is due; triggers on data.check_ins do it. R4.8, R4.11 is_signature_right: null when it is not signed.';
grant execute on function api.record_check_in(timestamptz, text, text, text, uuid, bytea, bytea, date, boolean) to pruuf_user;

create or replace function api.postpone_check_in(minutes integer, obligation_id uuid default null) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  return rules.obligation_shape(rules.postpone(minutes, obligation_id));
end;
$$;
comment on function api.postpone_check_in(integer, uuid) is 'POST /v1/me/postponements. R4.10 the check-in as it is awaited from now on.';
grant execute on function api.postpone_check_in(integer, uuid) to pruuf_user;

create or replace function rules.own_check_ins(cursor uuid, size integer) returns setof data.check_ins
language sql stable security definer set search_path = ''
as $$
  select * from data.check_ins c
   where c.member_id = rules.current_user_id() and (own_check_ins.cursor is null or c.id < own_check_ins.cursor)
   order by c.id desc limit size
$$;
alter function rules.own_check_ins(uuid, integer) owner to pruuf_engine;
comment on function rules.own_check_ins(uuid, integer) is 'The caller''s own rows: Contacts must not see all columns of them (R3.4).';
grant execute on function rules.own_check_ins(uuid, integer) to pruuf_user;

create or replace function api.list_check_ins(cursor uuid, size integer) returns jsonb
language sql stable security invoker set search_path = ''
as $$
  select rules.page(array(
    select rules.check_in_shape(c) || jsonb_build_object('signature', rules.signature_of(c.id)) from rules.own_check_ins(list_check_ins.cursor, size + 1) c
     where rules.signed_in_user_id() is not null order by c.id desc), size)
$$;
comment on function api.list_check_ins(uuid, integer) is 'GET /v1/me/check-ins, the newest first';
grant execute on function api.list_check_ins(uuid, integer) to pruuf_user;

create or replace function rules.totals_of(member uuid) returns jsonb
language sql stable security invoker set search_path = ''
as $$
  with closed as materialized (
    select o.state, o.due_at from data.obligations o where o.member_id = member and o.state <> 'open'),
  runs as (
    -- A run ends at a miss; an excused day is left out of the count.
    select state, count(*) filter (where state = 'missed') over (order by due_at) as run from closed where state <> 'excused'),
  lengths as (select run, count(*) filter (where state <> 'missed') as length from runs group by run)
  select jsonb_build_object(
           'met', count(*) filter (where state = 'met'), 'met_late', count(*) filter (where state = 'met_late'),
           'missed', count(*) filter (where state = 'missed'), 'excused', count(*) filter (where state = 'excused'),
           'on_time_rate', round(count(*) filter (where state = 'met')::numeric / nullif(count(*) filter (where state <> 'excused'), 0), 4),
           'current_streak', coalesce((select l.length from lengths l order by l.run desc limit 1), 0),
           'longest_streak', coalesce((select max(l.length) from lengths l), 0))
    from closed
$$;
comment on function rules.totals_of(uuid) is 'R4.13 over the whole history: late counts in a streak, excused neither counts nor breaks.';
grant execute on function rules.totals_of(uuid) to pruuf_user, pruuf_engine;

create or replace function rules.history_shape(member uuid, cursor uuid, size integer, month date) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
declare
  -- A month comes whole: at most four times a day (R4.1).
  most integer := case when month is null then size else 200 end;
  -- A zone or a postponement moves a time by less than three days from its date.
  since timestamptz := coalesce(month - interval '3 days', '-infinity');
  before timestamptz := coalesce((select o.due_at from data.obligations o where o.id = cursor and o.member_id = member), 'infinity');
begin
  return rules.page(array(
      select jsonb_build_object('id', o.id, 'local_on', o.local_on, 'local_time', to_char(o.local_time, 'HH24:MI'), 'time_zone', o.time_zone,
                                'due_at', o.due_at, 'state', o.state, 'postponed_minutes', o.postponed_minutes, 'checked_in_at', c.received_at, 'device_time', c.device_time, 'note', c.note, 'mood', c.mood,
                                'late_by_seconds', case when c.id is not null then greatest(extract(epoch from c.received_at - o.due_at), 0)::integer end, 'method', c.method,
                                'signature', case when c.id is not null then rules.signature_of(c.id) end,
                                'attestations', rules.attestations_of(o.id))
        from data.obligations o
        left join data.obligations_met m on m.obligation_id = o.id
        left join data.check_ins c on c.id = m.check_in_id
       where o.member_id = member and o.state <> 'open' and o.due_at < before and o.due_at > since
         and (month is null or o.local_on >= month and o.local_on < month + interval '1 month')
       order by o.due_at desc limit most + 1), most)
    || jsonb_build_object('totals', rules.totals_of(member));
end;
$$;
comment on function rules.history_shape(uuid, uuid, integer, date) is 'R4.13 the closed obligations of a Member, the newest first, or those of one calendar month; and the totals of all.';
grant execute on function rules.history_shape(uuid, uuid, integer, date) to pruuf_user, pruuf_engine;

create or replace function api.get_history(cursor uuid, size integer, month text default null) returns jsonb
language sql stable security invoker set search_path = ''
as $$ select rules.history_shape(rules.signed_in_user_id(), get_history.cursor, size, (get_history.month || '-01')::date) $$;
comment on function api.get_history(uuid, integer, text) is 'GET /v1/me/history';
grant execute on function api.get_history(uuid, integer, text) to pruuf_user;
