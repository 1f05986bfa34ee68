create or replace function rules.has_time_left() returns boolean
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  time_limit interval := current_setting('statement_timeout')::interval;
begin
  return time_limit = interval '0'
      or clock_timestamp() - statement_timestamp() < time_limit / 2;
end;
$$;
comment on function rules.has_time_left() is 'R9.5 false after half of the statement time-out: a job then stops by itself and keeps what it has done. Measures effort; what time it is says rules.clock() only.';
grant execute on function rules.has_time_left() to pruuf_worker, pruuf_engine;

create or replace function jobs.batch_size(job text) returns integer
language sql stable security invoker set search_path = ''
as $$ select r.most from data.job_runs r where r.job = batch_size.job $$;
comment on function jobs.batch_size(text) is 'How many rows a job takes at once: 500, fewer after a call that was cancelled.';
grant execute on function jobs.batch_size(text) to pruuf_worker;

create or replace function jobs.is_set_aside(job text, id uuid) returns boolean
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return exists (select from data.set_asides s where s.job = is_set_aside.job and s.row_id = id);
end;
$$;
comment on function jobs.is_set_aside(text, uuid) is 'R9.5 whether a job has set this row aside. Such rows are taken by jobs.work_off when their time comes.';
grant execute on function jobs.is_set_aside(text, uuid) to pruuf_worker;

create or replace function jobs.set_aside(job text, id uuid, reason text, at timestamptz) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  insert into data.set_asides as s (job, row_id, reason, first_at, again_at)
  values (set_aside.job, id, set_aside.reason, at, at + jobs.wait_after(set_aside.reason, 1))
  on conflict on constraint set_asides_pkey do update
    set reason = excluded.reason, tries = s.tries + 1,
        again_at = at + jobs.wait_after(excluded.reason, s.tries + 1);
  return case when reason = '55P03' then jsonb_build_object('held', 1)
    else jsonb_build_object('problems', jsonb_build_array(
      jsonb_build_object('job', set_aside.job, 'row_id', id, 'sqlstate', set_aside.reason))) end;
end;
$$;
comment on function jobs.set_aside(text, uuid, text, timestamptz) is 'R9.5 remembers a row that a job could not handle, with its SQL state, until its next try. Gives what the job reports: a row that another session holds is no problem.';
grant execute on function jobs.set_aside(text, uuid, text, timestamptz) to pruuf_worker;

create or replace function jobs.wait_after(reason text, tries integer) returns interval
language sql immutable parallel safe security invoker set search_path = ''
as $$
  select case when reason = '55P03' then interval '0.5 seconds'
              else make_interval(secs => least(power(2, least(tries, 10)), 60)) end
$$;
comment on function jobs.wait_after(text, integer) is 'R9.5 how long a row stays set aside: half a second while another session holds it (55P03), else 2, 4, 8 … 60 seconds.';
grant execute on function jobs.wait_after(text, integer) to pruuf_worker;

