-- Functions may name each other in any order; plpgsql_check reads every body in the tests.
set local check_function_bodies = off;

-- Every function grant of the app's roles is taken away here and given anew below each function: what is not granted in
-- these files is not granted. 00 to 39 are one transaction, so that no request sees the time between.
revoke all on all functions in schema rules, api, jobs, audit, meta
  from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine, pruuf_server;
-- An owner keeps its own: without it nobody may replace the function (the language's validator asks for execute).
do $$
declare
  own regprocedure;
begin
  for own in select p.oid from pg_catalog.pg_proc p where p.proowner = 'pruuf_engine'::regrole loop
    execute format('grant execute on function %s to pruuf_engine', own);
  end loop;
end;
$$;

grant usage on schema data, rules, audit to pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant usage on schema api to pruuf_anon, pruuf_user, pruuf_staff, pruuf_billing, pruuf_engine;
grant usage on schema jobs to pruuf_worker;
grant usage on schema meta to pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine, pruuf_server;
-- The server prepares a statement before it takes a role: it may name functions, and execute none.
grant usage on schema api, jobs, rules to pruuf_server;
grant create on schema rules, api, audit to pruuf_engine;
grant execute on function data.new_id() to pruuf_user, pruuf_worker, pruuf_engine;
