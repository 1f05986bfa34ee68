create or replace function rules.visible_alert(alert uuid) returns data.alerts
language plpgsql stable security invoker set search_path = ''
as $$
declare
  found_alert data.alerts;
begin
  perform rules.signed_in_user_id();
  select * into found_alert from data.alerts a where a.id = alert;
  if not found then
    perform rules.refuse_unknown('alert');
  end if;
  return found_alert;
end;
$$;
comment on function rules.visible_alert(uuid) is 'An alert that the caller''s policies let them see, or a refusal.';
grant execute on function rules.visible_alert(uuid) to pruuf_user;

create or replace function api.list_alerts(cursor uuid, size integer, only_unresolved boolean) returns jsonb
language sql stable security invoker set search_path = ''
as $$
  -- Member by Member: the newest alerts of everybody would be read to find a few.
  select rules.page(array(
    select rules.alert_shape(own.alert)
      from (select rules.signed_in_user_id() as id union select rules.watched_member_ids()) as member
     cross join lateral (
        (select a as alert from data.alerts a
          where only_unresolved and a.member_id = member.id and a.state <> 'resolved'
            and (list_alerts.cursor is null or a.id < list_alerts.cursor)
          order by a.id desc limit size + 1)
        union all
        (select a from data.alerts a
          where not only_unresolved and a.member_id = member.id
            and (list_alerts.cursor is null or a.id < list_alerts.cursor)
          order by a.id desc limit size + 1)) as own
     order by (own.alert).id desc limit size + 1), size)
$$;
comment on function api.list_alerts(uuid, integer, boolean) is 'GET /v1/alerts: the caller''s own and those of the Members they watch, the newest first';
grant execute on function api.list_alerts(uuid, integer, boolean) to pruuf_user;

create or replace function api.get_alert(alert_id uuid) returns jsonb
language sql stable security invoker set search_path = ''
as $$ select rules.alert_shape(rules.visible_alert(alert_id)) $$;
comment on function api.get_alert(uuid) is 'GET /v1/alerts/{id}';
grant execute on function api.get_alert(uuid) to pruuf_user;

create or replace function rules.act_on_alert(alert uuid, action text, arrives_at timestamptz, outcome text, note text) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  seen data.alerts := rules.visible_alert(alert);
begin
  if seen.member_id = rules.current_user_id() then
    raise exception 'only-a-contact-may' using errcode = 'UF403', detail = 'Only a Contact can do this. Check in to say that you are OK.';
  end if;
  if seen.state = 'resolved' then
    raise exception 'alert-is-over' using errcode = 'UF409', detail = 'This alert is already over.';
  elsif act_on_alert.action = 'acknowledge' and seen.state = 'acknowledged' and seen.acknowledged_by is distinct from rules.current_user_id() then
    raise exception 'alert-has-an-owner' using errcode = 'UF409', detail = 'Somebody else already has this alert.';
  end if;
  insert into data.alert_actions (alert_id, user_id, action, arrives_at, outcome, note)
  values (seen.id, rules.current_user_id(), act_on_alert.action, act_on_alert.arrives_at, act_on_alert.outcome, act_on_alert.note);
  return rules.alert_shape(rules.visible_alert(alert));
end;
$$;
comment on function rules.act_on_alert(uuid, text, timestamptz, text, text) is 'R6.4, R6.5 what a Contact does about an alert; a trigger on data.alert_actions draws the consequences.';
grant execute on function rules.act_on_alert(uuid, text, timestamptz, text, text) to pruuf_user;

create or replace function api.acknowledge_alert(alert_id uuid, arrives_at timestamptz) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  seen data.alerts := rules.visible_alert(alert_id);
begin
  if seen.state = 'acknowledged' and seen.acknowledged_by = rules.current_user_id() and seen.owner_asked_at is null then
    return rules.alert_shape(seen);
  end if;
  return rules.act_on_alert(acknowledge_alert.alert_id, 'acknowledge', acknowledge_alert.arrives_at, null, null);
