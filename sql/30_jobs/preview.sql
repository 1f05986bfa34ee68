create or replace function jobs.preview(at timestamptz default null, horizon interval default '1 day', only_member uuid default null)
returns table (told_at timestamptz, member_name text, alert_id uuid, round integer, kind text, reader_name text, channels text[], is_exhausting boolean)
language plpgsql stable security invoker set search_path = '' set jit = off
as $$
declare
  starts_at timestamptz := coalesce(preview.at, rules.clock());
  ends_at timestamptz := starts_at + least(horizon, interval '1 year');
  alarm record;
  step record;
begin
  for alarm in select * from jobs.alarms_ahead(starts_at, ends_at, only_member) loop
    for step in select * from jobs.steps_ahead(alarm.alert, starts_at, ends_at) loop
      -- A step that tells nobody is shown: it is what a DBA looks for.
      return query
      select step.told_at, alarm.name, alarm.alert_id, step.round, step.kind, p.person ->> 'name', rules.channels_of((p.person ->> 'id')::uuid, step.has_call), step.is_exhausting
        from (select 1) as one
        left join jsonb_array_elements(case when step.reader is not null then jsonb_build_array(rules.person_shape(step.reader))
                                            else (rules.people_of_round((alarm.alert).member_id, step.whom)).told end) as p (person) on true;
    end loop;
  end loop;
end;
$$;
comment on function jobs.preview(timestamptz, interval, uuid) is 'R6.3 who would be told what, when and over which channels, of all that is open now, if from `at` on nobody checked in and nobody acted. For DBAs, before and after they change how alerts escalate: nothing is sent, changed or locked. Without a reader: nobody would be told.';
grant execute on function jobs.preview(timestamptz, interval, uuid) to pruuf_worker;

create or replace function jobs.alarms_ahead(starts_at timestamptz, ends_at timestamptz, only_member uuid) returns table (alert_id uuid, name text, alert data.alerts)
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return query
  select a.id, u.name, a from data.alerts a join data.users u on u.id = a.member_id
   where a.state <> 'resolved' and (only_member is null or a.member_id = only_member)
  union all
  -- Those that would be raised: an alert without an id.
  select null, u.name, jsonb_populate_record(null::data.alerts, jsonb_build_object(
           'member_id', o.member_id, 'kind', 'missed', 'obligation_id', o.id, 'state', 'open', 'round', 0,
           'raised_at', greatest(o.alert_at, starts_at), 'next_step_at', greatest(o.alert_at, starts_at)))
    from data.obligations o join data.users u on u.id = o.member_id
   where o.state = 'open' and o.alert_at <= ends_at and (only_member is null or o.member_id = only_member);
end;
$$;
comment on function jobs.alarms_ahead(timestamptz, timestamptz, uuid) is 'The alerts that are open, and those that would be raised by the end of a preview.';
grant execute on function jobs.alarms_ahead(timestamptz, timestamptz, uuid) to pruuf_worker;

create or replace function jobs.steps_ahead(alert data.alerts, starts_at timestamptz, ends_at timestamptz)
returns table (told_at timestamptz, round integer, kind text, whom text, has_call boolean, is_exhausting boolean, reader uuid)
language plpgsql stable security invoker set search_path = ''
as $$
declare
  due record;
begin
  round := alert.round;
  told_at := greatest(alert.next_step_at, alert.raised_at, starts_at);
  if alert.state = 'acknowledged' and alert.owner_asked_at is null and alert.acknowledged_by is not null and told_at <= ends_at then
    kind := 'owner_asked'; reader := alert.acknowledged_by; has_call := false; is_exhausting := false;
    return next;
    told_at := told_at + make_interval(mins => rules.policy('owner_answers_within'));
  end if;
  if alert.state = 'acknowledged' then
    alert.resumed_at := told_at;
    alert.exhausted_at := null;
  end if;
  reader := null;
  while told_at <= ends_at loop
    due := rules.round_due(alert.member_id, floor(extract(epoch from told_at - coalesce(alert.resumed_at, alert.raised_at)) / 60)::integer);
    round := round + 1;
    kind := case round when 1 then alert.kind else 'still_open' end;
    is_exhausting := due.has_exhausted and alert.exhausted_at is null;
    whom := case when is_exhausting or alert.resumed_at is not null then 'everyone' else due.whom end;
    has_call := round > 1 and (due.has_call or told_at = alert.resumed_at);
    return next;
    alert.exhausted_at := case when due.has_exhausted then coalesce(alert.exhausted_at, told_at) end;
    told_at := coalesce(alert.resumed_at, alert.raised_at) + make_interval(mins => due.next_minutes);
  end loop;
end;
$$;
comment on function jobs.steps_ahead(data.alerts, timestamptz, timestamptz) is 'The steps that rules.take_step would take of an alert, by the same rounds, until then.';
grant execute on function jobs.steps_ahead(data.alerts, timestamptz, timestamptz) to pruuf_worker;

create or replace function rules.channels_of(reader uuid, has_call boolean) returns text[]
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return array(
    select 'push' from data.devices v where v.user_id = reader and v.off_at is null
    union all
    select unnest(case when a.kind = 'email' then array['email'] when channels_of.has_call then array['sms', 'voice'] else array['sms'] end)
      from data.addresses a where a.user_id = reader and a.verified_at is not null and a.off_at is null
     order by 1);
end;
$$;
comment on function rules.channels_of(uuid, boolean) is 'R6.9 over which channels a critical message would go to somebody: one entry for each place.';
grant execute on function rules.channels_of(uuid, boolean) to pruuf_worker;
