-- The release refuses itself when one of these does not hold.
do $$
declare
  wrong text;
begin
  select string_agg(c.oid::regclass::text, ', ') into wrong
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where n.nspname in ('data', 'billing', 'audit') and c.relkind in ('r', 'p') and not (c.relrowsecurity and c.relforcerowsecurity);
  if wrong is not null then
    raise exception 'tables without forced row-level security (R9.1): %', wrong;
  end if;

  select string_agg(p.oid::regprocedure::text, ', ') into wrong
    from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
   where n.nspname in ('data', 'rules', 'api', 'jobs', 'audit', 'meta')
     and not coalesce('search_path=""' = any (p.proconfig), false);
  if wrong is not null then
    raise exception 'functions without a pinned search_path: %', wrong;
  end if;

  select string_agg(p.oid::regprocedure::text, ', ') into wrong
    from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
   where n.nspname in ('data', 'rules', 'api', 'jobs', 'audit', 'meta')
     and exists (select from pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a where a.grantee = 0);
  if wrong is not null then
    raise exception 'functions open to public: %', wrong;
  end if;

  select string_agg(r.rolname, ', ') into wrong
    from pg_catalog.pg_roles r where r.rolname like 'pruuf\_%' and r.rolname <> 'pruuf_admin' and (r.rolbypassrls or r.rolsuper);
  if wrong is not null then
    raise exception 'roles that see everything (R9.1): %', wrong;
  end if;
end;
$$;
