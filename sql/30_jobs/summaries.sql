create or replace function jobs.send_weekly_summaries(most integer default 200) returns jsonb
language plpgsql volatile security invoker set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  due uuid[] := array(
    select w.user_id from data.weekly_summaries w
     where w.due_at <= rules.clock() and not jobs.is_set_aside('send_weekly_summaries', w.user_id)
     order by w.due_at limit least(jobs.batch_size('send_weekly_summaries'), most) for update skip locked);
  report jsonb := jobs.work_off('send_weekly_summaries', 'tell_weeks', due, rules.clock());
begin
  return jsonb_build_object('sent', 0) || report
    || jsonb_build_object('more', (report ->> 'more')::boolean or cardinality(due) >= most and report -> 'done' <> '0');
end;
$$;
comment on function jobs.send_weekly_summaries(integer) is 'R7.2 tells whoever is due how the week was. Reports sent.';
grant execute on function jobs.send_weekly_summaries(integer) to pruuf_worker;

create or replace function jobs.tell_weeks(ids uuid[], at timestamptz) returns jsonb
language sql volatile security invoker set search_path = ''
as $$ select jsonb_build_object('sent', sum(jobs.send_weekly_summary(id, at))) from unnest(ids) as id $$;
comment on function jobs.tell_weeks(uuid[], timestamptz) is 'R7.2 the weekly summaries of these readers.';
grant execute on function jobs.tell_weeks(uuid[], timestamptz) to pruuf_worker;

create or replace function jobs.send_weekly_summary(reader uuid, at timestamptz) returns integer
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  next_at timestamptz := rules.next_summary_at(reader, at);
  quiet_ends_at timestamptz := rules.quiet_until(reader, at);
  -- After an outage the newest week is enough.
  today date := (next_at at time zone rules.zone_of(reader))::date - 7;
  facts jsonb;
begin
  -- Made only when it can be sent: until then somebody may stop watching.
  update data.weekly_summaries w set due_at = coalesce(quiet_ends_at, next_at) where w.user_id = reader;
  if quiet_ends_at is not null or not rules.is_entitled(reader)
    or exists (select from data.preferences p where p.user_id = reader and not p.has_weekly_summary)
    or exists (select from data.users u where u.id = reader and u.deleted_at is not null) then
    return 0;
  end if;
  facts := rules.summary_facts(reader, today - 7, today - 1);
  if facts -> 'members' = '[]' and not facts ? 'own' then
    return 0;
  end if;
  insert into data.notifications (user_id, kind, cause, facts, created_at, expires_at)
  values (reader, 'weekly_summary', 'week from ' || (today - 7), facts, at, at + interval '6 days')
  on conflict on constraint one_notification_per_user_and_cause do nothing;
  return found::integer;
end;
$$;
comment on function jobs.send_weekly_summary(uuid, timestamptz) is 'R7.2 one message about the seven days before the reader''s day of the week: once for each reader and week, whatever number of servers and tries. Nothing where nothing was expected of anybody.';
grant execute on function jobs.send_weekly_summary(uuid, timestamptz) to pruuf_worker;
