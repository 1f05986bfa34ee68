create or replace function jobs.tick() returns jsonb
language plpgsql volatile security invoker set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  at timestamptz := rules.clock();
  due uuid[] := array(
    select o.id from data.obligations o
     where o.state = 'open' and o.alert_at <= at and not jobs.is_set_aside('tick', o.id)
     order by o.alert_at limit jobs.batch_size('tick') for update skip locked);
  report jsonb := jobs.work_off('tick', 'raise_missed', due, at, 'held_obligations');
begin
  perform jobs.note_run('tick', at);
  return jsonb_build_object('without_contact', jsonb_build_array()) || report
    || jsonb_build_object('missed', report -> 'done', 'seconds_to_next', jobs.seconds_to_deadline(at));
end;
$$;
comment on function jobs.tick() is 'R6.1, R9.5 finds the deadlines that have passed and raises their alerts, and does nothing else. Idempotent and safe to call concurrently. Reports missed, without_contact (alerts whose Member has no Contact) and seconds_to_next. enable_seqscan: a foreign key''s plan that was made while a table was small would read the whole table in the burst that makes it large.';
grant execute on function jobs.tick() to pruuf_worker;

create or replace function jobs.held_obligations(ids uuid[]) returns uuid[]
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  free uuid[] := array(select o.id from data.obligations o where o.id = any (ids) order by o.id for update skip locked);
  held uuid[] := rules.held_members(array(select o.member_id from data.obligations o where o.id = any (ids)));
begin
  return array(
    select o.id from data.obligations o where o.id = any (ids) and (o.id <> all (free) or o.member_id = any (held)));
end;
$$;
comment on function jobs.held_obligations(uuid[]) is 'R9.5 those of these obligations whose miss cannot be raised just now: another session holds its row, its Member or their schedule.';
grant execute on function jobs.held_obligations(uuid[]) to pruuf_worker;

create or replace function jobs.raise_missed(ids uuid[], at timestamptz) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  raised uuid[] := array(select a.id from rules.raise_missed(ids, at) a);
  one uuid;
  problems jsonb := jsonb_build_array();
begin
  begin
    perform rules.open_next(o.member_id, at) from data.obligations o where o.id = any (ids);
  exception
    -- Its turn comes again in half a second.
    when lock_not_available then raise;
    -- What fails after an alert never takes it back.
    when others then
    foreach one in array ids loop
      problems := problems || jobs.open_next(one, at);
    end loop;
  end;
  return jsonb_build_object('problems', problems, 'without_contact', (
    select coalesce(jsonb_agg(a.id), '[]') from data.alerts a
     where a.id = any (raised) and a.facts -> 'contacts' = '[]'));
end;
$$;
comment on function jobs.raise_missed(uuid[], timestamptz) is 'R6.1 these open obligations past their alert_at become misses, each with its alert, its deliveries and its successor. An alert stands even if no successor can be made.';
grant execute on function jobs.raise_missed(uuid[], timestamptz) to pruuf_worker;

create or replace function jobs.open_next(obligation uuid, at timestamptz) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  perform rules.open_next(o.member_id, at) from data.obligations o where o.id = obligation;
  return jsonb_build_array();
exception when others then
  return jsonb_build_array(jsonb_build_object('job', 'open_next', 'row_id', obligation, 'sqlstate', sqlstate))
      || jobs.open_same_tomorrow(obligation);
end;
$$;
comment on function jobs.open_next(uuid, timestamptz) is 'R4.2, R9.5 makes the successor of one obligation; where that fails, the same a day later. Gives what went wrong.';
grant execute on function jobs.open_next(uuid, timestamptz) to pruuf_worker;

create or replace function jobs.open_same_tomorrow(obligation uuid) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  insert into data.obligations (member_id, schedule_id, local_on, local_time, time_zone, opens_at, due_at, alert_at)
  select o.member_id, o.schedule_id, o.local_on + 1, o.local_time, o.time_zone, o.due_at, o.due_at + day, o.alert_at + day
    from data.obligations o, make_interval(hours => 24, mins => -coalesce(o.postponed_minutes, 0)) as day where o.id = obligation;
  return jsonb_build_array();
exception when others then
  return jsonb_build_array(jsonb_build_object('job', 'open_same_tomorrow', 'row_id', obligation, 'sqlstate', sqlstate));
end;
$$;
comment on function jobs.open_same_tomorrow(uuid) is 'R4.2, R9.5 when the next obligation cannot be reckoned: the same a day later, for a wrong hour is better than nobody watching. Gives what went wrong even so.';
grant execute on function jobs.open_same_tomorrow(uuid) to pruuf_worker;

create or replace function jobs.seconds_to_deadline(at timestamptz) returns double precision
language sql stable security invoker set search_path = ''
as $$
  select extract(epoch from least(
    (select min(o.alert_at) from data.obligations o
      where o.state = 'open' and not jobs.is_set_aside('tick', o.id)),
    (select min(s.again_at) from data.set_asides s where s.job = 'tick')) - at)::double precision
$$;
comment on function jobs.seconds_to_deadline(timestamptz) is 'R6.1 how long the timer of jobs.tick() may sleep, in seconds: below 0 while a row that is due could not be handled, null when nothing is expected of anybody.';
grant execute on function jobs.seconds_to_deadline(timestamptz) to pruuf_worker;

create or replace function jobs.seconds_to_reminder(at timestamptz) returns double precision
language sql stable security invoker set search_path = ''
as $$
  select extract(epoch from (
    select min(o.remind_at) from data.obligations o
     where o.remind_at is not null and not jobs.is_set_aside('send_reminders', o.id)) - at)::double precision
$$;
comment on function jobs.seconds_to_reminder(timestamptz) is 'R4.1 how long the timer of jobs.send_reminders() may sleep, in seconds.';
grant execute on function jobs.seconds_to_reminder(timestamptz) to pruuf_worker;

create or replace function jobs.seconds_to_next(at timestamptz) returns double precision
language sql stable security invoker set search_path = ''
as $$ select least(jobs.seconds_to_deadline(at), jobs.seconds_to_reminder(at)) $$;
comment on function jobs.seconds_to_next(timestamptz) is 'When the next deadline or reminder comes, in seconds; for whoever moves the clock of a rehearsal.';
grant execute on function jobs.seconds_to_next(timestamptz) to pruuf_worker;
