create or replace function jobs.send_weekly_summaries(most integer default 200) returns jsonb
language plpgsql volatile security invoker set search_path = '' set lock_timeout = '500ms'
as $$
declare
  at timestamptz := rules.clock();
  one uuid;
  done integer := 0;
  sent integer := 0;
  problems jsonb := jsonb_build_array();
begin
  for one in select w.user_id from data.weekly_summaries w where w.due_at <= at order by w.due_at limit most for update skip locked loop
    done := done + 1;
    begin
      sent := sent + jobs.send_weekly_summary(one, at);
    exception when others then
      -- Behind the others, and again.
      update data.weekly_summaries w set due_at = at + interval '1 hour' where w.user_id = one;
      problems := problems || jsonb_build_array(jsonb_build_object('job', 'send_weekly_summary', 'user_id', one, 'sqlstate', sqlstate));
    end;
  end loop;
  return jsonb_build_object('sent', sent, 'more', done = most, 'problems', problems);
end;
$$;
comment on function jobs.send_weekly_summaries(integer) is 'R7.2 tells whoever is due how the week was. A call of its own, in as many servers as there are: no deadline waits for it (R9.5).';
grant execute on function jobs.send_weekly_summaries(integer) to pruuf_worker;

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
  if quiet_ends_at is not null
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
