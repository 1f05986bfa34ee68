create or replace function audit.append(action text, subject uuid, object uuid default null, details jsonb default '{}') returns void
language plpgsql volatile security definer set search_path = ''
as $$
begin
  insert into audit.events (at, actor, actor_user_id, subject_user_id, action, object_id, request_id, ip, details)
  values (rules.clock(), case when current_setting('role') = 'none' then session_user::text else current_setting('role') end,
          rules.current_user_id(), subject, action, object, rules.request_id(), rules.caller_ip(), details);
end;
$$;
alter function audit.append(text, uuid, uuid, jsonb) owner to pruuf_engine;
comment on function audit.append(text, uuid, uuid, jsonb) is 'R9.2 the only way into the trail; in the transaction of what it records. details: ids, counts and states, never a name, an address, a PIN, a code, a token or a text.';
grant execute on function audit.append(text, uuid, uuid, jsonb) to pruuf_engine;
