create or replace function rules.refuse_code(kind text, lookup bytea, at timestamptz) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  newest timestamptz;
  oldest timestamptz;
  in_the_hour integer;
  seconds integer;
  refusal jsonb := rules.count_by_ip('codes', at);
begin
  if refusal is not null then
    return refusal;
  end if;
  perform pg_advisory_xact_lock(hashtextextended('code ' || encode(lookup, 'hex'), 0));
  select max(c.created_at), min(c.created_at), count(*) into newest, oldest, in_the_hour from data.one_time_codes c
   where c.kind = refuse_code.kind and c.lookup = refuse_code.lookup and c.created_at > at - interval '1 hour';
  seconds := ceil(extract(epoch from greatest(
    newest + make_interval(secs => rules.policy('code_interval')),
    case when in_the_hour >= rules.policy('codes_per_hour') then oldest + interval '1 hour' end) - at));
  if seconds > 0 then
    return rules.refusal('too-many-codes', format('A code went to this address not long ago. Ask for a new one in %s seconds.', seconds),
                         jsonb_build_object('retry_after', seconds));
  end if;
  return null;
end;
$$;
comment on function rules.refuse_code(text, bytea, timestamptz) is 'R2.1 why no code goes to this address now, counted for the network that asks; null when one may go.';
grant execute on function rules.refuse_code(text, bytea, timestamptz) to pruuf_engine;

create or replace function rules.account_of(kind text, lookup bytea) returns uuid
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return (select a.user_id from data.addresses a where a.kind = account_of.kind and a.lookup = account_of.lookup and a.verified_at is not null);
end;
$$;
comment on function rules.account_of(text, bytea) is 'Whose address this is, for the audit trail; null for nobody''s. Asked for every address, known or not: it takes the same time.';
grant execute on function rules.account_of(text, bytea) to pruuf_engine;

create or replace function rules.account_of_any(kind text, lookups bytea[]) returns uuid
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return (select a.user_id from data.addresses a where a.kind = account_of_any.kind and a.lookup = any (lookups) and a.verified_at is not null limit 1);
end;
$$;
comment on function rules.account_of_any(text, bytea[]) is 'R9.3 the same by the lookups of one address under several keys.';
grant execute on function rules.account_of_any(text, bytea[]) to pruuf_engine;

create or replace function rules.language_at(kind text, lookup bytea) returns text
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return coalesce(
    (select u.language from data.users u where u.id = rules.account_of(kind, lookup)),
    (select u.language from data.users u where u.id = rules.current_user_id()),
    rules.caller_language());
end;
$$;
comment on function rules.language_at(text, bytea) is 'R7.7 in which language to write to an address: of its account, else of whoever has the message sent, else what their app asks for. Only whoever reads the message learns it.';
grant execute on function rules.language_at(text, bytea) to pruuf_engine;

create or replace function rules.send_code(code_id uuid, kind text, lookup bytea, sealed bytea, code_hash bytea, at timestamptz) returns timestamptz
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  life interval := make_interval(mins => rules.policy('code_life'));
begin
  insert into data.one_time_codes (id, kind, lookup, sealed, code_hash, created_at, expires_at, tries_left)
  values (code_id, kind, lookup, sealed, code_hash, at, at + life, rules.policy('code_tries'));
  insert into data.notifications (kind, cause, language, facts, address_kind, address_lookup, address_sealed, created_at, expires_at)
  values ('one_time_code', code_id::text, rules.language_at(kind, lookup),
          jsonb_build_object('code_id', code_id, 'code_hash', encode(code_hash, 'hex'), 'minutes', rules.policy('code_life')),
          kind, lookup, sealed, at, at + life);
  perform audit.append('code.sent', rules.account_of(kind, lookup), code_id);
  return at + life;
end;
$$;
comment on function rules.send_code(uuid, text, bytea, bytea, bytea, timestamptz) is 'R2.1 a one-time code to an address: only its hash is stored; the deliverer derives it from its id and a key that is not in the database.';
grant execute on function rules.send_code(uuid, text, bytea, bytea, bytea, timestamptz) to pruuf_engine;

