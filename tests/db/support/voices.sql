-- What one of the voices gets when it tries something. Nothing that is tried stays done.

-- What a statement may name: `:owner`, `:alert` and so on.
create table tap.names (name text primary key, id uuid not null);
insert into tap.names
select lower(u.name), u.id from data.users u
union all select 'alert', a.id from data.alerts a
union all select 'open_obligation', o.id from data.obligations o where o.state = 'open'
union all select 'missed_obligation', o.id from data.obligations o where o.state = 'missed'
union all select 'met_obligation', o.id from data.obligations o where o.state = 'met'
union all select 'check_in', c.id from data.check_ins c
union all select 'schedule', s.id from data.schedules s
union all select 'connection', c.id from data.connections c where c.ended_at is null
union all select 'invitation', i.id from data.invitations i
union all select 'alarm', n.id from data.notifications n where n.kind = 'missed'
union all select 'delivery', min(d.id::text)::uuid from data.deliveries d join data.notifications n on n.id = d.notification_id where n.kind = 'missed';

create function tap.with_names(statement text) returns text language plpgsql as $$
declare
  known tap.names;
begin
  for known in select * from tap.names n order by length(n.name) desc loop
    statement := replace(statement, ':' || known.name, quote_literal(known.id) || '::uuid');
  end loop;
  return statement;
end;
$$;

-- 'N rows', 'refused' (not granted, or against a policy), the slug of a refusal, the name of a constraint, or the error.
-- The session is one of pruuf_server, as after its login; voices: owner, contact, former, stranger (role pruuf_user and
-- their id), nobody (pruuf_user without an id), visitor (pruuf_anon), worker, staff, billing, server (no role taken).
create function tap.outcome(voice text, statement text) returns text language plpgsql as $$
declare
  role_name text := case voice when 'visitor' then 'pruuf_anon' when 'worker' then 'pruuf_worker' when 'staff' then 'pruuf_staff'
    when 'billing' then 'pruuf_billing' when 'server' then 'none' else 'pruuf_user' end;
  attempt text := tap.with_names(statement);
  rows bigint;
  violated text;
begin
  perform set_config('pruuf.user_id', coalesce((select n.id::text from tap.names n where n.name = voice), ''), true);
  set local session authorization pruuf_server;
  execute 'set local role ' || role_name;
  execute attempt;
  get diagnostics rows = row_count;
  raise exception using errcode = 'TAP00', message = rows || ' rows';
exception
  when insufficient_privilege then return 'refused';
  when sqlstate 'TAP00' then return sqlerrm;
  when check_violation or unique_violation or foreign_key_violation or not_null_violation then
    get stacked diagnostics violated = constraint_name;
    return coalesce(nullif(violated, ''), sqlerrm);
  when others then
    return case when sqlstate like 'UF%' then sqlerrm else sqlstate || ' ' || sqlerrm end;
end;
$$;

create function tap.voice(voice text, statement text, expected text, because text default '') returns text language sql as $$
  select tap.is(tap.outcome(voice, statement), expected, voice || ': ' || statement || coalesce(' -- ' || nullif(because, ''), ''))
$$;