end;
$$;
comment on function api.acknowledge_alert(uuid, timestamptz) is 'POST /v1/alerts/{id}/acknowledge. R6.4 the first one wins; the owner may say it twice, and answers so when asked.';
grant execute on function api.acknowledge_alert(uuid, timestamptz) to pruuf_user;

create or replace function api.close_alert(alert_id uuid, outcome text, note text) returns jsonb
language sql volatile security invoker set search_path = ''
as $$ select rules.act_on_alert(alert_id, 'close', null, outcome, note) $$;
comment on function api.close_alert(uuid, text, text) is 'POST /v1/alerts/{id}/close. R6.5';
grant execute on function api.close_alert(uuid, text, text) to pruuf_user;

create or replace function api.needs_more_help(alert_id uuid) returns jsonb
language sql volatile security invoker set search_path = ''
as $$ select rules.act_on_alert(alert_id, 'needs_more_help', null, null, null) $$;
comment on function api.needs_more_help(uuid) is 'POST /v1/alerts/{id}/needs-more-help. R6.4 whoever has it, or any Contact: everyone is told at once, and it escalates again.';
grant execute on function api.needs_more_help(uuid) to pruuf_user;

create or replace function api.request_help(position_id uuid default null, sealed_position bytea default null) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  request data.help_requests;
begin
  insert into data.help_requests (member_id) values (rules.signed_in_user_id()) returning * into request;
  perform rules.keep_position(position_id, sealed_position, null, request.id);
  return rules.alert_shape(rules.visible_alert(request.alert_id));
end;
$$;
comment on function api.request_help(uuid, bytea) is 'POST /v1/me/help-requests. R6.2 at once, for whoever asks; gives the alert. R4.8 with where they are, if they have chosen so.';
grant execute on function api.request_help(uuid, bytea) to pruuf_user;

create or replace function api.cancel_alert(alert_id uuid) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  seen data.alerts := rules.visible_alert(cancel_alert.alert_id);
begin
  if seen.member_id <> rules.current_user_id() then
    raise exception 'only-the-member-may' using errcode = 'UF403', detail = 'Only the Member can take back a call for help. You can close it.';
  elsif seen.kind <> 'help' then
    raise exception 'not-a-call-for-help' using errcode = 'UF409', detail = 'Nobody called for help. Check in to say that you are OK.';
  elsif seen.resolved_how is distinct from 'cancelled' then
    insert into data.alert_actions (alert_id, user_id, action) values (seen.id, rules.current_user_id(), 'cancel');
  end if;
  return rules.alert_shape(rules.visible_alert(seen.id));
end;
$$;
comment on function api.cancel_alert(uuid) is 'POST /v1/alerts/{id}/cancel. R6.2 only the Member, and only a call for help; saying it twice is saying it once.';
grant execute on function api.cancel_alert(uuid) to pruuf_user;

create or replace function api.get_alert_timeline(alert_id uuid) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
declare
  seen data.alerts := rules.visible_alert(get_alert_timeline.alert_id);
begin
  return jsonb_build_object('alert', rules.alert_shape(seen), 'time_zone', rules.alert_zone(seen), 'items', rules.timeline(seen.id));
end;
$$;
comment on function api.get_alert_timeline(uuid) is 'GET /v1/alerts/{id}/timeline. R6.8';
grant execute on function api.get_alert_timeline(uuid) to pruuf_user;

create or replace function api.export_alert_timeline(alert_id uuid) returns jsonb
language sql stable security invoker set search_path = ''
as $$ select api.get_alert_timeline(alert_id) $$;
comment on function api.export_alert_timeline(uuid) is 'GET /v1/alerts/{id}/timeline.csv. R6.8 the same, for a table';
grant execute on function api.export_alert_timeline(uuid) to pruuf_user;
