create or replace function rules.own_contacts() returns setof data.connections
language sql stable security definer set search_path = ''
as $$ select * from data.connections c where c.member_id = rules.current_user_id() and c.ended_at is null $$;
alter function rules.own_contacts() owner to pruuf_engine;
comment on function rules.own_contacts() is 'R3.5 the caller''s Contacts with their tiers, which are not the Contacts'' to read.';
grant execute on function rules.own_contacts() to pruuf_user, pruuf_engine;

create or replace function rules.contact_shape(c data.connections) returns jsonb
language sql stable security invoker set search_path = ''
as $$
  select jsonb_build_object('user_id', c.contact_id, 'name', u.name, 'tier', c.tier, 'connected_at', c.connected_at)
    from data.users u where u.id = c.contact_id
$$;
comment on function rules.contact_shape(data.connections) is 'R3.5 a Contact as the Member sees them.';
grant execute on function rules.contact_shape(data.connections) to pruuf_user, pruuf_engine;

create or replace function api.list_contacts() returns jsonb
language sql stable security invoker set search_path = ''
as $$
  select jsonb_build_object('items', coalesce(jsonb_agg(rules.contact_shape(c) order by c.connected_at, c.id), '[]'))
    from rules.own_contacts() c where rules.signed_in_user_id() is not null
$$;
comment on function api.list_contacts() is 'GET /v1/me/contacts; at most [10], so one page';
grant execute on function api.list_contacts() to pruuf_user;

create or replace function api.update_contact(contact_id uuid, tier text) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
  connection data.connections;
begin
  perform rules.lock_connections(me, update_contact.contact_id);
  select * into connection from rules.own_contacts() c where c.contact_id = update_contact.contact_id;
  if not found then
    perform rules.refuse_unknown('Contact');
  end if;
  if connection.tier <> update_contact.tier then
    if connection.tier = 'primary' and not exists (select from rules.own_contacts() c where c.id <> connection.id and c.tier = 'primary') then
      raise exception 'last-primary-contact' using errcode = 'UF409', detail = 'Somebody must be told at once. Make another Contact primary first.';
    end if;
    update data.connections c set tier = update_contact.tier where c.id = connection.id returning * into connection;
    perform audit.append('contact.tier_changed', me, connection.id, jsonb_build_object('tier', connection.tier));
  end if;
  return rules.contact_shape(connection);
end;
$$;
alter function api.update_contact(uuid, text) owner to pruuf_engine;
comment on function api.update_contact(uuid, text) is 'PATCH /v1/me/contacts/{user_id}. R3.5 one Contact at least stays primary; without a tier nothing changes.';
grant execute on function api.update_contact(uuid, text) to pruuf_user;

create or replace function api.remove_contact(contact_id uuid) returns jsonb
language sql volatile security invoker set search_path = ''
as $$ select rules.end_connection(rules.signed_in_user_id(), contact_id) $$;
comment on function api.remove_contact(uuid) is 'DELETE /v1/me/contacts/{user_id}';
grant execute on function api.remove_contact(uuid) to pruuf_user;
