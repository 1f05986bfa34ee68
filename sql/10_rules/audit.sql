grant execute on function audit.ip_digest(inet, bytea), audit.digest(audit.events) to pruuf_engine;

create or replace function audit.append(action text, subject uuid, object uuid default null, details jsonb default '{}') returns void
language plpgsql volatile security definer set search_path = ''
as $$
declare
  came_from inet := rules.caller_ip();
  salt bytea := case when came_from is not null then uuid_send(gen_random_uuid()) end;
  event audit.events;
begin
  insert into audit.events (at, actor, actor_user_id, subject_user_id, action, object_id, request_id, ip, ip_salt, ip_digest, details)
  values (rules.clock(), case when current_setting('role') in ('none', 'pruuf_owner', 'pruuf_engine') then session_user::text else current_setting('role') end,
          rules.current_user_id(), subject, action, object, rules.request_id(), came_from, salt, audit.ip_digest(came_from, salt), details)
  returning * into event;
  insert into audit.unsealed_events (event_at, event_id, digest) values (event.at, event.id, audit.digest(event));
end;
$$;
alter function audit.append(text, uuid, uuid, jsonb) owner to pruuf_engine;
comment on function audit.append(text, uuid, uuid, jsonb) is 'R9.2 the only way into the trail; in the transaction of what it records. details: ids, counts and states, never a name, an address, a PIN, a code, a token or a text.';
grant execute on function audit.append(text, uuid, uuid, jsonb) to pruuf_engine;

create or replace function audit.forget_ips(person uuid) returns bigint
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  forgotten bigint;
begin
  update audit.events e set ip = null, ip_salt = null
   where e.ip is not null and (e.actor_user_id = person or e.actor_user_id is null and e.subject_user_id = person);
  get diagnostics forgotten = row_count;
  perform audit.append('trail.ips_forgotten', person, null, jsonb_build_object('count', forgotten));
  return forgotten;
end;
$$;
comment on function audit.forget_ips(uuid) is 'R9.2 forgets from where somebody acted, when their account is erased; the rows verify as before. From where others acted on them is not theirs.';
grant execute on function audit.forget_ips(uuid) to pruuf_engine;

create or replace function audit.verify(from_place bigint default 1, to_place bigint default null, known_place bigint default null, known_hash bytea default null)
returns table (finding text, place bigint, event_id bigint, detail text)
language plpgsql stable security definer set search_path = ''
as $$
declare
  head bigint := coalesce((select max(s.place) from audit.seals s), 0);
  last_place bigint := least(coalesce(to_place, head), head);
begin
  -- Stable, so that all three see one moment, while the sealer goes on.
  return query
  select * from audit.verify_seals(from_place, last_place)
  union all
  select * from audit.verify_events(from_place, last_place, coalesce(to_place, head) >= head)
  union all
  select case when s.place is null then 'removed' else 'rewritten' end, known_place, s.event_id,
         case when s.place is null then 'the trail was once this long' else 'the trail was another up to this place' end
    from (values (1)) as one left join audit.seals s on s.place = known_place
   where known_place is not null and s.hash is distinct from known_hash;
end;
$$;
alter function audit.verify(bigint, bigint, bigint, bytea) owner to pruuf_engine;
comment on function audit.verify(bigint, bigint, bigint, bytea) is 'R9.2 what is wrong with the trail, a row each: changed, removed, reordered, inserted, waiting (not sealed for ten minutes) or rewritten (not what it was when known_place and known_hash were noted elsewhere). All of it, or from place to place: ranges that follow each other leave nothing out.';

create or replace function audit.verify_seals(first_place bigint, last_place bigint)
returns table (finding text, place bigint, event_id bigint, detail text)
language plpgsql stable security invoker set search_path = '' set enable_nestloop = off set enable_hashjoin = on
as $$
declare
  first_at timestamptz := (select min(s.event_at) from audit.seals s where s.place between first_place and last_place);
  last_at timestamptz := (select max(s.event_at) from audit.seals s where s.place between first_place and last_place);
