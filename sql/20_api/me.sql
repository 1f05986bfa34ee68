create or replace function rules.my_account() returns data.users
language sql stable security definer set search_path = ''
as $$ select * from data.users u where u.id = rules.current_user_id() $$;
alter function rules.my_account() owner to pruuf_engine;
comment on function rules.my_account() is 'The caller''s own row: to others only id and name are granted (R3.4).';
grant execute on function rules.my_account() to pruuf_user;

create or replace function api.get_me() returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
  answer jsonb;
begin
  select jsonb_build_object(
      'id', u.id, 'name', u.name, 'language', u.language, 'created_at', u.created_at,
      'contacts', (select count(*) from data.connections c where c.member_id = me and c.ended_at is null),
      'members', (select count(*) from data.connections c where c.contact_id = me and c.ended_at is null))
    into answer from rules.my_account() u where u.id is not null;
  if not found then
    raise exception 'not-signed-in' using errcode = 'UF401', detail = 'This account is gone. Sign in again.';
  end if;
  return answer;
end;
$$;
comment on function api.get_me() is 'GET /v1/me';
grant execute on function api.get_me() to pruuf_user, pruuf_engine;

create or replace function api.update_me(name text, language text, if_match text default null) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
  before data.users;
  after data.users;
begin
  select * into before from data.users u where u.id = me for no key update;
  perform rules.require_match(api.get_me(), if_match);
  update data.users u set name = coalesce(btrim(update_me.name), u.name), language = coalesce(update_me.language, u.language)
   where u.id = me returning * into after;
  if before is distinct from after then
    perform audit.append('account.changed', me, me, jsonb_build_object(
      'name', before.name <> after.name, 'language', before.language <> after.language));
  end if;
  return api.get_me();
end;
$$;
alter function api.update_me(text, text, text) owner to pruuf_engine;
comment on function api.update_me(text, text, text) is 'PATCH /v1/me: what is null stays. The trail says what was changed, not into what.';
grant execute on function api.update_me(text, text, text) to pruuf_user;

create or replace function rules.address_shape(a data.addresses) returns jsonb
language sql stable security invoker set search_path = ''
as $$
  select jsonb_build_object('id', a.id, 'kind', a.kind, 'sealed', encode(a.sealed, 'base64'), 'lookup', encode(a.lookup, 'base64'),
                            'verified_at', a.verified_at, 'off_at', a.off_at, 'off_reason', a.off_reason)
$$;
comment on function rules.address_shape(data.addresses) is 'An address of the caller; the server opens what is sealed.';
grant execute on function rules.address_shape(data.addresses) to pruuf_user, pruuf_engine;

create or replace function api.list_addresses() returns jsonb
language sql stable security invoker set search_path = ''
as $$
  select jsonb_build_object('items', coalesce(jsonb_agg(rules.address_shape(a) order by a.id), '[]'))
    from data.addresses a where a.user_id = rules.signed_in_user_id()
$$;
comment on function api.list_addresses() is 'GET /v1/me/addresses';
grant execute on function api.list_addresses() to pruuf_user;

create or replace function api.add_address(
  kind text, lookup bytea, sealed bytea, code_id uuid, code_hash bytea, other_lookups bytea[] default '{}', other_sealeds bytea[] default '{}') returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
#variable_conflict use_column
declare
  me uuid := rules.signed_in_user_id();
  at timestamptz := rules.clock();
  address data.addresses;
  refusal jsonb;
begin
  perform pg_advisory_xact_lock(hashtextextended('addresses ' || me, 0));
  select k.lookup, k.sealed into add_address.lookup, add_address.sealed
    from rules.known_address(add_address.kind, array_prepend(add_address.lookup, other_lookups), array_prepend(add_address.sealed, other_sealeds)) as k;
  if (select count(*) from data.addresses a where a.user_id = me and (a.kind, a.lookup) <> (add_address.kind, add_address.lookup)) >= rules.policy('addresses_per_user') then
    raise exception 'too-many-addresses' using errcode = 'UF409', detail = format('A user has at most %s addresses.', rules.policy('addresses_per_user'));
  end if;
  select * into address from data.addresses a where a.user_id = me and a.kind = add_address.kind and a.lookup = add_address.lookup;
  if address.verified_at is null then
    refusal := rules.refuse_code(add_address.kind, add_address.lookup, at);
    if refusal is not null then
      return refusal;
    end if;
    insert into data.addresses as a (user_id, kind, lookup, sealed, created_at)
    values (me, add_address.kind, add_address.lookup, add_address.sealed, at)
    on conflict (user_id, kind, lookup) do update set sealed = excluded.sealed
    returning * into address;
    perform rules.send_code(add_address.code_id, address.kind, address.lookup, address.sealed, add_address.code_hash, at);
    perform audit.append('address.added', me, address.id);
  end if;
  return rules.address_shape(address);
