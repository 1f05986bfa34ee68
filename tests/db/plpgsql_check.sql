-- Every body is read: PL/pgSQL by plpgsql_check, SQL by being made again with check_function_bodies on.
select tap.no_plan();
set pruuf.user_id = '00000000-0000-0000-0000-00000000000a';

create view tap.bodies as
select p.oid, p.oid::regprocedure::text as signature, l.lanname as language, t.tgrelid as trigger_on, t.tgnewtable as told
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang
  left join pg_trigger t on t.tgfoid = p.oid and not t.tgisinternal
 where n.nspname in ('data', 'rules', 'api', 'jobs', 'audit', 'meta');

select tap.is_empty(format($query$
  select c.level, c.lineno, c.message, c.detail, c.query from tap.plpgsql_check_function_tb(%s, %s, newtable => %L,
    fatal_errors => false, other_warnings => true, performance_warnings => false, extra_warnings => true) c
   where c.level not like 'performance%%' and c.message not like 'composite OUT variable %% is not single argument'
$query$, b.oid::regprocedure::oid, coalesce(b.trigger_on, 0), b.told), b.signature)
  from tap.bodies b where b.language = 'plpgsql' order by b.signature;

set check_function_bodies = on;
select tap.lives_ok(pg_get_functiondef(b.oid), b.signature) from tap.bodies b where b.language = 'sql' order by b.signature;

select * from tap.finish();
