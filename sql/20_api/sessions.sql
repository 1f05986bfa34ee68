create or replace function rules.session_shape(s data.sessions) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return jsonb_build_object(
    'id', s.id, 'device_name', s.device_name, 'created_at', s.created_at, 'last_used_at', s.last_used_at, 'last_ip', host(s.last_ip),
    'is_current', coalesce(s.id = rules.current_session_id(), false));
end;
$$;
comment on function rules.session_shape(data.sessions) is 'R2.5 a session as its user sees it.';
grant execute on function rules.session_shape(data.sessions) to pruuf_user;

create or replace function api.list_sessions(cursor uuid, size integer) returns jsonb
language sql stable security invoker set search_path = ''
as $$
  select rules.page(array(
    select rules.session_shape(s) from data.sessions s
     where s.user_id = rules.signed_in_user_id() and s.revoked_at is null
       and s.last_used_at > rules.clock() - make_interval(days => rules.policy('refresh_token_life'))
       and (list_sessions.cursor is null or s.id < list_sessions.cursor)
     order by s.id desc limit size + 1), size)
$$;
comment on function api.list_sessions(uuid, integer) is 'GET /v1/me/sessions, the newest first: those that can still be refreshed. R2.5';
grant execute on function api.list_sessions(uuid, integer) to pruuf_user;

create or replace function rules.end_sessions(person uuid, but_not uuid, why text, at timestamptz) returns bigint
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  ended uuid;
  many bigint := 0;
begin
  for ended in
    update data.sessions s set revoked_at = at, revoked_reason = why
     where s.user_id = person and s.revoked_at is null and s.id is distinct from but_not
    returning s.id
  loop
    perform audit.append('session.ended', person, ended, jsonb_build_object('why', why));
    many := many + 1;
  end loop;
  return many;
end;
$$;
comment on function rules.end_sessions(uuid, uuid, text, timestamptz) is 'R2.5 ends every session of somebody, but for one that may stay; gives how many.';
grant execute on function rules.end_sessions(uuid, uuid, text, timestamptz) to pruuf_engine;

create or replace function api.end_session(session_id uuid) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
begin
  update data.sessions s set revoked_at = rules.clock(), revoked_reason = 'signed_out'
   where s.id = end_session.session_id and s.user_id = me and s.revoked_at is null;
  if not found then
    perform rules.refuse_unknown('session');
  end if;
  perform audit.append('session.ended', me, end_session.session_id, jsonb_build_object('why', 'signed_out'));
  return jsonb_build_object();
end;
$$;
alter function api.end_session(uuid) owner to pruuf_engine;
comment on function api.end_session(uuid) is 'DELETE /v1/me/sessions/{id}. R2.5; one''s own is signing out.';
grant execute on function api.end_session(uuid) to pruuf_user;

create or replace function api.end_other_sessions() returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
begin
  return jsonb_build_object('count', rules.end_sessions(rules.signed_in_user_id(), rules.current_session_id(), 'signed_out', rules.clock()));
end;
$$;
alter function api.end_other_sessions() owner to pruuf_engine;
comment on function api.end_other_sessions() is 'DELETE /v1/me/sessions. R2.5 all but the one that asks.';
grant execute on function api.end_other_sessions() to pruuf_user;

create or replace function api.begin_pin_change() returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  at timestamptz := rules.clock();
  pin data.pins;
  refusal jsonb;
begin
  select * into pin from data.pins p where p.user_id = rules.signed_in_user_id() for update;
  if not found then
    raise exception 'pin-wrong' using errcode = 'UF422', detail = 'There is no PIN yet. Recover the account with a code.';
  end if;
  refusal := rules.sign_in_refusal(pin, at);
  if refusal is not null then
    return refusal;
  end if;
  pin := rules.count_sign_in(pin, at);
  update data.pins p set failed_tries = pin.failed_tries, failed_since_success = pin.failed_since_success, locked_until = pin.locked_until
   where p.user_id = pin.user_id;
  return rules.attempt_shape(pin, at);
end;
$$;
alter function api.begin_pin_change() owner to pruuf_engine;
comment on function api.begin_pin_change() is 'R2.3 counts a try at the PIN before it is looked at, in the counters of the sign-in: whoever has stolen an access token has no more tries than a stranger.';
grant execute on function api.begin_pin_change() to pruuf_user;

create or replace function api.change_pin(proved_hash text, pin_hash text) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
  at timestamptz := rules.clock();
begin
  update data.pins p set hash = change_pin.pin_hash, changed_at = at, failed_tries = 0, failed_since_success = 0, locked_until = null
   where p.user_id = me and p.hash = proved_hash;
  if not found then
    raise exception 'pin-wrong' using errcode = 'UF422', detail = 'The PIN was changed meanwhile.';
  end if;
  perform rules.end_sessions(me, rules.current_session_id(), 'pin_changed', at);
  perform audit.append('pin.changed', me, me);
  perform rules.tell_pin_changed(me, 'changed', at);
  return jsonb_build_object();
end;
$$;
alter function api.change_pin(text, text) owner to pruuf_engine;
comment on function api.change_pin(text, text) is 'PUT /v1/me/pin. R2.5 every other session ends, and the user is told. A PIN changed in between was not the one that was proved.';
grant execute on function api.change_pin(text, text) to pruuf_user;

create or replace function rules.tell_pin_changed(person uuid, how text, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  insert into data.notifications (user_id, kind, cause, facts, created_at)
  values (person, 'pin_changed', data.new_id()::text, jsonb_build_object('how', how), at);
end;
$$;
comment on function rules.tell_pin_changed(uuid, text, timestamptz) is 'R2.5 whoever did not do it themselves must hear of it.';
grant execute on function rules.tell_pin_changed(uuid, text, timestamptz) to pruuf_engine;