end;
$$;
alter function api.add_address(text, bytea, bytea, uuid, bytea, bytea[], bytea[]) owner to pruuf_engine;
comment on function api.add_address(text, bytea, bytea, uuid, bytea, bytea[], bytea[]) is 'POST /v1/me/addresses. R7.6 an address is used only once a code sent to it came back.';
grant execute on function api.add_address(text, bytea, bytea, uuid, bytea, bytea[], bytea[]) to pruuf_user;

create or replace function api.get_address(address_id uuid) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
declare
  address data.addresses;
begin
  select * into address from data.addresses a where a.id = address_id and a.user_id = rules.signed_in_user_id();
  if not found then
    perform rules.refuse_unknown('address');
  end if;
  return rules.address_shape(address);
end;
$$;
comment on function api.get_address(uuid) is 'One address of the caller: what a typed code is hashed with.';
grant execute on function api.get_address(uuid) to pruuf_user;

create or replace function api.verify_address(address_id uuid, code_hash bytea, other_code_hashes bytea[] default '{}') returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
  at timestamptz := rules.clock();
  address data.addresses;
  verdict record;
begin
  perform rules.lock_address(array[a.lookup]) from data.addresses a where a.id = verify_address.address_id and a.user_id = me;
  select * into address from data.addresses a where a.id = verify_address.address_id and a.user_id = me for update;
  if not found then
    perform rules.refuse_unknown('address');
  elsif address.verified_at is not null then
    return rules.address_shape(address);
  end if;
  select * into verdict from rules.check_code(address.kind, address.lookup, array_prepend(verify_address.code_hash, other_code_hashes), at);
  if verdict.refusal is not null then
    return verdict.refusal;
  end if;
  perform rules.tell_address_changed(me, 'added', at);
  -- Used, and kept: it counts among the codes of the hour, and as the newest of its address.
  update data.one_time_codes c set tries_left = 0 where c.id = (verdict.code).id;
  update data.addresses a set verified_at = at, off_at = null, off_reason = null where a.id = address.id returning * into address;
  perform audit.append('address.verified', me, address.id);
  return rules.address_shape(address);
end;
$$;
alter function api.verify_address(uuid, bytea, bytea[]) owner to pruuf_engine;
comment on function api.verify_address(uuid, bytea, bytea[]) is 'POST /v1/me/addresses/{id}/verify. R7.6; that it belongs to another account is said only to whoever holds the code.';
grant execute on function api.verify_address(uuid, bytea, bytea[]) to pruuf_user;

create or replace function rules.is_settled(address data.addresses, at timestamptz) returns boolean
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return address.verified_at <= at - make_interval(hours => rules.policy('address_settles'))
      or address.verified_at is not null
     and not exists (select from data.addresses a where a.user_id = address.user_id and a.verified_at < address.verified_at);
end;
$$;
comment on function rules.is_settled(data.addresses, timestamptz) is 'R2.3 whether an address may stand for the account: the first one does, an added one after a day, in which its owner has heard of it. Who holds a phone for a minute cannot take the account over.';
grant execute on function rules.is_settled(data.addresses, timestamptz) to pruuf_engine;

