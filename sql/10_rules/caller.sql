create or replace function rules.current_user_id() returns uuid
language plpgsql stable parallel safe security invoker set search_path = ''
as $$
begin
  return nullif(current_setting('pruuf.user_id', true), '')::uuid;
end;
$$;
comment on function rules.current_user_id() is 'Who asks: the user of the verified access token, null for nobody.';
grant execute on function rules.current_user_id() to pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine, pruuf_keeper;

create or replace function rules.signed_in_user_id() returns uuid
language plpgsql stable security invoker set search_path = ''
as $$
declare
  caller uuid := rules.current_user_id();
begin
  if caller is null then
    raise exception 'not-signed-in' using errcode = 'UF401', detail = 'Sign in first.';
  end if;
  return caller;
end;
$$;
comment on function rules.signed_in_user_id() is 'Who asks, and a refusal for nobody.';
grant execute on function rules.signed_in_user_id() to pruuf_user, pruuf_engine;

create or replace function rules.current_session_id() returns uuid
language plpgsql stable parallel safe security invoker set search_path = ''
as $$
begin
  return nullif(current_setting('pruuf.session_id', true), '')::uuid;
end;
$$;
comment on function rules.current_session_id() is 'The session of the verified access token.';
grant execute on function rules.current_session_id() to pruuf_user, pruuf_engine;

create or replace function rules.request_id() returns text
language plpgsql stable parallel safe security invoker set search_path = ''
as $$
begin
  return nullif(current_setting('pruuf.request_id', true), '');
end;
$$;
comment on function rules.request_id() is 'The X-Request-Id of the request, for the audit trail.';
grant execute on function rules.request_id() to pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;

create or replace function rules.caller_language() returns text
language plpgsql stable parallel safe security invoker set search_path = ''
as $$
begin
  return nullif(current_setting('pruuf.language', true), '');
end;
$$;
comment on function rules.caller_language() is 'R7.7 which of our languages the Accept-Language of the request likes best; null where it names none.';
grant execute on function rules.caller_language() to pruuf_engine;

create or replace function rules.caller_ip() returns inet
language plpgsql stable parallel safe security invoker set search_path = ''
as $$
begin
  return nullif(current_setting('pruuf.ip', true), '')::inet;
end;
$$;
comment on function rules.caller_ip() is 'The address of the client, for sessions and the audit trail.';
grant execute on function rules.caller_ip() to pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;

create or replace function rules.caller_network() returns inet
language plpgsql stable parallel safe security invoker set search_path = ''
as $$
declare
  ip inet := rules.caller_ip();
begin
  return case when ip is null then '0.0.0.0' when family(ip) = 6 then network(set_masklen(ip, 64)) else ip end;
end;
$$;
comment on function rules.caller_network() is 'What one customer of a provider has: the IPv4 address, or the /64 of an IPv6 address. Callers whose address is not known count as one.';
grant execute on function rules.caller_network() to pruuf_user, pruuf_engine;

create or replace function rules.refuse_ended_session() returns void
language plpgsql stable security definer set search_path = ''
as $$
begin
  if not exists (select from data.sessions s
                  where s.id = nullif(current_setting('pruuf.session_id', true), '')::uuid
                    and s.user_id = rules.current_user_id() and s.revoked_at is null) then
    raise exception 'not-signed-in' using errcode = 'UF401', detail = 'This session has ended. Sign in again.';
  end if;
end;
$$;
alter function rules.refuse_ended_session() owner to pruuf_engine;
comment on function rules.refuse_ended_session() is 'R2.4, R2.5 a session that was revoked ends at once, not when its last access token does. src/db asks it before every call of a signed-in user; security definer: sessions are nobody else''s to read.';
grant execute on function rules.refuse_ended_session() to pruuf_user, pruuf_staff;
