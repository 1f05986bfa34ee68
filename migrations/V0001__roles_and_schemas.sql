-- Runs as a superuser or a role that may create roles. From its last lines on, everything belongs to pruuf_owner.
reset role;

do $$
declare
  role_name text;
begin
  -- Roles belong to the cluster, not to the database: another database of it may have made them already.
  foreach role_name in array array['pruuf_owner', 'pruuf_engine', 'pruuf_anon', 'pruuf_user', 'pruuf_staff', 'pruuf_worker', 'pruuf_billing'] loop
    begin
      execute format('create role %I nologin', role_name);
    exception when duplicate_object or unique_violation then null;
    end;
  end loop;
  begin
    create role pruuf_server login noinherit;
  exception when duplicate_object or unique_violation then null;
  end;
end;
$$;

do $$
begin
  -- One database after the other: two grants of the same membership at once fail with "tuple concurrently updated".
  perform pg_advisory_xact_lock(hashtextextended('pruuf roles', 0));
  grant pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing to pruuf_server;
  grant pruuf_engine to pruuf_owner;
  if not (select rolsuper from pg_roles where rolname = session_user) then
    execute format('grant pruuf_owner to %I', session_user);
  end if;
  execute format('revoke all on database %I from public', current_database());
  execute format('grant connect on database %I to pruuf_server', current_database());
  execute format('grant create on database %I to pruuf_owner', current_database());
end;
$$;

revoke all on schema public from public;
alter schema meta owner to pruuf_owner;
alter table meta.schema_history owner to pruuf_owner;

set role pruuf_owner;

alter default privileges for role pruuf_owner revoke execute on functions from public;

create schema data;
create schema rules;
create schema api;
create schema jobs;
create schema audit;

comment on schema data is 'Tables and types: what is known. Every table of a user''s data has forced row-level security.';
comment on schema rules is 'Reasons: who is asking, state transitions, shapes, predicates for policies.';
comment on schema api is 'What a request may ask: one function an endpoint.';
comment on schema jobs is 'What the clock and the deliverer may ask.';
comment on schema audit is 'The trail: append only.';
comment on schema meta is 'Release bookkeeping and the rehearsal clock.';

-- Lives here and not in sql/, because column defaults call it and tables come first.
create function data.new_id() returns uuid
language plpgsql volatile parallel safe security invoker set search_path = ''
as $$
begin
  return encode(
    set_bit(set_bit(
      overlay(uuid_send(gen_random_uuid())
              placing substring(int8send(floor(extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
              from 1 for 6),
      52, 1), 53, 1), 'hex')::uuid;
end;
$$;
comment on function data.new_id() is 'A UUIDv7 (RFC 9562, 5.7): 48 bits of Unix milliseconds, then random. Orders rows roughly by their making; nothing may depend on more.';
