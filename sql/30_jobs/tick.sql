create or replace function jobs.tick() returns jsonb
language plpgsql volatile security invoker set search_path = '' set lock_timeout = '500ms' set enable_seqscan = off set jit = off
as $$
declare
  at timestamptz := rules.clock();
  misses jsonb := jobs.raise_due_alerts(at, 500);
  reminders jsonb := jsonb_build_object('count', 0, 'more', false);
  more boolean := (misses ->> 'more')::boolean;
  problems jsonb := misses -> 'failed';
begin
  -- R9.5: nothing that goes wrong below may take an alert back.
  begin
    reminders := jobs.send_due_reminders(at, 500);
    more := more or (reminders ->> 'more')::boolean;
  exception when others then
    problems := problems || jsonb_build_array(jsonb_build_object('job', 'send_due_reminders', 'sqlstate', sqlstate));
  end;
  begin
    more := more or jobs.tell_check_ins(at, 500) = 500;
  exception when others then
    problems := problems || jsonb_build_array(jsonb_build_object('job', 'tell_check_ins', 'sqlstate', sqlstate));
  end;
  begin
    more := more or jobs.send_due_digests(at, 500) = 500;
  exception when others then
    problems := problems || jsonb_build_array(jsonb_build_object('job', 'send_due_digests', 'sqlstate', sqlstate));
  end;
  begin
    perform jobs.tidy(at, 1000);
  exception when others then
    problems := problems || jsonb_build_array(jsonb_build_object('job', 'tidy', 'sqlstate', sqlstate));
  end;
  begin
    perform rules.forget_by_age(1000);
  exception when others then
    problems := problems || jsonb_build_array(jsonb_build_object('job', 'forget_by_age', 'sqlstate', sqlstate));
  end;
  begin
    perform jobs.note_run('tick', at);
  exception when others then
    problems := problems || jsonb_build_array(jsonb_build_object('job', 'note_run', 'sqlstate', sqlstate));
  end;
  return jsonb_build_object(
    'missed', misses -> 'count', 'without_contact', misses -> 'without_contact', 'reminded', reminders -> 'count',
    'more', more,
    'problems', problems,
    'seconds_to_next', jobs.seconds_to_next(at));
end;
$$;
comment on function jobs.tick() is 'R6.1, R9.5 finds what is due and does it: misses first. A row that somebody else holds for longer than a moment is left for the next time. May be called by anybody who holds the clock, as often and as many at once as they like. enable_seqscan: a plan made while a table was small (a foreign key''s check keeps it for the session) would read the whole table in the burst that makes it large.';
grant execute on function jobs.tick() to pruuf_worker;

create or replace function jobs.raise_due_alerts(at timestamptz, most integer) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  due uuid[];
  one uuid;
  raised uuid[];
  failed jsonb := jsonb_build_array();
begin
  select array_agg(d.id) into due from (
    select o.id from data.obligations o where o.state = 'open' and o.alert_at <= at order by o.alert_at limit most for update skip locked) d;
  if due is null then
    return jsonb_build_object('count', 0, 'without_contact', failed, 'more', false, 'failed', failed);
  end if;
  begin
    select array_agg(a.id) into raised from rules.raise_missed(due, at) a;
    perform rules.open_next(o.member_id, at) from data.obligations o where o.id = any (due);
  exception when others then
    -- One that cannot be handled must not hold up the others: now each on its own, and its alert even if nothing can follow it.
    raised := '{}';
    foreach one in array due loop
      begin
        raised := raised || array(select a.id from rules.raise_missed(array[one], at) a);
        begin
          perform rules.open_next(o.member_id, at) from data.obligations o where o.id = one;
        exception when others then
          failed := failed || jsonb_build_array(jsonb_build_object('job', 'open_next', 'obligation_id', one, 'sqlstate', sqlstate))
                           || jobs.open_same_tomorrow(one);
        end;
      exception when others then
        failed := failed || jsonb_build_array(jsonb_build_object('job', 'raise_missed', 'obligation_id', one, 'sqlstate', sqlstate));
      end;
    end loop;
  end;
  return jsonb_build_object(
    'count', coalesce(cardinality(raised), 0),
    'without_contact', (select coalesce(jsonb_agg(a.id), '[]') from data.alerts a where a.id = any (raised) and a.facts -> 'contacts' = '[]'),
    'more', cardinality(due) = most and coalesce(cardinality(raised), 0) > 0, 'failed', failed);
end;
$$;
comment on function jobs.raise_due_alerts(timestamptz, integer) is 'R6.1 every open obligation past its alert_at becomes a miss with its alert, its deliveries and its successor.';
grant execute on function jobs.raise_due_alerts(timestamptz, integer) to pruuf_worker;