create or replace function rules.tell_address_changed(person uuid, how text, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  insert into data.notifications (user_id, kind, cause, facts, created_at)
  values (person, 'address_changed', data.new_id()::text, jsonb_build_object('how', how), at);
end;
$$;
comment on function rules.tell_address_changed(uuid, text, timestamptz) is 'R7.6 whoever did not do it themselves must hear of it; called before an address is added, after one is removed.';
grant execute on function rules.tell_address_changed(uuid, text, timestamptz) to pruuf_engine;

create or replace function api.remove_address(address_id uuid) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
  at timestamptz := rules.clock();
  removed data.addresses;
begin
  perform pg_advisory_xact_lock(hashtextextended('addresses ' || me, 0));
  if not exists (select from data.addresses a where a.user_id = me and a.id <> remove_address.address_id and rules.is_settled(a, at)) then
    raise exception 'last-address' using errcode = 'UF409', detail = 'This is the only verified address of the account that is not new. Add another one, and wait a day.';
  end if;
  delete from data.addresses a where a.user_id = me and a.id = remove_address.address_id returning * into removed;
  if not found then
    perform rules.refuse_unknown('address');
  elsif removed.verified_at is not null then
    perform rules.tell_address_changed(me, 'removed', at);
    insert into data.notifications (kind, cause, language, address_kind, address_lookup, address_sealed, facts, created_at)
    values ('address_changed', data.new_id()::text, rules.language_at(removed.kind, removed.lookup), removed.kind, removed.lookup, removed.sealed, '{"how": "this_removed"}', at);
  end if;
  perform audit.append('address.removed', me, remove_address.address_id);
  return jsonb_build_object();
end;
$$;
alter function api.remove_address(uuid) owner to pruuf_engine;
comment on function api.remove_address(uuid) is 'DELETE /v1/me/addresses/{id}. The one that is removed is told as well: it may not have been its owner.';
grant execute on function api.remove_address(uuid) to pruuf_user;

create or replace function api.put_device(device_id uuid, platform text, push_token text, public_key bytea default null) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
  device data.devices;
begin
  -- A phone that changed hands, or an app installed anew, keeps its token under another id.
  delete from data.devices d where d.push_token = put_device.push_token and (d.id <> put_device.device_id or d.user_id <> me);
  insert into data.devices as d (id, user_id, platform, push_token, public_key, registered_at)
  values (put_device.device_id, me, put_device.platform, put_device.push_token, put_device.public_key, rules.clock())
  on conflict (id) do update
    set platform = excluded.platform, push_token = excluded.push_token, public_key = coalesce(excluded.public_key, d.public_key), registered_at = excluded.registered_at, off_at = null, off_reason = null
    where d.user_id = me
  returning * into device;
  if not found then
    perform rules.refuse_unknown('device');
  end if;
  delete from data.devices d where d.id in (
    select v.id from data.devices v where v.user_id = me order by v.registered_at desc, v.id desc offset rules.policy('devices_per_user'));
  perform audit.append('device.registered', me, device.id, jsonb_build_object('signs', device.public_key is not null));
  return rules.device_shape(device);
end;
$$;
alter function api.put_device(uuid, text, text, bytea) owner to pruuf_engine;
comment on function api.put_device(uuid, text, text, bytea) is 'PUT /v1/me/devices/{id}. R7.6 at most [10] a user, the oldest goes first. R4.11 a key that is not said stays.';
grant execute on function api.put_device(uuid, text, text, bytea) to pruuf_user;

create or replace function api.record_heartbeat(device_id uuid, battery_percent smallint, push_allowed boolean) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
  device data.devices;
begin
  -- Before the device, as whoever ends an account does.
  perform from data.alerts a where a.member_id = me and a.state <> 'resolved' order by a.id for no key update;
  update data.devices d
     set seen_at = rules.clock(), battery_percent = record_heartbeat.battery_percent, may_push = coalesce(push_allowed, d.may_push)
   where d.user_id = me and d.id = record_heartbeat.device_id
  returning * into device;
  if not found then
    perform rules.refuse_unknown('device');
  end if;
  update data.alerts a set facts = a.facts || jsonb_build_object('last_seen', rules.last_seen(me, rules.alert_zone(a)))
   where a.member_id = me and a.state <> 'resolved';
  return rules.device_shape(device);
end;
$$;
alter function api.record_heartbeat(uuid, smallint, boolean) owner to pruuf_engine;
comment on function api.record_heartbeat(uuid, smallint, boolean) is 'POST /v1/me/devices/{id}/heartbeat. R4.12 what is not said of the battery is unknown, of pushes as before. Alerts that are not over say it from now on; it is no check-in and ends none.';
grant execute on function api.record_heartbeat(uuid, smallint, boolean) to pruuf_user;

create or replace function api.remove_device(device_id uuid) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
begin
  delete from data.devices d where d.user_id = me and d.id = remove_device.device_id;
  if not found then
    perform rules.refuse_unknown('device');
  end if;
  return jsonb_build_object();
end;
$$;
alter function api.remove_device(uuid) owner to pruuf_engine;
comment on function api.remove_device(uuid) is 'DELETE /v1/me/devices/{id}';
grant execute on function api.remove_device(uuid) to pruuf_user;