create or replace function jobs.add_up(a jsonb, b jsonb) returns jsonb
language sql immutable parallel safe security invoker set search_path = ''
as $$
  select coalesce(a, '{}') || coalesce((
    select jsonb_object_agg(e.key, case jsonb_typeof(e.value)
             when 'array' then coalesce(a -> e.key, '[]') || e.value
             when 'number' then to_jsonb(coalesce((a ->> e.key)::numeric, 0) + (e.value #>> '{}')::numeric)
             else e.value end)
      from jsonb_each(b) as e), '{}')
$$;
comment on function jobs.add_up(jsonb, jsonb) is 'What two parts of a job report together: numbers are added, lists appended.';
grant execute on function jobs.add_up(jsonb, jsonb) to pruuf_worker;

create or replace function jobs.work_off_each(job text, task text, ids uuid[], at timestamptz) returns jsonb
language plpgsql volatile security invoker set search_path = '' set lock_timeout = '5ms'
as $$
declare
  one uuid;
  said jsonb;
  report jsonb := jsonb_build_object('done', 0);
begin
  foreach one in array ids loop
    if not rules.has_time_left() then
      return report || jsonb_build_object('more', true);
    end if;
    begin
      execute format('select jobs.%I($1, $2)', task) into said using array[one], at;
      delete from data.set_asides s where s.job = work_off_each.job and s.row_id = one;
      report := jobs.add_up(jobs.add_up(report, said), jsonb_build_object('done', 1));
    exception
      when query_canceled then
        -- The time-out has come and does not come again: no more in this call.
        return jobs.add_up(report, jobs.set_aside(job, one, sqlstate, at)) || jsonb_build_object('more', true);
      when others then
        report := jobs.add_up(report, jobs.set_aside(job, one, sqlstate, at));
    end;
  end loop;
  return report;
end;
$$;
comment on function jobs.work_off_each(text, text, uuid[], timestamptz) is 'R9.5 a task for each row by itself: one that fails, or that another session holds, is set aside. A lock is hardly waited for: the others wait behind it.';
grant execute on function jobs.work_off_each(text, text, uuid[], timestamptz) to pruuf_worker;

create or replace function jobs.set_held_aside(job text, ids uuid[], at timestamptz) returns jsonb
language sql volatile security invoker set search_path = ''
as $$
  with put as (
    insert into data.set_asides as s (job, row_id, reason, first_at, again_at)
    select set_held_aside.job, id, '55P03', at, at + jobs.wait_after('55P03', 1) from unnest(ids) as id
    on conflict on constraint set_asides_pkey do update
      set reason = excluded.reason, tries = s.tries + 1, again_at = excluded.again_at
    returning 1)
  select jsonb_build_object('held', count(*)) from put
$$;
comment on function jobs.set_held_aside(text, uuid[], timestamptz) is 'R9.5 sets aside the rows that a probe of this job found held by another session.';
grant execute on function jobs.set_held_aside(text, uuid[], timestamptz) to pruuf_worker;

create or replace function jobs.work_off_free(job text, task text, probe text, ids uuid[], at timestamptz) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  held uuid[];
  free uuid[];
  said jsonb;
  report jsonb;
begin
  execute format('select jobs.%I($1)', probe) into held using ids;
  report := jsonb_build_object('done', 0) || jobs.set_held_aside(job, held, at);
  free := array(select i from unnest(ids) as i where i <> all (held));
  if free = '{}' then
    return report;
  end if;
  begin
    execute format('select jobs.%I($1, $2)', task) into said using free, at;
    delete from data.set_asides s where s.job = work_off_free.job and s.row_id = any (free);
    return jobs.add_up(jobs.add_up(report, said), jsonb_build_object('done', cardinality(free)));
  exception
    when query_canceled then
      return jobs.add_up(report, jobs.take_fewer(job, free, at));
    when others then
      return jobs.add_up(report, jobs.work_off_each(job, task, free, at));
  end;
end;
$$;
comment on function jobs.work_off_free(text, text, text, uuid[], timestamptz) is 'R9.5 sets aside the rows that are held, and does a task for all others at once. probe: a function of schema jobs that gives those of these ids that need a row which another session holds.';
grant execute on function jobs.work_off_free(text, text, text, uuid[], timestamptz) to pruuf_worker;

create or replace function jobs.work_off(job text, task text, due uuid[], at timestamptz, probe text default null) returns jsonb
language plpgsql volatile security invoker set search_path = '' set lock_timeout = '50ms' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  fresh uuid[] := coalesce(due, '{}');
  -- A probe costs little for many rows, a try of each by itself does not.
  were_held uuid[] := array(
    select s.row_id from data.set_asides s
     where probe is not null and s.job = work_off.job and s.again_at <= at and s.reason = '55P03'
     order by s.again_at limit jobs.batch_size(work_off.job));
  again uuid[] := array(
    select s.row_id from data.set_asides s
     where s.job = work_off.job and s.again_at <= at and (s.reason <> '57014' or fresh = '{}')
       and (probe is null or s.reason <> '55P03')
     order by s.again_at limit 20);
  said jsonb := jsonb_build_object('done', 0);
begin
  if fresh <> '{}' then
    begin
      execute format('select jobs.%I($1, $2)', task) into said using fresh, at;
      said := jobs.add_up(said, jsonb_build_object('done', cardinality(fresh)));
      perform jobs.take_more(job);
    exception
      when query_canceled then
        return jobs.take_fewer(job, fresh, at);
      when lock_not_available then
        if probe is null then
          again := fresh || again;
        else
          were_held := fresh || were_held;
        end if;
      when others then
        again := fresh || again;
    end;
  end if;
  if were_held <> '{}' then
    said := jobs.add_up(said, jobs.work_off_free(job, task, probe, were_held, at));
  end if;
  if again <> '{}' then
    said := jobs.add_up(said, jobs.work_off_each(job, task, again, at));
  end if;
  return jsonb_build_object('done', 0, 'more', false, 'held', 0, 'problems', jsonb_build_array()) || said
    || jsonb_build_object('more', (said ->> 'more')::boolean is true
         or cardinality(fresh) = jobs.batch_size(job) and (said ->> 'done')::integer > 0);
end;
$$;
comment on function jobs.work_off(text, text, uuid[], timestamptz, text) is 'R9.5 does a task (a function of schema jobs: ids and the time) for the rows that are due, all at once; where that fails, without those that the probe finds held, and where that fails too or there is no probe, one by one. Then the rows whose time to be tried again has come. Rows that a job has set aside never hold up the others. due: locked by the caller; without those that are set aside. enable_seqscan: a plan made while a table was small would read the whole table in the burst that makes it large.';
grant execute on function jobs.work_off(text, text, uuid[], timestamptz, text) to pruuf_worker;

create or replace function rules.held_members(members uuid[]) returns uuid[]
language plpgsql volatile security definer set search_path = ''
as $$
declare
  free uuid[] := array(select u.id from data.users u where u.id = any (members) order by u.id for key share skip locked);
  free_schedules uuid[] := array(
    select s.id from data.schedules s
     where s.member_id = any (members) and s.superseded_at is null order by s.id for key share skip locked);
begin
  return array(
    select u.id from data.users u where u.id = any (members) and u.id <> all (free)
    union
    select s.member_id from data.schedules s
     where s.member_id = any (members) and s.superseded_at is null and s.id <> all (free_schedules));
end;
$$;
alter function rules.held_members(uuid[]) owner to pruuf_engine;
comment on function rules.held_members(uuid[]) is 'R9.5 those of these Members of whom no alert can be raised just now, since another session holds their row or that of their schedule: the foreign keys would wait for it. Locks the rows of the others. security definer: the worker may not lock them.';
grant execute on function rules.held_members(uuid[]) to pruuf_worker;

create or replace function jobs.take_more(job text) returns void
language sql volatile security invoker set search_path = ''
as $$
  update data.job_runs r set most = least(r.most * 4, 500)
   where r.job = (select w.job from data.job_runs w where w.job = take_more.job and w.most < 500 for update skip locked)
$$;
comment on function jobs.take_more(text) is 'A batch has succeeded: the next one may be larger again.';
grant execute on function jobs.take_more(text) to pruuf_worker;

create or replace function jobs.take_fewer(job text, ids uuid[], at timestamptz) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  report jsonb := jsonb_build_object('done', 0, 'held', 0, 'problems', jsonb_build_array(
    jsonb_build_object('job', job, 'sqlstate', '57014')));
begin
  if cardinality(ids) = 1 then
    report := report || jobs.set_aside(job, ids[1], '57014', at);
  else
    update data.job_runs r set most = greatest(cardinality(ids) / 20, 1) where r.job = take_fewer.job;
  end if;
  return report || jsonb_build_object('more', true);
end;
$$;
comment on function jobs.take_fewer(text, uuid[], timestamptz) is 'R9.5 a batch was cancelled by its time-out: the next one has a twentieth of its rows. A single row that is cancelled is set aside.';
grant execute on function jobs.take_fewer(text, uuid[], timestamptz) to pruuf_worker;

create or replace function jobs.note_run(job text, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  -- Rarely written and never waited for: every server ticks more than once a second.
  update data.job_runs r set ran_at = at
   where r.job = (select w.job from data.job_runs w
                   where w.job = note_run.job and w.ran_at < at - interval '10 seconds' for update skip locked);
end;
$$;
comment on function jobs.note_run(text, timestamptz) is 'R9.7 a job did its work.';
grant execute on function jobs.note_run(text, timestamptz) to pruuf_worker;

create or replace function jobs.run(job text) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  -- Written by the owner only, and checked to be one call of a function of this schema.
  call text := (select j.call from meta.jobs j where j.name = job);
  report jsonb;
begin
  execute 'select ' || call into report;
  perform jobs.note_run(job, rules.clock());
  return report;
end;
$$;
comment on function jobs.run(text) is 'R9.5 runs one job of meta.jobs in this transaction. Idempotent and safe to call concurrently, from servers and from pg_cron. Gives what the job reports: done, more, held, problems, and what else its comment says.';
grant execute on function jobs.run(text) to pruuf_worker;

create or replace function jobs.list_jobs() returns jsonb
language sql stable security invoker set search_path = ''
as $$
  select jsonb_agg(jsonb_build_object(
           'name', j.name,
           'every_ms', extract(epoch from j.every) * 1000,
           'is_woken', j.woken_by is not null,
           'is_deadline', j.is_deadline,
           'time_limit_ms', extract(epoch from j.time_limit) * 1000) order by j.name)
    from meta.jobs j
$$;
comment on function jobs.list_jobs() is 'R9.5 the jobs that a server runs, with their pace and their limits in milliseconds.';
grant execute on function jobs.list_jobs() to pruuf_worker;