create or replace function jobs.open_same_tomorrow(obligation uuid) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  insert into data.obligations (member_id, schedule_id, local_on, local_time, time_zone, opens_at, due_at, alert_at)
  select o.member_id, o.schedule_id, o.local_on + 1, o.local_time, o.time_zone, o.due_at, o.due_at + day, o.alert_at + day
    from data.obligations o, make_interval(hours => 24, mins => -coalesce(o.postponed_minutes, 0)) as day where o.id = obligation;
  return jsonb_build_array();
exception when others then
  return jsonb_build_array(jsonb_build_object('job', 'open_same_tomorrow', 'obligation_id', obligation, 'sqlstate', sqlstate));
end;
$$;
comment on function jobs.open_same_tomorrow(uuid) is 'R4.2, R9.5 when the next obligation cannot be reckoned: the same a day later, for a wrong hour is better than nobody watching. Gives what went wrong even so.';
grant execute on function jobs.open_same_tomorrow(uuid) to pruuf_worker;

create or replace function jobs.send_due_reminders(at timestamptz, most integer) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  reminded integer;
begin
  with due as (
    select o.id from data.obligations o where o.remind_at <= at order by o.remind_at limit most for update skip locked),
  -- After an outage the newest of those that are due is enough.
  newest as (
    select o.*, (case when at >= o.due_at + (o.alert_at - o.due_at) / 2 and 'half_grace' = any (s.reminders) and o.alert_at > o.due_at then 'half_grace'
                      when at >= o.due_at and 'at_time' = any (s.reminders) then 'at_time' else 'before' end) as phase,
           (select r.remind_at from rules.reminder_after(s, o.due_at, o.alert_at, at) r) as next_remind_at, rules.slot_shape(o) as due
      from due join data.obligations o on o.id = due.id join data.schedules s on s.id = o.schedule_id),
  moved as (
    update data.obligations o set remind_at = n.next_remind_at from newest n where o.id = n.id returning o.id),
  told as (
    insert into data.notifications (user_id, kind, has_call, cause, facts, created_at, expires_at)
    -- R4.8 at the time whoever has no smartphone is called.
    select n.member_id, 'reminder', n.phase = 'at_time' and not exists (select from data.devices v where v.user_id = n.member_id and v.off_at is null),
           n.id || ':' || n.phase || case when n.postponed_minutes is not null then ':postponed' else '' end,
           jsonb_build_object('phase', n.phase, 'due', n.due,
             'alert_local_time', rules.iso_local(n.alert_at, n.time_zone)),
           at, n.alert_at
      from newest n where n.alert_at > at
    on conflict on constraint one_notification_per_user_and_cause do nothing)
  select count(*) into reminded from moved;
  return jsonb_build_object('count', reminded, 'more', reminded = most);
end;
$$;
comment on function jobs.send_due_reminders(timestamptz, integer) is 'R4.1 reminds the Members whose time is near.';
grant execute on function jobs.send_due_reminders(timestamptz, integer) to pruuf_worker;

create or replace function jobs.tidy(at timestamptz, most integer) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  update data.deliveries d set state = 'expired', settled_at = at where d.id in (
    select e.id from data.deliveries e where e.state = 'pending' and e.expires_at <= at limit most for update skip locked);
  delete from data.idempotency_keys k where (k.user_id, k.key) in (
    select o.user_id, o.key from data.idempotency_keys o where o.created_at < at - make_interval(hours => rules.policy('idempotency_life')) limit most);
  delete from data.unknown_sign_ins u where (u.kind, u.lookup) in (
    select o.kind, o.lookup from data.unknown_sign_ins o where o.tried_at < at - interval '30 days' limit most);
  delete from data.ip_tries t where (t.kind, t.ip) in (
    select o.kind, o.ip from data.ip_tries o where o.began_at < at - interval '1 hour' limit most);
  delete from data.invitation_tries t where t.id in (
    select o.id from data.invitation_tries o where o.tried_at < at - interval '1 day' limit most);
end;
$$;
comment on function jobs.tidy(timestamptz, integer) is 'What is too old to be sent or to be kept, some of it at a time.';
grant execute on function jobs.tidy(timestamptz, integer) to pruuf_worker;

create or replace function jobs.seconds_to_next(at timestamptz) returns double precision
language sql stable security invoker set search_path = ''
as $$
  select extract(epoch from least(
    (select min(o.alert_at) from data.obligations o where o.state = 'open'),
    (select min(o.remind_at) from data.obligations o where o.remind_at is not null)) - at)::double precision
$$;
comment on function jobs.seconds_to_next(timestamptz) is 'How long the timer may sleep; null when nothing is expected of anybody.';
grant execute on function jobs.seconds_to_next(timestamptz) to pruuf_worker;
