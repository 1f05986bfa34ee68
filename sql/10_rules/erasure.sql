create or replace function rules.finish_deletion(person uuid, at timestamptz) returns boolean
language plpgsql volatile security definer set search_path = ''
as $$
declare
  since timestamptz;
begin
  -- Whoever signs in just now has it restored: then there is nothing to finish.
  select u.deleted_at into since from data.users u where u.id = person and u.deleted_at is not null for update skip locked;
  if since is null then
    return false;
  end if;
  perform rules.part_ways(person, at);
  if since > at - make_interval(days => rules.policy('account_return'))
     or exists (select from data.connections c where person in (c.member_id, c.contact_id) and c.ended_at is null) then
    return false;
  end if;
  while not rules.erase_bulk(person, 1000) loop
    if not rules.has_time_left() then
      return false;
    end if;
  end loop;
  perform audit.forget_ips(person);
  perform rules.erase_account(person);
  perform audit.append('account.erased', person, person);
  return true;
end;
$$;
alter function rules.finish_deletion(uuid, timestamptz) owner to pruuf_engine;
comment on function rules.finish_deletion(uuid, timestamptz) is 'R2.6 ends what a deleted account still held for an alert that is over now, and erases it [30] days after its deletion; not while its Contacts still look for it. Says whether it was erased.';
grant execute on function rules.finish_deletion(uuid, timestamptz) to pruuf_worker;

create or replace function rules.erase_bulk(person uuid, most integer) returns boolean
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  delete from data.notifications n where n.id in (
    select o.id from data.notifications o where o.user_id = person limit most);
  if found then
    return false;
  end if;
  delete from data.check_ins c where c.id in (
    select o.id from data.check_ins o where o.member_id = person limit most);
  if found then
    return false;
  end if;
  delete from data.obligations b where b.id in (
    select o.id from data.obligations o where o.member_id = person limit most);
  return not found;
end;
$$;
comment on function rules.erase_bulk(uuid, integer) is 'R2.6, R9.5 erases what there is much of after years, some at a time: an erasure as a whole would outlast its time-out. True when nothing of it is left.';
grant execute on function rules.erase_bulk(uuid, integer) to pruuf_engine;

create or replace function rules.erase_account(person uuid) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  lookups bytea[];
begin
  -- Against `pruuf keys rotate`: what is found by its lookup below must not get another one meanwhile.
  perform rules.lock_address(array(
    select a.lookup from data.addresses a where a.user_id = person union select i.lookup from data.invitations i where i.inviter_id = person));
  lookups := array(select a.lookup from data.addresses a where a.user_id = person);
  perform rules.erase_name(person, lookups, rules.knew(person, lookups));
  delete from data.notifications n where n.address_lookup = any (lookups);
  delete from data.notifications n using data.invitations i
   where i.inviter_id = person and n.address_lookup = i.lookup and n.facts ->> 'code_id' = i.id::text;
  delete from data.invitations i where i.inviter_id = person or i.accepted_by = person or i.lookup = any (lookups);
  delete from data.one_time_codes c where c.kind in ('email', 'phone') and c.lookup = any (lookups);
  delete from data.unknown_sign_ins u where u.kind in ('email', 'phone') and u.lookup = any (lookups);
  -- Also where somebody else has written one down as theirs, and never proved it.
  delete from data.addresses a where a.lookup = any (lookups) and a.user_id <> person;
  -- The foreign keys take everything that is only this person's.
  -- What was made since the others were erased: a message has no foreign key to its reader.
  delete from data.notifications n where n.user_id = person;
  delete from data.alarm_places p where p.user_id = person;
  delete from data.users u where u.id = person;
end;
$$;
comment on function rules.erase_account(uuid) is 'R2.6 nothing is left of a person but ids in the trail.';
grant execute on function rules.erase_account(uuid) to pruuf_engine;

create or replace function rules.knew(person uuid, lookups bytea[]) returns uuid[]
language sql stable security invoker set search_path = ''
as $$
  with near as (
    select case c.member_id when person then c.contact_id else c.member_id end as id
      from data.connections c where person in (c.member_id, c.contact_id))
  select array(
    select n.id from near n
    union select c.member_id from data.connections c where c.contact_id in (select n.id from near n)
    union select c.contact_id from data.connections c where c.member_id in (select n.id from near n)
    union select i.inviter_id from data.invitations i where i.lookup = any (lookups)
    union select a.user_id from data.addresses a where a.lookup = any (lookups))
$$;
comment on function rules.knew(uuid, bytea[]) is 'R2.6 who may have been told a name or an address: whoever was ever connected, their others (Contacts of one Member are told of each other), and whoever wrote the address down.';
grant execute on function rules.knew(uuid, bytea[]) to pruuf_engine;

create or replace function rules.erase_name(person uuid, lookups bytea[], readers uuid[]) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  mention text := '%' || person || '%';
begin
  update data.alerts a
     set facts = rules.without_name(a.facts, person), note = case when a.resolved_by = person then null else a.note end
   where a.member_id = any (readers) and a.member_id <> person and (a.facts::text like mention or a.resolved_by = person);
  update data.notifications n set facts = rules.without_name(n.facts, person)
   where n.user_id = any (readers) and n.user_id <> person and n.facts::text like mention;
  delete from data.idempotency_keys k
   where k.user_id = any (readers)
     and (k.answer::text like mention or exists (select from unnest(lookups) as l where position(encode(l, 'base64') in k.answer::text) > 0));
end;
$$;
comment on function rules.erase_name(uuid, bytea[], uuid[]) is 'R2.6 takes a name, and words that its owner wrote, out of what others were told.';
grant execute on function rules.erase_name(uuid, bytea[], uuid[]) to pruuf_engine;

create or replace function rules.without_name(facts jsonb, person uuid) returns jsonb
language plpgsql immutable parallel safe security invoker set search_path = ''
as $$
begin
  if jsonb_typeof(facts) = 'array' then
    return (select coalesce(jsonb_agg(rules.without_name(f.fact, person) order by f.place), '[]') from jsonb_array_elements(facts) with ordinality as f (fact, place));
  elsif jsonb_typeof(facts) <> 'object' then
    return facts;
  end if;
  return (select coalesce(jsonb_object_agg(f.key, rules.without_name(f.value, person)), '{}') from jsonb_each(facts) f)
    || case when facts ->> 'id' = person::text and facts ? 'name' then jsonb_build_object('name', 'Deleted account') else '{}' end
    || case when facts -> 'by' ->> 'id' = person::text and facts ? 'note' then jsonb_build_object('note', null) else '{}' end;
end;
$$;
comment on function rules.without_name(jsonb, uuid) is 'Facts without the name of one person, wherever it stands beside their id, and without the note of what they did.';
grant execute on function rules.without_name(jsonb, uuid) to pruuf_engine;
