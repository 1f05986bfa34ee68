create or replace function rules.lock_address(lookups bytea[]) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  perform pg_advisory_xact_lock(k) from (select hashtextextended('address ' || encode(l, 'hex'), 0) as k from unnest(lookups) as l order by k) as locks;
end;
$$;
comment on function rules.lock_address(bytea[]) is 'R9.3 whoever holds this sees the rows of an address keep the lookup that they have. Always before a row is locked.';
grant execute on function rules.lock_address(bytea[]) to pruuf_engine, pruuf_keeper;

create or replace function rules.known_address(kind text, lookups bytea[], sealeds bytea[], out lookup bytea, out sealed bytea)
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  place integer := 1;
begin
  -- One key, as nearly always: nothing to find out.
  if cardinality(lookups) > 1 then
    perform rules.lock_address(lookups);
    select coalesce(min(array_position(lookups, f.known)), 1) into place from (
      select a.lookup as known from data.addresses a where a.kind = known_address.kind and a.lookup = any (lookups)
      union all select c.lookup from data.one_time_codes c where c.kind = known_address.kind and c.lookup = any (lookups)
      union all select i.lookup from data.invitations i where i.kind = known_address.kind and i.lookup = any (lookups)
      union all select n.address_lookup from data.notifications n where n.address_kind = known_address.kind and n.address_lookup = any (lookups)) as f;
  end if;
  lookup := lookups[place];
  sealed := sealeds[place];
end;
$$;
comment on function rules.known_address(text, bytea[], bytea[]) is 'R9.3 while keys are rotated: under which of the keys an address is known, else under the first. The lock makes that true until the commit, so that no address is ever written down under two.';
grant execute on function rules.known_address(text, bytea[], bytea[]) to pruuf_engine;
