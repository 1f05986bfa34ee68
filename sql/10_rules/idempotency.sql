create or replace function rules.recall(key text, fingerprint bytea) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  known data.idempotency_keys;
  caller uuid;
begin
  if key is null then
    return null;
  end if;
  caller := rules.signed_in_user_id();
  -- The same key at the same moment waits here until the first one has its answer.
  perform pg_advisory_xact_lock(hashtextextended('key ' || caller || ' ' || recall.key, 0));
  select * into known from data.idempotency_keys k
   where k.user_id = caller and k.key = recall.key
     and k.created_at > rules.clock() - make_interval(hours => rules.policy('idempotency_life'));
  if known.fingerprint <> recall.fingerprint then
    raise exception 'idempotency-key-reused' using errcode = 'UF409', detail = 'This Idempotency-Key came with another request before.';
  end if;
  return known.answer;
end;
$$;
comment on function rules.recall(text, bytea) is 'R9.4 the answer this key of the caller already got, or null. Db::write asks it before the api function.';
grant execute on function rules.recall(text, bytea) to pruuf_user;

create or replace function rules.remember(key text, fingerprint bytea, answer jsonb) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  if key is not null and not answer ? 'refused' then
    insert into data.idempotency_keys (user_id, key, fingerprint, answer, created_at)
    values (rules.signed_in_user_id(), remember.key, remember.fingerprint, remember.answer, rules.clock())
    on conflict on constraint idempotency_keys_pkey do update
      set fingerprint = excluded.fingerprint, answer = excluded.answer, created_at = excluded.created_at;
  end if;
  return answer;
end;
$$;
comment on function rules.remember(text, bytea, jsonb) is 'R9.4 keeps the answer in the transaction of its effect, and gives it back.';
grant execute on function rules.remember(text, bytea, jsonb) to pruuf_user;
