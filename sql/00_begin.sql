-- Functions may name each other in any order; plpgsql_check reads every body in the tests.
set local check_function_bodies = off;

-- Every function grant of the app's roles is taken away here and given anew below each function: what is not granted in
-- these files is not granted. 00 to 39 are one transaction, so that no request sees the time between.
revoke all on all functions in schema rules, api, jobs, audit, meta
  from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine, pruuf_keeper, pruuf_server;
-- What the engine owns it keeps: PostgreSQL asks for execute of whoever replaces a function, here the owner as its member.
do $$
declare
  owned regprocedure;
begin
  for owned in select p.oid from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
                where p.proowner = 'pruuf_engine'::regrole and n.nspname in ('rules', 'api', 'jobs', 'audit', 'meta') loop
    execute format('grant execute on function %s to pruuf_engine', owned);
  end loop;
end;
$$;

revoke usage on schema audit from pruuf_anon, pruuf_user, pruuf_staff, pruuf_billing;
grant usage on schema audit to pruuf_worker, pruuf_engine;
grant usage on schema data, rules to pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine, pruuf_keeper;
grant usage on schema billing to pruuf_user, pruuf_worker, pruuf_engine;
grant usage on schema api to pruuf_anon, pruuf_user, pruuf_staff, pruuf_billing, pruuf_engine;
grant usage on schema jobs to pruuf_worker, pruuf_keeper;
grant usage on schema meta to pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine, pruuf_server;
-- The server prepares a statement before it takes a role: it may name functions, and execute none.
grant usage on schema api, jobs, rules to pruuf_server;
grant create on schema rules, api, audit to pruuf_engine;
grant execute on function data.new_id() to pruuf_user, pruuf_worker, pruuf_engine;
