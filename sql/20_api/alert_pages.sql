create or replace function api.find_links(id_end text) returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object('delivery_id', d.id, 'user_id', n.user_id, 'purpose', rules.link_purpose(n))), '[]')
      from data.deliveries d
      join data.notifications n on n.id = d.notification_id
     where right(d.id::text, 10) = id_end and d.channel in ('email', 'sms', 'push') and n.user_id is not null
       -- Of pushes only a reminder's has a link.
       and (d.channel <> 'push' or rules.link_purpose(n) = 'check_in'));
end;
$$;
alter function api.find_links(text) owner to pruuf_engine;
comment on function api.find_links(text) is 'GET and POST /a/{token}. R6.6 the deliveries that a link may be of, nearly always one: the server compares the rest of the token. The rest is then done as their reader.';
grant execute on function api.find_links(text) to pruuf_anon;

create or replace function rules.alert_page(a data.alerts) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
declare
  me data.users := rules.my_account();
  spot data.positions := rules.position_of(a.member_id);
  zone text := coalesce(a.facts -> 'due' ->> 'time_zone', a.facts ->> 'time_zone', 'UTC');
begin
  return rules.alert_shape(a) || jsonb_build_object(
    'language', me.language, 'recipient', jsonb_build_object('id', me.id, 'name', me.name),
    'may_be_attested', a.state <> 'resolved' and exists (
      select from data.obligations o where o.id = a.obligation_id and o.state = 'missed' and o.local_on = (rules.clock() at time zone o.time_zone)::date),
    'also_open', a.state = 'resolved' and rules.has_other_alert(a),
    'has_it', a.state = 'acknowledged' and a.acknowledged_by is not distinct from me.id,
    'ended_it', a.resolved_by is not distinct from me.id,
    'time_zone', zone, 'raised_local', rules.iso_local(a.raised_at, zone), 'acknowledged_local', rules.iso_local(a.acknowledged_at, zone),
    'arrives_local', rules.iso_local(a.arrives_at, zone), 'resolved_local', rules.iso_local(a.resolved_at, zone),
    'phones', rules.phones_in_alert(a.id),
    'position', case when spot.id is not null and a.state <> 'resolved' then rules.position_shape(spot) || jsonb_build_object('local', rules.iso_local(spot.received_at, zone)) end,
    'has_card', a.state <> 'resolved' and exists (select from data.welfare_cards w where w.user_id = a.member_id));
end;
$$;
comment on function rules.alert_page(data.alerts) is 'R6.6, R6.7 what the page of an alert shows to the Contact who asks; R4.8 where its Member was last, while it is open; that there is a welfare card, but nothing of it.';
grant execute on function rules.alert_page(data.alerts) to pruuf_user;

create or replace function api.show_alert_page(delivery_id uuid) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return rules.alert_page(rules.visible_alert(rules.alert_of_link(delivery_id)));
end;
$$;
comment on function api.show_alert_page(uuid) is 'GET /a/{token}. R6.6 shows and changes nothing: mail scanners follow links.';
grant execute on function api.show_alert_page(uuid) to pruuf_user;

create or replace function api.act_on_alert_page(delivery_id uuid, action text, arrives_in_minutes integer, outcome text, note text) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  seen data.alerts := rules.visible_alert(rules.alert_of_link(delivery_id));
  refused jsonb;
  card jsonb;
begin
  begin
    case action
      when 'acknowledge' then
        perform api.acknowledge_alert(seen.id, rules.clock() + make_interval(mins => arrives_in_minutes));
      when 'needs_more_help' then
        perform api.needs_more_help(seen.id);
      when 'attest' then
        if seen.obligation_id is null then
          raise exception 'nothing-to-attest' using errcode = 'UF409', detail = 'Nobody waits for a check-in here.';
        end if;
        perform api.attest_member(seen.member_id, note, seen.obligation_id);
      when 'close' then
        perform api.close_alert(seen.id, outcome, note);
      when 'show_card' then
        card := api.get_member_welfare_card(seen.member_id);
      else
        raise exception 'invalid' using errcode = 'UF422', detail = 'This page has no such button.';
    end case;
  exception when sqlstate 'UF404' or sqlstate 'UF409' or sqlstate 'UF422' then
    refused := jsonb_build_object('code', sqlerrm, 'status', right(sqlstate, 3)::integer);
  when check_violation or not_null_violation then
    refused := '{"code": "invalid", "status": 422}';
  end;
  -- Only a person gets here, whatever was refused. Deliveries are locked last (docs/architecture.md).
  perform api.confirm_delivery(delivery_id);
  seen := rules.visible_alert(seen.id);
  -- Sent twice, it is done: the second time is no mistake.
  if refused ->> 'status' = '409' and rules.current_user_id() = (case when action = 'close' then seen.resolved_by when action = 'acknowledge' and seen.state = 'acknowledged' then seen.acknowledged_by end) then
    refused := null;
  end if;
  return rules.alert_page(seen) || jsonb_build_object('card', card, 'problem', refused);
end;
$$;
comment on function api.act_on_alert_page(uuid, text, integer, text, text) is 'POST /a/{token}. R6.6 a button is one of the app''s operations, called as the message''s reader; R1.5 a look at the welfare card is one, so that no mail scanner sees it. Answers with the page as it is then, and with what was refused.';
grant execute on function api.act_on_alert_page(uuid, text, integer, text, text) to pruuf_user;
