-- One line for each table, trigger, constraint, index and function, and what it is: objects.txt is what a release ships.
-- A restored database has other parentheses around the parts of an AND: definitions are compared without them.
-- PostgreSQL 18 lists NOT NULL as constraints (contype n), older ones do not.
-- Months of the audit trail have a line only where they are not like the others.
with spaces as (
  select n.oid, n.nspname from pg_namespace n
   where n.nspname in ('data', 'billing', 'audit', 'meta', 'rules', 'api', 'jobs')),
tables as (
  select c.oid, c.oid::regclass::text as name, pg_get_userbyid(c.relowner) as owner, c.relname ~ '^events_[0-9]{4}_[0-9]{2}$' as is_month,
         case when c.relrowsecurity and c.relforcerowsecurity then 'forced' when c.relrowsecurity then 'on' else 'off' end as security
    from pg_class c join spaces s on s.oid = c.relnamespace where c.relkind in ('r', 'p')),
lines (section, name, line) as (
  select 1, t.name, format('table %s: of %s, row-level security %s', t.name, t.owner, t.security)
    from tables t where not (t.is_month and t.owner = 'pruuf_owner' and t.security = 'forced')
  union all
  select 2, t.name, format('trigger %s on %s: %s, %s', g.tgname, t.name, case g.tgenabled when 'O' then 'on' else 'not on' end, md5(translate(pg_get_triggerdef(g.oid), '() ', '')))
    from pg_trigger g join tables t on t.oid = g.tgrelid where not g.tgisinternal and g.tgparentid = 0
  union all
  select 2, t.name, format('trigger of a foreign key on %s: not on', t.name)
    from pg_trigger g join tables t on t.oid = g.tgrelid where g.tgisinternal and g.tgenabled <> 'O'
  union all
  select 3, t.name, format('constraint %s on %s: %s, %s', k.conname, t.name, case when k.convalidated then 'valid' else 'not valid' end, md5(translate(pg_get_constraintdef(k.oid), '() ', '')))
    from pg_constraint k join tables t on t.oid = k.conrelid where not t.is_month and k.contype not in ('t', 'n')
  union all
  select 4, t.name, format('index %s on %s: %s, %s', i.indexrelid::regclass, t.name, case when i.indisvalid then 'valid' else 'not valid' end, md5(translate(pg_get_indexdef(i.indexrelid), '() ', '')))
    from pg_index i join tables t on t.oid = i.indrelid where not t.is_month
  union all
  select 5, f.oid::regprocedure::text, format('function %s: of %s, %s', f.oid::regprocedure, pg_get_userbyid(f.proowner),
      md5(concat_ws('|', f.prosrc, f.proconfig::text, f.provolatile, f.prosecdef, f.proisstrict, f.prorettype::regtype)))
    from pg_proc f join spaces s on s.oid = f.pronamespace
   where not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = f.oid and d.deptype = 'e'))
select coalesce(string_agg(line, e'\n' order by section, name collate pg_catalog."C", line collate pg_catalog."C"), '') || e'\n' from lines