create or replace function rules.check_code(kind text, lookup bytea, code_hashes bytea[], at timestamptz, out code data.one_time_codes, out refusal jsonb)
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  refusal := rules.count_by_ip('wrong_codes', at);
  if refusal is not null then
    return;
  end if;
  -- The newest one, whatever became of it: an older one does not come back to life when the newest was used.
  select * into code from data.one_time_codes c
   where c.kind = check_code.kind and c.lookup = check_code.lookup
   order by c.created_at desc, c.id desc limit 1 for update;
  if code.id is null or code.expires_at <= at or code.tries_left = 0 or code.ticket_hash is not null then
    refusal := rules.refusal('code-expired', 'This code is no longer good. Ask for a new one.');
  elsif code.code_hash = any (code_hashes) is not true then
    update data.one_time_codes c set tries_left = c.tries_left - 1 where c.id = code.id;
    perform audit.append('code.wrong', rules.account_of(kind, lookup), code.id, jsonb_build_object('tries_left', code.tries_left - 1));
    refusal := rules.refusal('code-wrong', format('This is not the code. Tries left: %s.', code.tries_left - 1), jsonb_build_object('tries_left', code.tries_left - 1));
  else
    perform rules.uncount_by_ip('wrong_codes');
  end if;
end;
$$;
comment on function rules.check_code(text, bytea, bytea[], timestamptz) is 'R2.1 the newest code of an address against what was typed; a wrong try is counted and the count is kept.';
grant execute on function rules.check_code(text, bytea, bytea[], timestamptz) to pruuf_engine;

create or replace function api.request_code(
  code_id uuid, kind text, lookup bytea, sealed bytea, code_hash bytea, other_lookups bytea[] default '{}', other_sealeds bytea[] default '{}') returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  at timestamptz := rules.clock();
  refusal jsonb;
begin
  select k.lookup, k.sealed into lookup, sealed from rules.known_address(kind, array_prepend(lookup, other_lookups), array_prepend(sealed, other_sealeds)) as k;
  refusal := rules.refuse_code(kind, lookup, at);
  if refusal is not null then
    return refusal;
  end if;
  return jsonb_build_object('expires_at', rules.send_code(code_id, kind, lookup, sealed, code_hash, at), 'next_after_seconds', rules.policy('code_interval'));
end;
$$;
alter function api.request_code(uuid, text, bytea, bytea, bytea, bytea[], bytea[]) owner to pruuf_engine;
comment on function api.request_code(uuid, text, bytea, bytea, bytea, bytea[], bytea[]) is 'R2.1 the same answer whether or not an account exists.';
grant execute on function api.request_code(uuid, text, bytea, bytea, bytea, bytea[], bytea[]) to pruuf_anon;

create or replace function api.verify_code(
  kind text, lookup bytea, code_hash bytea, ticket_hash bytea, other_lookups bytea[] default '{}', other_code_hashes bytea[] default '{}') returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  at timestamptz := rules.clock();
  verdict record;
begin
  select k.lookup into lookup from rules.known_address(kind, array_prepend(lookup, other_lookups), null) as k;
  select * into verdict from rules.check_code(verify_code.kind, verify_code.lookup, array_prepend(verify_code.code_hash, other_code_hashes), at);
  if verdict.refusal is not null then
    return verdict.refusal;
  end if;
  update data.one_time_codes c
     set ticket_hash = verify_code.ticket_hash, ticket_expires_at = at + make_interval(mins => rules.policy('ticket_life'))
   where c.id = (verdict.code).id;
  perform audit.append('code.verified', rules.account_of(kind, lookup), (verdict.code).id);
  return jsonb_build_object(
    'account_exists', rules.account_of(kind, lookup) is not null,
    'expires_at', at + make_interval(mins => rules.policy('ticket_life')));
end;
$$;
alter function api.verify_code(text, bytea, bytea, bytea, bytea[], bytea[]) owner to pruuf_engine;
comment on function api.verify_code(text, bytea, bytea, bytea, bytea[], bytea[]) is 'R2.1 a right code gives a ticket, once; only its hash is stored. Whoever holds the address may know whether it has an account.';
grant execute on function api.verify_code(text, bytea, bytea, bytea, bytea[], bytea[]) to pruuf_anon;

create or replace function rules.use_ticket(ticket_hash bytea, at timestamptz) returns data.one_time_codes
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  code data.one_time_codes;
begin
  update data.one_time_codes c set ticket_used_at = at
   where c.ticket_hash = use_ticket.ticket_hash and c.ticket_expires_at > at and c.ticket_used_at is null
  returning * into code;
  if not found then
    raise exception 'ticket-invalid' using errcode = 'UF401', detail = 'This ticket is used or too old. Verify a new code.';
  end if;
  return code;
end;
$$;
comment on function rules.use_ticket(bytea, timestamptz) is 'R2.1 a ticket proves an address, once.';
grant execute on function rules.use_ticket(bytea, timestamptz) to pruuf_engine;

