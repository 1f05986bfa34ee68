create or replace function rules.unreached(alert data.alerts, at timestamptz) returns setof uuid
language plpgsql stable security invoker set search_path = ''
as $$
declare
  -- Rounds come at least daily: what is older says nothing about now, and an alert may last for weeks.
  since timestamptz := at - interval '25 hours';
begin
  return query
  select told.user_id from (
    select n.user_id, min(n.created_at) as first_at, bool_or(n.read_at is not null) as has_read from data.notifications n
     where n.alert_id = alert.id and n.user_id in (
             select c.contact_id from data.connections c where c.member_id = alert.member_id and c.ended_at is null)
       and n.created_at > since and n.kind not in ('all_clear', 'acknowledged')
     group by n.user_id) as told
   where not told.has_read
     and not exists (
       select from data.notifications n join data.deliveries d on d.notification_id = n.id
        where n.alert_id = alert.id and n.user_id = told.user_id and n.created_at > since
          and (d.state in ('accepted', 'delivered', 'confirmed')
            or d.state in ('pending', 'sending') and told.first_at > at - make_interval(secs => rules.policy('unreachable_after'))))
     and not exists (select from data.alert_actions x where x.alert_id = alert.id and x.user_id = told.user_id)
     and not exists (select from data.unreached_contacts u where u.alert_id = alert.id and u.contact_id = told.user_id);
end;
$$;
comment on function rules.unreached(data.alerts, timestamptz) is 'R7.3 the Contacts who were told of an alert and whom no channel works for: all have failed, there is none, or none has taken anything for so long. Whoever has read or done something is reached. Looks at the messages of the last 25 hours.';
grant execute on function rules.unreached(data.alerts, timestamptz) to pruuf_engine;

create or replace function rules.tell_unreached(alert data.alerts, contacts uuid[], at timestamptz) returns integer
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  others uuid[] := array(
    select c.contact_id from data.connections c
     where c.member_id = alert.member_id and c.ended_at is null
       and not exists (select from data.unreached_contacts u where u.alert_id = alert.id and u.contact_id = c.contact_id));
  alerted uuid[] := array(select o from unnest(others) as o where exists (select from data.notifications n where n.alert_id = alert.id and n.user_id = o));
  readers uuid[] := case when alerted = '{}' then others else alerted end;
begin
  insert into data.notifications (user_id, kind, cause, alert_id, facts, created_at)
  select reader, 'unreachable', alert.id || ':' || u.id, alert.id, jsonb_build_object('unreached', jsonb_build_object('id', u.id, 'name', u.name)), at
    from unnest(readers) as reader, data.users u where u.id = any (contacts)
  on conflict on constraint one_notification_per_user_and_cause do nothing;
  perform audit.append('alert.contact_unreached', alert.member_id, alert.id, jsonb_build_object('contact', c, 'told', to_jsonb(readers)))
     from unnest(contacts) as c;
  return cardinality(readers);
end;
$$;
comment on function rules.tell_unreached(data.alerts, uuid[], timestamptz) is 'R7.3 "we could not reach Anna": to the Contacts who have the alert; where none of them is reached, to all the others. Gives how many are told.';
grant execute on function rules.tell_unreached(data.alerts, uuid[], timestamptz) to pruuf_engine;

create or replace function rules.due_reach_checks(at timestamptz, most integer) returns uuid[]
language sql volatile security definer set search_path = ''
as $$
  select array(
    select a.id from data.alerts a
     where a.state <> 'resolved' and a.reach_check_at <= at
       and not exists (select from data.set_asides s where s.job = 'tell_unreached' and s.row_id = a.id)
     order by a.reach_check_at limit most for no key update skip locked)
$$;
alter function rules.due_reach_checks(timestamptz, integer) owner to pruuf_engine;
comment on function rules.due_reach_checks(timestamptz, integer) is 'R7.3 the alerts whose reach is to be checked, locked. security definer: the worker may not lock an alert.';
grant execute on function rules.due_reach_checks(timestamptz, integer) to pruuf_worker;

create or replace function rules.check_reach(alert_id uuid, at timestamptz) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  alert data.alerts;
  contacts uuid[];
begin
  -- Every few seconds at first, then as often as a quarter of its age.
  update data.alerts a
     set reach_check_at = at + least(greatest((at - a.raised_at) / 4, interval '4 seconds'), interval '10 minutes')
   where a.id = check_reach.alert_id and a.state <> 'resolved'
  returning * into alert;
  contacts := array(select rules.unreached(alert, at));
  if contacts = '{}' then
    return jsonb_build_object();
  end if;
  insert into data.unreached_contacts (alert_id, contact_id, found_at) select alert.id, c, at from unnest(contacts) as c;
  return jsonb_build_object('unreached', cardinality(contacts), 'reaches_nobody',
    case when rules.tell_unreached(alert, contacts, at) = 0 then jsonb_build_array(alert.id) else '[]' end);
end;
$$;
alter function rules.check_reach(uuid, timestamptz) owner to pruuf_engine;
comment on function rules.check_reach(uuid, timestamptz) is 'R7.3 looks whom an alert that is not over does not reach, and tells the others. security definer: the worker may not touch an alert.';
grant execute on function rules.check_reach(uuid, timestamptz) to pruuf_worker;

create or replace function jobs.check_reach(ids uuid[], at timestamptz) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  one uuid;
  report jsonb := jsonb_build_object();
begin
  foreach one in array ids loop
    report := jobs.add_up(report, rules.check_reach(one, at));
  end loop;
  return report;
end;
$$;
comment on function jobs.check_reach(uuid[], timestamptz) is 'R7.3 checks the reach of these alerts.';
grant execute on function jobs.check_reach(uuid[], timestamptz) to pruuf_worker;

create or replace function jobs.tell_unreached(most integer default 100) returns jsonb
language plpgsql volatile security invoker set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  at timestamptz := rules.clock();
  due uuid[] := rules.due_reach_checks(at, least(jobs.batch_size('tell_unreached'), most));
begin
  return jsonb_build_object('unreached', 0, 'reaches_nobody', jsonb_build_array())
    || jobs.work_off('tell_unreached', 'check_reach', due, at);
end;
$$;
comment on function jobs.tell_unreached(integer) is 'R7.3 finds Contacts whom no channel reaches and tells the others. Reports unreached (Contacts) and reaches_nobody (alerts).';
grant execute on function jobs.tell_unreached(integer) to pruuf_worker;
