create or replace function rules.linked_device_shape(d data.linked_devices) returns jsonb
language plpgsql stable parallel safe security invoker set search_path = ''
as $$
begin
  return jsonb_build_object('id', d.id, 'name', d.name, 'linked_at', d.linked_at);
end;
$$;
comment on function rules.linked_device_shape(data.linked_devices) is 'R4.8 a linked device as its owner sees it.';
grant execute on function rules.linked_device_shape(data.linked_devices) to pruuf_user, pruuf_engine;

create or replace function api.list_linked_devices() returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return jsonb_build_object('items', (select coalesce(jsonb_agg(rules.linked_device_shape(d) order by d.id), '[]')
                                        from data.linked_devices d where d.user_id = rules.signed_in_user_id()));
end;
$$;
comment on function api.list_linked_devices() is 'GET /v1/me/linked-devices; at most [10], so one page';
grant execute on function api.list_linked_devices() to pruuf_user;

create or replace function api.link_device(linked_device_id uuid, name text, token_hash bytea, sealed_token bytea) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
  made data.linked_devices;
begin
  perform pg_advisory_xact_lock(hashtextextended('linked devices ' || me, 0));
  if (select count(*) from data.linked_devices d where d.user_id = me) >= rules.policy('linked_devices_per_user') then
    raise exception 'too-many-linked-devices' using errcode = 'UF409', detail = format('At most %s devices can be linked.', rules.policy('linked_devices_per_user'));
  end if;
  insert into data.linked_devices (id, user_id, name, token_hash, linked_at)
  values (link_device.linked_device_id, me, btrim(link_device.name), link_device.token_hash, rules.clock()) returning * into made;
  perform audit.append('linked_device.linked', me, made.id);
  return rules.linked_device_shape(made) || jsonb_build_object('sealed_token', encode(link_device.sealed_token, 'base64'));
end;
$$;
alter function api.link_device(uuid, text, bytea, bytea) owner to pruuf_engine;
comment on function api.link_device(uuid, text, bytea, bytea) is 'POST /v1/me/linked-devices. R4.8 what it answers has the token, sealed: the server shows it this once.';
grant execute on function api.link_device(uuid, text, bytea, bytea) to pruuf_user;

create or replace function api.unlink_device(linked_device_id uuid) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
begin
  delete from data.linked_devices d where d.id = linked_device_id and d.user_id = me;
  if not found then
    perform rules.refuse_unknown('device');
  end if;
  perform audit.append('linked_device.unlinked', me, linked_device_id);
  return jsonb_build_object();
end;
$$;
alter function api.unlink_device(uuid) owner to pruuf_engine;
comment on function api.unlink_device(uuid) is 'DELETE /v1/me/linked-devices/{id}. R4.8 its token is worth nothing from then on.';
grant execute on function api.unlink_device(uuid) to pruuf_user;

create or replace function api.find_linked_device(token_hash bytea) returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
declare
  found_one data.linked_devices;
begin
  select d.* into found_one from data.linked_devices d join data.users u on u.id = d.user_id
   where d.token_hash = find_linked_device.token_hash and u.deleted_at is null;
  if not found then
    perform rules.refuse_unknown('device');
  end if;
  return jsonb_build_object('linked_device_id', found_one.id, 'user_id', found_one.user_id);
end;
$$;
alter function api.find_linked_device(bytea) owner to pruuf_engine;
comment on function api.find_linked_device(bytea) is 'POST /v1/linked-devices/check-ins. R4.8 whose device speaks.';
grant execute on function api.find_linked_device(bytea) to pruuf_anon;

create or replace function api.check_in_by_device(linked_device_id uuid) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
  said jsonb;
begin
  if not exists (select from data.linked_devices d where d.id = linked_device_id and d.user_id = me) then
    perform rules.refuse_unknown('device');
  end if;
  said := rules.say_ok(me, 'device', null);
  return jsonb_build_object('answer', said ->> 'answer', 'next', (select rules.obligation_shape(o) from data.obligations o where o.member_id = me and o.state = 'open'));
end;
$$;
alter function api.check_in_by_device(uuid) owner to pruuf_engine;
comment on function api.check_in_by_device(uuid) is 'POST /v1/linked-devices/check-ins. R4.8 a press of this moment, as one in the app. security definer: how a check-in came is not the user''s to say.';
grant execute on function api.check_in_by_device(uuid) to pruuf_user;