create or replace function api.check_ticket(ticket_hash bytea) returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
begin
  if not exists (select from data.one_time_codes code
                  where code.ticket_hash = check_ticket.ticket_hash
                    and code.ticket_expires_at > rules.clock() and code.ticket_used_at is null) then
    raise exception 'ticket-invalid'
      using errcode = 'UF401', detail = 'This ticket is used or too old. Verify a new code.';
  end if;
  return jsonb_build_object();
end;
$$;
alter function api.check_ticket(bytea) owner to pruuf_engine;
comment on function api.check_ticket(bytea) is
  'R9.9 refuses what is no ticket before the server hashes a PIN for it; writes nothing.';
grant execute on function api.check_ticket(bytea) to pruuf_anon;

create or replace function rules.start_session(user_id uuid, device_name text, refresh_hash bytea, at timestamptz) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  session uuid;
begin
  insert into data.sessions (user_id, device_name, created_at, last_used_at, last_ip)
  values (start_session.user_id, start_session.device_name, at, at, rules.caller_ip())
  returning id into session;
  insert into data.refresh_tokens (token_hash, session_id, issued_at, expires_at)
  values (refresh_hash, session, at, at + make_interval(days => rules.policy('refresh_token_life')));
  perform audit.append('session.started', start_session.user_id, session);
  return jsonb_build_object('session_id', session, 'user_id', start_session.user_id, 'now', at,
                            'refresh_token_expires_at', at + make_interval(days => rules.policy('refresh_token_life')));
end;
$$;
comment on function rules.start_session(uuid, text, bytea, timestamptz) is 'R2.4 a session and its first refresh token.';
grant execute on function rules.start_session(uuid, text, bytea, timestamptz) to pruuf_engine;

create or replace function api.create_account(ticket_hash bytea, name text, pin_hash text, device_name text, refresh_hash bytea, language text default null) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  at timestamptz := rules.clock();
  code data.one_time_codes := rules.use_ticket(ticket_hash, at);
  new_user uuid;
begin
  insert into data.users (name, language, created_at)
  values (btrim(create_account.name), coalesce(create_account.language, rules.caller_language(), 'en'), at) returning id into new_user;
  insert into data.addresses (user_id, kind, lookup, sealed, verified_at, created_at)
  values (new_user, code.kind, code.lookup, code.sealed, at, at);
  insert into data.pins (user_id, hash, changed_at) values (new_user, pin_hash, at);
  perform audit.append('account.created', new_user, new_user);
  return rules.start_session(new_user, create_account.device_name, refresh_hash, at);
end;
$$;
alter function api.create_account(bytea, text, text, text, bytea, text) owner to pruuf_engine;
comment on function api.create_account(bytea, text, text, text, bytea, text) is 'R2.1, R2.2 an account for a proved address that has none. R7.7 in the language that is chosen, or that the app asks for.';
grant execute on function api.create_account(bytea, text, text, text, bytea, text) to pruuf_anon;

create or replace function api.recover_pin(ticket_hash bytea, pin_hash text, device_name text, refresh_hash bytea) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  at timestamptz := rules.clock();
  code data.one_time_codes := rules.use_ticket(ticket_hash, at);
  address data.addresses;
  owner uuid;
begin
  select * into address from data.addresses a where a.kind = code.kind and a.lookup = code.lookup and a.verified_at is not null;
  if not found then
    raise exception 'ticket-invalid' using errcode = 'UF401', detail = 'This address has no account. Make one with a new code.';
  elsif not rules.is_settled(address, at) then
    raise exception 'address-too-new' using errcode = 'UF409', detail = 'This address was added to the account less than a day ago. Use an older one, or wait.';
  end if;
  owner := address.user_id;
  insert into data.pins as p (user_id, hash, changed_at) values (owner, pin_hash, at)
  on conflict (user_id) do update
    set hash = excluded.hash, changed_at = at, failed_tries = 0, failed_since_success = 0, locked_until = null;
  perform rules.end_sessions(owner, null, 'pin_changed', at);
  perform audit.append('pin.recovered', owner, owner);
  perform rules.restore_account(owner, at);
  perform rules.tell_pin_changed(owner, 'recovered', at);
  return rules.start_session(owner, recover_pin.device_name, refresh_hash, at);
end;
$$;
alter function api.recover_pin(bytea, text, text, bytea) owner to pruuf_engine;
comment on function api.recover_pin(bytea, text, text, bytea) is 'R2.3, R2.5 a proved address sets a new PIN, which unlocks the sign-in, ends every other session, and brings a deleted account back (R2.6).';
grant execute on function api.recover_pin(bytea, text, text, bytea) to pruuf_anon;

