-- R9.2 every row of the trail gets a place and a hash in one chain. docs/decisions/0009 says how and why.
alter table audit.events
  add column ip_salt bytea,
  add column ip_digest bytea;
comment on column audit.events.ip_digest is 'What the chain covers instead of ip: a hash of it and of ip_salt. So both can be forgotten and the row still verifies.';

-- They live here and not in sql/, because what they give is written into seals for ever: neither may change.
create function audit.ip_digest(ip inet, salt bytea) returns bytea
language plpgsql immutable parallel safe security invoker set search_path = ''
as $$
begin
  return sha256(salt || convert_to(host(ip), 'UTF8'));
end;
$$;
comment on function audit.ip_digest(inet, bytea) is 'R9.2 what stands for an IP address in the chain.';

create function audit.digest(event audit.events) returns bytea
language plpgsql stable parallel safe security invoker set search_path = ''
as $$
begin
  -- JSON tells its parts apart; every value in it reads the same whatever the settings of the session. A column that comes
  -- later joins the array only where it is not null.
  return sha256(convert_to(jsonb_build_array(
    1, event.id, extract(epoch from event.at), event.actor, event.actor_user_id, event.subject_user_id, event.action,
    event.object_id, event.request_id, encode(event.ip_digest, 'hex'), event.details)::text, 'UTF8'));
end;
$$;
comment on function audit.digest(audit.events) is 'R9.2 the hash of what a row of the trail says, without the IP address itself.';

create table audit.unsealed_events (
  event_at timestamptz not null,
  event_id bigint not null,
  digest bytea not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
comment on table audit.unsealed_events is 'R9.2 what was appended and has no seal yet, with the hash it had then. Without an index: a row costs an append next to nothing, and lives for a second.';

create table audit.seals (
  place bigint primary key constraint places_begin_at_one check (place >= 1),
  event_at timestamptz not null,
  event_id bigint not null constraint one_seal_per_event unique,
  digest bytea not null constraint digest_is_sha256 check (octet_length(digest) = 32),
  hash bytea not null constraint hash_is_sha256 check (octet_length(hash) = 32)
);
comment on table audit.seals is 'R9.2 the chain: places without gaps, each with the hash of its event and the hash of the hash before it and that. Only ever added to.';

alter table audit.unsealed_events enable row level security;
alter table audit.unsealed_events force row level security;
alter table audit.seals enable row level security;
alter table audit.seals force row level security;

-- What was appended before there was a chain gets its seals like the rest. Forced row-level security would hide it.
alter table audit.events no force row level security;
alter table audit.unsealed_events no force row level security;
update audit.events e set ip_salt = s.salt, ip_digest = audit.ip_digest(e.ip, s.salt)
  from (select o.id, o.at, uuid_send(gen_random_uuid()) as salt from audit.events o where o.ip is not null) s
 where s.id = e.id and s.at = e.at;
insert into audit.unsealed_events (event_at, event_id, digest) select e.at, e.id, audit.digest(e) from audit.events e;
alter table audit.events force row level security;
alter table audit.unsealed_events force row level security;

alter table audit.events
  add constraint ip_salt_goes_with_its_ip check (ip_salt is null or ip is not null);

-- Rows come in the order of their time: a few bytes for a hundred pages find those of a day. For verifying, by range.
create index events_at on audit.events using brin (at) with (pages_per_range = 32, autosummarize = on);
