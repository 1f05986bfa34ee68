create or replace function rules.tg_help_requests__raise() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
declare
  at timestamptz := rules.clock();
  alert data.alerts;
begin
  perform rules.lock_member(new.member_id);
  select * into alert from data.alerts a where a.member_id = new.member_id and a.kind = 'help' and a.state <> 'resolved' for no key update;
  if not found then
    alert := rules.raise_help(new.member_id, at);
  elsif alert.state = 'acknowledged' or rules.may_tell_again(alert, at) then
    perform rules.resume_escalation(alert, 'help', null, at);
  end if;
  new.alert_id := alert.id;
  new.requested_at := at;
  perform audit.append('help.requested', new.member_id, alert.id);
  return new;
end;
$$;
alter function rules.tg_help_requests__raise() owner to pruuf_engine;
comment on function rules.tg_help_requests__raise() is 'R6.2 a call for help is an alert at once, without grace, on a break and without a schedule; a second one within it adds to it, and tells everyone again if the last telling is not just over.';

create or replace function rules.raise_help(member uuid, at timestamptz) returns data.alerts
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  first record := rules.round_due(member, 0);
  time_zone text := coalesce((select s.time_zone from data.schedules s where s.member_id = member and s.superseded_at is null), 'UTC');
  facts jsonb := rules.alarm_facts(member, first.whom, time_zone);
  alert data.alerts;
begin
  insert into data.alerts (member_id, kind, raised_at, next_step_at, facts)
  values (member, 'help', at,
          -- Where nobody can be told the next step is due at once: it says so to operations.
          case when facts -> 'contacts' = '[]' then at else at + make_interval(mins => first.next_minutes) end,
          facts || jsonb_build_object('time_zone', time_zone, 'raised_local', rules.iso_local(at, time_zone)))
  returning * into alert;
  insert into data.notifications (user_id, kind, cause, alert_id, created_at)
  select (c ->> 'id')::uuid, 'help', alert.id::text, alert.id, at from jsonb_array_elements(facts -> 'contacts') c;
  return alert;
end;
$$;
comment on function rules.raise_help(uuid, timestamptz) is 'R6.2 the alert of a call for help, and what the Contacts of its first round are told.';
grant execute on function rules.raise_help(uuid, timestamptz) to pruuf_engine;

create or replace function rules.may_tell_again(alert data.alerts, at timestamptz) returns boolean
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return at >= coalesce(alert.resumed_at, alert.raised_at) + make_interval(secs => rules.policy('told_again_after'));
end;
$$;
comment on function rules.may_tell_again(data.alerts, timestamptz) is 'R6.2 whether a call for help, or for more, is a new one: a finger that presses ten times in a minute has pressed once.';
grant execute on function rules.may_tell_again(data.alerts, timestamptz) to pruuf_engine;

create or replace function rules.alert_zone(alert data.alerts) returns text
language plpgsql immutable parallel safe security invoker set search_path = ''
as $$
begin
  return coalesce(alert.facts -> 'due' ->> 'time_zone', alert.facts ->> 'time_zone', 'UTC');
end;
$$;
comment on function rules.alert_zone(data.alerts) is 'Whose nine o''clock an alert''s texts speak of.';
grant execute on function rules.alert_zone(data.alerts) to pruuf_user, pruuf_worker, pruuf_engine;
