-- One line for each schema, table, policy and function and what each role may do with it: access.txt is what a release ships.
with roles (role) as (select unnest('{pruuf_anon,pruuf_user,pruuf_staff,pruuf_worker,pruuf_billing,pruuf_engine,pruuf_keeper,pruuf_server,public}'::text[])),
tables as (
  select c.oid, n.nspname || '.' || c.relname as name, c.relkind from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where n.nspname in ('data', 'billing', 'audit', 'meta', 'rules', 'api', 'jobs') and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')),
-- Partitions are one line when nobody may touch them.
shown as (select * from tables t where t.name !~ '^audit\.events_[0-9]{4}_[0-9]{2}$'
             or exists (select from pg_class c, aclexplode(c.relacl) a where c.oid = t.oid and a.grantee <> c.relowner)),
whole as (
  select t.name, r.role, lower(p) as privilege, null::text as columns from shown t, roles r, unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) p
   where t.relkind <> 'S' and has_table_privilege(r.role, t.oid, p)
  union all
  select t.name, r.role, lower(p), null from shown t, roles r, unnest('{SELECT,USAGE,UPDATE}'::text[]) p where t.relkind = 'S' and has_sequence_privilege(r.role, t.oid, p)),
by_column as (
  select t.name, r.role, lower(p) as privilege, string_agg(a.attname, ', ' order by a.attnum) as columns
    from shown t cross join roles r cross join unnest('{SELECT,INSERT,UPDATE,REFERENCES}'::text[]) p join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
   where t.relkind <> 'S' and has_column_privilege(r.role, t.oid, a.attnum, p) and not has_table_privilege(r.role, t.oid, p)
   group by 1, 2, 3),
lines (section, name, line) as (
  select 1, 'schema ' || n.nspname, format('schema %s: %s %s', n.nspname, r.role, string_agg(lower(p), ', ' order by p))
    from pg_namespace n, roles r, unnest('{USAGE,CREATE}'::text[]) p
   where n.nspname in ('public', 'data', 'billing', 'audit', 'meta', 'rules', 'api', 'jobs') and has_schema_privilege(r.role, n.oid, p) group by n.nspname, r.role
  union all select 2, name, format('table %s: nobody', name) from shown t
   where not exists (select from whole w where w.name = t.name) and not exists (select from by_column c where c.name = t.name) and t.relkind <> 'S'
  union all select 2, name, format('table %s: %s %s', name, role, string_agg(privilege || coalesce(' (' || columns || ')', ''), ', ' order by privilege))
    from (select * from whole union all select * from by_column) g group by name, role
  union all select 3, p.polrelid::regclass::text, format('policy %s: %s %s to %s using (%s) check (%s)', p.polrelid::regclass, p.polname,
      case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
      coalesce((select string_agg(m.rolname, ', ' order by m.rolname) from pg_roles m where m.oid = any (p.polroles)), 'public'),
      coalesce(regexp_replace(pg_get_expr(p.polqual, p.polrelid), '\s+', ' ', 'g'), ''), coalesce(regexp_replace(pg_get_expr(p.polwithcheck, p.polrelid), '\s+', ' ', 'g'), ''))
    from pg_policy p
  union all select 4, f.oid::regprocedure::text, format('function %s%s: %s', f.oid::regprocedure, case when f.prosecdef then ' as ' || pg_get_userbyid(f.proowner) else '' end,
      coalesce((select string_agg(r.role, ', ' order by r.role) from roles r where has_function_privilege(r.role, f.oid, 'execute') and (r.role <> pg_get_userbyid(f.proowner) or not f.prosecdef)), 'nobody'))
    from pg_proc f join pg_namespace n on n.oid = f.pronamespace where n.nspname in ('public', 'data', 'billing', 'audit', 'meta', 'rules', 'api', 'jobs') and f.prorettype <> 'trigger'::regtype
      and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = f.oid and d.deptype = 'e'))
select coalesce(string_agg(line, e'\n' order by section, name collate pg_catalog."C", line collate pg_catalog."C"), '') || e'\n' from lines