begin
  return query
  with links as (
    select s.*, lag(s.place, 1, greatest(first_place - 2, 0)) over in_line as before, coalesce(lag(s.hash) over in_line, '') as hash_before,
           max(s.event_at) over (order by s.place rows between unbounded preceding and 1 preceding) as latest_before
      from audit.seals s where s.place between first_place - 1 and last_place window in_line as (order by s.place)),
  seen as (
    select l.*, e.id is not null as is_there, count(*) over (partition by l.place) as copies,
           case when e.id is not null then audit.digest(e) end as digest_now,
           e.ip is null or coalesce(audit.ip_digest(e.ip, e.ip_salt) = e.ip_digest, false) as ip_fits,
           l.place > l.before + 1 or l.hash = sha256(l.hash_before || l.digest) as follows
      from links l left join audit.events e on e.at = l.event_at and e.id = l.event_id and e.at between first_at and last_at
     where l.place >= first_place),
  wrong as (select * from seen s where not s.follows or s.digest_now <> s.digest)
  select f.finding, f.place, f.event_id, f.detail
    from seen s cross join lateral (values
      (case when s.place > s.before + 1 then 'removed' end, s.before + 1, null, format('places %s to %s have no seal', s.before + 1, s.place - 1)),
      (case when not s.is_there then 'removed' end, s.place, s.event_id, 'the event of this seal is gone, or its time is another'),
      (case when s.digest_now <> s.digest then case when exists (select from wrong o where o.digest = s.digest_now) then 'reordered' else 'changed' end end,
       s.place, s.event_id, 'the event is not the one that was sealed here'),
      (case when not s.ip_fits then 'changed' end, s.place, s.event_id, 'the IP address is not the one that was sealed here'),
      (case when not s.follows then case when exists (
          select from wrong o where o.place <> s.place and (
            s.hash in (sha256(o.hash || s.digest), sha256(o.hash_before || s.digest)) or o.hash = sha256(o.hash_before || s.digest)))
         then 'reordered' else 'inserted' end end, s.place, s.event_id, 'the seal does not follow the one before it'),
      (case when s.copies > 1 then 'inserted' end, s.place, s.event_id, 'the event is there more than once'),
      (case when s.event_at < s.latest_before - interval '10 minutes' then 'inserted' end, s.place, s.event_id, 'the event is much older than those sealed before it')
    ) as f (finding, place, event_id, detail)
   where f.finding is not null
   order by f.place, f.finding limit 100;
end;
$$;
comment on function audit.verify_seals(bigint, bigint) is 'R9.2 each seal against the one before it and against its event; the first 100 findings. Where places were exchanged a row fits at another place that does not fit either. enable_nestloop: no index leads from a seal to its event, so a nested loop would read the range once for each seal.';
grant execute on function audit.verify_seals(bigint, bigint) to pruuf_engine;

create or replace function audit.verify_events(first_place bigint, last_place bigint, is_last boolean)
returns table (finding text, place bigint, event_id bigint, detail text)
language plpgsql stable security invoker set search_path = ''
as $$
declare
  -- From the seal before the range on: what lies between two ranges belongs to one of them.
  place_before bigint := (select max(s.place) from audit.seals s where s.place < first_place);
  first_at timestamptz := timestamptz '-infinity';
  last_at timestamptz := timestamptz 'infinity';
begin
  if place_before is not null then
    select min(s.event_at) into first_at from audit.seals s where s.place between place_before and last_place;
  end if;
  if not is_last then
    select max(s.event_at) into last_at from audit.seals s where s.place between coalesce(place_before, first_place) and last_place;
  end if;
  return query
  select case when u.event_id is null then 'inserted' else 'waiting' end, null::bigint, e.id,
         case when u.event_id is null then 'the event has no seal' else 'the event has not been sealed yet' end
    from audit.events e left join audit.unsealed_events u on u.event_id = e.id and u.event_at = e.at
   where e.at between first_at and last_at
     and not exists (select from audit.seals s where s.event_id = e.id and s.event_at = e.at)
     and (u.event_id is null or e.at < rules.clock() - interval '10 minutes')
   order by e.at, e.id limit 100;
end;
$$;
comment on function audit.verify_events(bigint, bigint, boolean) is 'R9.2 each event of the time of a range has its seal, or waits for it; the first 100 that do not.';
grant execute on function audit.verify_events(bigint, bigint, boolean) to pruuf_engine;