create or replace function rules.sign_in_refusal(pin data.pins, at timestamptz) returns jsonb
language sql stable security invoker set search_path = ''
as $$
  select case
    when pin.failed_since_success >= rules.policy('pin_tries_until_recovery') then
      rules.refusal('sign-in-locked', 'Too many wrong PINs. Recover the account with a code.')
    when pin.locked_until > at then
      rules.refusal('sign-in-locked', format('Too many wrong PINs. Try again after %s UTC, or recover the account with a code.',
                                             to_char(pin.locked_until at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')),
                    jsonb_build_object('locked_until', pin.locked_until))
  end
$$;
comment on function rules.sign_in_refusal(data.pins, timestamptz) is 'R2.3 why nobody signs in with this PIN now; null when they may try.';
grant execute on function rules.sign_in_refusal(data.pins, timestamptz) to pruuf_engine;

create or replace function rules.count_sign_in(pin data.pins, at timestamptz) returns data.pins
language plpgsql stable security invoker set search_path = ''
as $$
begin
  pin.failed_since_success := pin.failed_since_success + 1;
  pin.failed_tries := pin.failed_tries + 1;
  pin.locked_until := null;
  if pin.failed_tries >= rules.policy('pin_tries') then
    pin.failed_tries := 0;
    pin.locked_until := at + make_interval(mins => rules.policy('pin_lock'));
  end if;
  return pin;
end;
$$;
comment on function rules.count_sign_in(data.pins, timestamptz) is 'R2.3 the counters after one more try, as if it were a wrong one.';
grant execute on function rules.count_sign_in(data.pins, timestamptz) to pruuf_engine;

create or replace function rules.attempt_shape(pin data.pins, at timestamptz) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
declare
  refusal jsonb := rules.sign_in_refusal(pin, at);
begin
  return jsonb_build_object('pin_hash', pin.hash, 'user_id', pin.user_id, 'locked_until', refusal -> 'facts' -> 'locked_until',
    'tries_left', case when refusal is not null then 0
                       else least(rules.policy('pin_tries') - pin.failed_tries, rules.policy('pin_tries_until_recovery') - pin.failed_since_success) end);
end;
$$;
comment on function rules.attempt_shape(data.pins, timestamptz) is 'R2.3 what the server compares a PIN with, and what it says if that is wrong: the try is counted already.';
grant execute on function rules.attempt_shape(data.pins, timestamptz) to pruuf_engine;

create or replace function api.begin_session(kind text, lookup bytea, other_lookups bytea[] default '{}') returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
#variable_conflict use_column
declare
  at timestamptz := rules.clock();
  pin data.pins;
  candidates bytea[] := array_prepend(begin_session.lookup, other_lookups);
  refusal jsonb;
begin
  select k.lookup into begin_session.lookup from rules.known_address(begin_session.kind, candidates, null) as k;
  refusal := rules.count_by_ip('sign_ins', at);
  if refusal is not null then
    return refusal;
  end if;
  select p.* into pin from data.addresses a join data.pins p on p.user_id = a.user_id
   where a.kind = begin_session.kind and a.lookup = begin_session.lookup and a.verified_at is not null
     for update of p;
  if not found then
    if cardinality(candidates) > 1 then
      -- Its counters follow the keys from try to try: without the address itself nobody can move them before.
      update data.unknown_sign_ins u set lookup = begin_session.lookup
       where u.kind = begin_session.kind and u.lookup = any (candidates) and u.lookup <> begin_session.lookup;
    end if;
    -- Once an address is known as unknown, a try at it costs what a try at an account does: one row is locked, one written.
    insert into data.unknown_sign_ins (kind, lookup, tried_at) values (begin_session.kind, begin_session.lookup, at) on conflict (kind, lookup) do nothing;
    select u.failed_tries, u.failed_since_success, u.locked_until into pin.failed_tries, pin.failed_since_success, pin.locked_until
      from data.unknown_sign_ins u where u.kind = begin_session.kind and u.lookup = begin_session.lookup for update;
  end if;
  refusal := rules.sign_in_refusal(pin, at);
  if refusal is not null then
    perform audit.append('sign_in.refused', pin.user_id);
    return refusal;
  end if;
  pin := rules.count_sign_in(pin, at);
  if pin.user_id is null then
    update data.unknown_sign_ins u set tried_at = at, failed_tries = pin.failed_tries, failed_since_success = pin.failed_since_success, locked_until = pin.locked_until
     where u.kind = begin_session.kind and u.lookup = begin_session.lookup;
  else
    update data.pins p set failed_tries = pin.failed_tries, failed_since_success = pin.failed_since_success, locked_until = pin.locked_until
     where p.user_id = pin.user_id;
  end if;
  perform audit.append(case when rules.sign_in_refusal(pin, at) is null then 'sign_in.tried' else 'sign_in.locked' end, pin.user_id);
  return rules.attempt_shape(pin, at);
end;
$$;
alter function api.begin_session(text, bytea, bytea[]) owner to pruuf_engine;
comment on function api.begin_session(text, bytea, bytea[]) is 'R2.3 counts a try before the PIN is looked at, so that many at once cannot outrun the lock; gives the hash to the server, which compares outside the transaction. An address without an account is counted and locked alike.';
grant execute on function api.begin_session(text, bytea, bytea[]) to pruuf_anon;

create or replace function api.create_session(user_id uuid, proved_hash text, device_name text, refresh_hash bytea) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  at timestamptz := rules.clock();
begin
  perform rules.uncount_by_ip('sign_ins');
  update data.pins p set failed_tries = 0, failed_since_success = 0, locked_until = null
   where p.user_id = create_session.user_id and p.hash = proved_hash;
  if not found then
    raise exception 'sign-in-failed' using errcode = 'UF401', detail = 'The address or the PIN is wrong.';
  end if;
  perform rules.restore_account(create_session.user_id, at);
  return rules.start_session(create_session.user_id, create_session.device_name, refresh_hash, at);
end;
$$;
alter function api.create_session(uuid, text, text, bytea) owner to pruuf_engine;
comment on function api.create_session(uuid, text, text, bytea) is 'R2.3 the PIN was right: the counters start anew, and a deleted account is back (R2.6). A PIN changed in between was not the one that was proved.';
grant execute on function api.create_session(uuid, text, text, bytea) to pruuf_anon;

create or replace function api.refresh_session(token_hash bytea, next_hash bytea, other_next_hashes bytea[] default '{}') returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  at timestamptz := rules.clock();
  token data.refresh_tokens;
  session data.sessions;
  successors bytea[] := array_prepend(next_hash, other_next_hashes);
  successor bytea;
begin
  select s.* into session from data.refresh_tokens t join data.sessions s on s.id = t.session_id
   where t.token_hash = refresh_session.token_hash for update of s;
  select * into token from data.refresh_tokens t where t.token_hash = refresh_session.token_hash;
  -- Another server may have derived it, of another key.
  select t.token_hash into successor from data.refresh_tokens t where t.token_hash = any (successors) and t.session_id = session.id and t.used_at is null;
  if token.token_hash is null then
    perform rules.count_by_ip('wrong_refreshes', at);
    return rules.refusal('refresh-token-invalid', 'Sign in again.');
  elsif session.revoked_at is not null or token.expires_at <= at then
    perform audit.append('session.refresh_refused', session.user_id, session.id);
    return rules.refusal('refresh-token-invalid', 'Sign in again.');
  elsif token.used_at <= at - make_interval(secs => rules.policy('refresh_retry_window'))
     or token.used_at is not null and successor is null then
    update data.sessions s set revoked_at = at, revoked_reason = 'theft' where s.id = session.id;
    perform audit.append('session.theft', session.user_id, session.id);
    insert into data.notifications (user_id, kind, cause, created_at) values (session.user_id, 'session_theft', session.id::text, at);
    return rules.refusal('refresh-token-invalid', 'Sign in again.');
  elsif token.used_at is null then
    update data.refresh_tokens t set used_at = at where t.token_hash = refresh_session.token_hash;
    insert into data.refresh_tokens (token_hash, session_id, issued_at, expires_at)
    values (next_hash, session.id, at, at + make_interval(days => rules.policy('refresh_token_life')));
    update data.sessions s set last_used_at = at, last_ip = rules.caller_ip() where s.id = session.id;
    perform audit.append('session.refreshed', session.user_id, session.id);
  end if;
  return jsonb_build_object('session_id', session.id, 'user_id', session.user_id, 'now', at, 'next', coalesce(array_position(successors, successor), 1) - 1,
                            'refresh_token_expires_at', at + make_interval(days => rules.policy('refresh_token_life')));
end;
$$;
alter function api.refresh_session(bytea, bytea, bytea[]) owner to pruuf_engine;
comment on function api.refresh_session(bytea, bytea, bytea[]) is 'R2.4 each refresh token is good once; the server derives the next from it, so that a retry gets the same one. A used one that comes again later, or after its successor was used, was stolen: the whole family ends, and the user is told. R9.9 One that is nobody''s leaves no row behind: it is counted for its network, and refused whatever the count is, so that a right one is never held up.';
grant execute on function api.refresh_session(bytea, bytea, bytea[]) to pruuf_anon;
