create or replace function jobs.code_keys() returns setof jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return query select jsonb_build_object('id', k.id, 'sealed', encode(k.sealed, 'hex')) from data.code_keys k;
end;
$$;
comment on function jobs.code_keys() is 'R9.3 what is kept of data keys that were rotated away; a server reads it when it starts.';
grant execute on function jobs.code_keys() to pruuf_worker;

create or replace function jobs.addresses_to_move(key_id bytea, after bytea, most integer) returns table (kind text, lookup bytea, sealed bytea)
language plpgsql stable security invoker set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select distinct on (f.lookup) f.kind, f.lookup, f.sealed from (
    (select kind, lookup, sealed from data.addresses where lookup > after and substr(sealed, 2, 4) <> key_id order by lookup limit most)
    union all
    (select kind, lookup, sealed from data.one_time_codes where lookup > after and substr(sealed, 2, 4) <> key_id order by lookup limit most)
    union all
    (select kind, lookup, sealed from data.invitations where lookup > after and substr(sealed, 2, 4) <> key_id order by lookup limit most)
    union all
    (select address_kind, address_lookup, address_sealed from data.notifications
      where address_lookup > after and substr(address_sealed, 2, 4) <> key_id order by address_lookup limit most)) as f
   order by f.lookup limit most;
end;
$$;
comment on function jobs.addresses_to_move(bytea, bytea, integer) is 'R9.3 the next addresses that are not sealed under the key of this id, in the order of their lookups.';
grant execute on function jobs.addresses_to_move(bytea, bytea, integer) to pruuf_keeper;

create or replace function jobs.move_address(kind text, lookup bytea, new_lookup bytea, new_sealed bytea) returns boolean
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  has_moved boolean;
begin
  perform rules.lock_address(array[lookup, new_lookup]);
  -- Codes first: an account is made, and recovered, by whoever has locked a row of them. Addresses last: alerts need those.
  update data.one_time_codes c set lookup = new_lookup, sealed = new_sealed where c.kind = move_address.kind and c.lookup = move_address.lookup;
  has_moved := found;
  update data.invitations i set lookup = new_lookup, sealed = new_sealed where i.kind = move_address.kind and i.lookup = move_address.lookup;
  has_moved := has_moved or found;
  update data.notifications n set address_lookup = new_lookup, address_sealed = new_sealed
   where n.address_kind = move_address.kind and n.address_lookup = move_address.lookup;
  has_moved := has_moved or found;
  update data.unknown_sign_ins u set lookup = new_lookup where u.kind = move_address.kind and u.lookup = move_address.lookup;
  update data.addresses a set lookup = new_lookup, sealed = new_sealed where a.kind = move_address.kind and a.lookup = move_address.lookup;
  return has_moved or found;
end;
$$;
comment on function jobs.move_address(text, bytea, bytea, bytea) is 'R9.3 everything of one address under a new key, at once: rows that are found by each other''s lookup never part. False when another has done it.';
grant execute on function jobs.move_address(text, bytea, bytea, bytea) to pruuf_keeper;
