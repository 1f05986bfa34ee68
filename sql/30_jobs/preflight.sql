create or replace function jobs.preflight() returns jsonb
language plpgsql stable security invoker set search_path = '' set jit = off
as $$
begin
  return jsonb_build_object(
    'now', rules.clock(),
    'version', current_setting('server_version_num')::integer,
    'is_standby', pg_is_in_recovery() or current_setting('default_transaction_read_only') = 'on',
    'is_rehearsal', (select c.rehearsal from meta.clock c),
    'unsafe_settings', (select coalesce(jsonb_agg(name || ' is ' || current_setting(name) order by name), '[]')
                          from unnest(array['fsync', 'full_page_writes', 'synchronous_commit']) as name where current_setting(name) = 'off'),
    'connections', current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer,
    'powerful_roles', (select coalesce(jsonb_agg(r.rolname order by r.rolname), '[]') from pg_catalog.pg_roles r
                        where r.rolname in ('pruuf_anon', 'pruuf_user', 'pruuf_staff', 'pruuf_worker', 'pruuf_billing', 'pruuf_engine', 'pruuf_keeper', session_user)
                          and (r.rolsuper or r.rolbypassrls)),
    'closed_roles', (select coalesce(jsonb_agg(name order by name), '[]')
                       from unnest(array['pruuf_anon', 'pruuf_user', 'pruuf_staff', 'pruuf_worker', 'pruuf_billing']) as name
                      where not pg_has_role(session_user, name, 'member')),
    'members', (select count(*) from data.coverage),
    'members_not_covered', (select count(*) from data.coverage v where not v.is_covered),
    'findings', (select coalesce(jsonb_agg(jsonb_build_object('kind', f.kind, 'count', f.count) order by f.kind), '[]') from jobs.audit() f));
end;
$$;
comment on function jobs.preflight() is 'What `pruuf preflight` looks at in the database. Changes nothing.';
grant execute on function jobs.preflight() to pruuf_worker;
