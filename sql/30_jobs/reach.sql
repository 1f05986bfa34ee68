create or replace function rules.unreached(alert data.alerts, at timestamptz) returns setof uuid
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return query
  select told.user_id from (
    select n.user_id, min(n.created_at) as first_at, bool_or(n.read_at is not null) as has_read from data.notifications n
     where n.alert_id = alert.id and n.user_id <> alert.member_id and n.kind not in ('all_clear', 'acknowledged') group by n.user_id) as told
   where not told.has_read
     and not exists (
       select from data.notifications n join data.deliveries d on d.notification_id = n.id
        where n.alert_id = alert.id and n.user_id = told.user_id
          and (d.state in ('accepted', 'delivered', 'confirmed')
            or d.state in ('pending', 'sending') and told.first_at > at - make_interval(secs => rules.policy('unreachable_after'))))
     and exists (select from data.connections c where c.member_id = alert.member_id and c.contact_id = told.user_id and c.ended_at is null)
     and not exists (select from data.alert_actions x where x.alert_id = alert.id and x.user_id = told.user_id)
     and not exists (select from data.unreached_contacts u where u.alert_id = alert.id and u.contact_id = told.user_id);
end;
$$;
comment on function rules.unreached(data.alerts, timestamptz) is 'R7.3 the Contacts who were told of an alert and whom no channel works for: all have failed, there is none, or none has taken anything for so long. Whoever has read or done something is reached.';
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

create or replace function rules.check_reach(at timestamptz, done uuid[]) returns jsonb
language plpgsql volatile security definer set search_path = '' set enable_seqscan = off set jit = off
as $$
declare
  alert data.alerts;
  contacts uuid[];
  told integer;
begin
  select * into alert from data.alerts a
   where a.state <> 'resolved' and (a.reach_check_at is null or a.reach_check_at <= at) and a.id <> all (done)
   order by a.reach_check_at nulls first limit 1 for no key update skip locked;
  if not found then
    return null;
  end if;
  -- Every few seconds at first, then as often as a quarter of its age.
  update data.alerts a set reach_check_at = at + least(greatest((at - a.raised_at) / 4, interval '4 seconds'), interval '10 minutes') where a.id = alert.id;
  begin
    contacts := array(select rules.unreached(alert, at));
    if contacts <> '{}' then
      insert into data.unreached_contacts (alert_id, contact_id, found_at) select alert.id, c, at from unnest(contacts) as c;
      told := rules.tell_unreached(alert, contacts, at);
    end if;
    return jsonb_build_object('alert_id', alert.id, 'unreached', cardinality(contacts), 'told', told);
  exception when others then
    return jsonb_build_object('alert_id', alert.id, 'sqlstate', sqlstate);
  end;
end;
$$;
alter function rules.check_reach(timestamptz, uuid[]) owner to pruuf_engine;
comment on function rules.check_reach(timestamptz, uuid[]) is 'R7.3 looks at one alert that is not over: whom it does not reach, and tells the others. Null when none is due. security definer: the worker may not touch an alert.';
grant execute on function rules.check_reach(timestamptz, uuid[]) to pruuf_worker;

create or replace function jobs.tell_unreached(most integer default 100) returns jsonb
language plpgsql volatile security invoker set search_path = '' set lock_timeout = '500ms'
as $$
declare
  at timestamptz := rules.clock();
  look jsonb;
  looks jsonb := jsonb_build_array();
  done uuid[] := array[]::uuid[];
begin
  while cardinality(done) < most loop
    look := rules.check_reach(at, done);
    exit when look is null;
    done := done || (look ->> 'alert_id')::uuid;
    looks := looks || look;
  end loop;
  return (
    select jsonb_build_object(
      'unreached', coalesce(sum((l ->> 'unreached')::integer), 0),
      'reaches_nobody', coalesce(jsonb_agg(l -> 'alert_id') filter (where l ->> 'told' = '0'), '[]'),
      'problems', coalesce(jsonb_agg(jsonb_build_object('job', 'tell_unreached', 'alert_id', l -> 'alert_id', 'sqlstate', l -> 'sqlstate')) filter (where l ? 'sqlstate'), '[]'),
      'more', count(*) = most)
      from jsonb_array_elements(looks) as l);
end;
$$;
comment on function jobs.tell_unreached(integer) is 'R7.3 finds Contacts whom no channel reaches and tells the others, some alerts at a time. A call of its own, in as many servers as there are: no alert waits for it (R9.5).';
grant execute on function jobs.tell_unreached(integer) to pruuf_worker;
