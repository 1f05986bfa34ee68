create or replace function rules.check_in_page(o data.obligations) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
declare
  me data.users := rules.my_account();
  at timestamptz := rules.clock();
  expected data.obligations;
begin
  select n.* into expected from data.obligations n where n.member_id = o.member_id and n.state = 'open';
  return jsonb_build_object(
    'language', me.language, 'recipient', jsonb_build_object('id', me.id, 'name', me.name),
    'state', o.state, 'is_awaited', rules.is_awaited(o, at), 'is_late', at >= o.due_at, 'due', rules.slot_shape(o), 'alert_local_time', rules.iso_local(o.alert_at, o.time_zone),
    'checked_in_local', (select rules.iso_local(c.received_at, o.time_zone) from data.obligations_met m join data.check_ins c on c.id = m.check_in_id where m.obligation_id = o.id),
    'has_alert', exists (select from data.alerts a where a.obligation_id = o.id and a.state <> 'resolved'),
    'next', case when expected.id <> o.id then rules.slot_shape(expected) end);
end;
$$;
comment on function rules.check_in_page(data.obligations) is 'R4.8 what the page that a reminder links to shows to its Member.';
grant execute on function rules.check_in_page(data.obligations) to pruuf_user;

create or replace function api.show_check_in_page(delivery_id uuid) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return rules.check_in_page(rules.check_in_of_link(delivery_id));
end;
$$;
comment on function api.show_check_in_page(uuid) is 'GET /a/{token}. R4.8 the page of a reminder shows and changes nothing: mail scanners follow links.';
grant execute on function api.show_check_in_page(uuid) to pruuf_user;

create or replace function api.act_on_check_in_page(delivery_id uuid, action text) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  asked data.obligations := rules.check_in_of_link(delivery_id);
begin
  if action is distinct from 'check_in' then
    perform api.confirm_delivery(delivery_id);
    return rules.check_in_page(asked) || jsonb_build_object('problem', jsonb_build_object('code', 'invalid', 'status', 422));
  end if;
  perform rules.check_in_by_link(delivery_id);
  -- Only a person gets here. Deliveries are locked last (docs/architecture.md).
  perform api.confirm_delivery(delivery_id);
  select o.* into asked from data.obligations o where o.id = asked.id;
  return rules.check_in_page(asked) || jsonb_build_object('is_done', true);
end;
$$;
comment on function api.act_on_check_in_page(uuid, text) is 'POST /a/{token}. R4.8 the button of that page is a check-in, of what the reminder asked for and of nothing later.';
grant execute on function api.act_on_check_in_page(uuid, text) to pruuf_user;
