create or replace function rules.forgot(gone bigint, most integer) returns jsonb
language sql immutable parallel safe security invoker set search_path = ''
as $$
  select jsonb_build_object('done', gone, 'more', gone >= most, 'problems', jsonb_build_array())
$$;
comment on function rules.forgot(bigint, integer) is 'R9.8 what a job reports that has deleted so many rows of a batch.';
grant execute on function rules.forgot(bigint, integer) to pruuf_worker, pruuf_engine;

create or replace function rules.forget_idempotency_keys(most integer) returns jsonb
language plpgsql volatile security definer set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  gone bigint;
begin
  delete from data.idempotency_keys k where (k.user_id, k.key) in (
    select o.user_id, o.key from data.idempotency_keys o
     where o.created_at < rules.clock() - make_interval(hours => rules.policy('idempotency_life'))
     order by o.created_at limit most for update skip locked);
  get diagnostics gone = row_count;
  return rules.forgot(gone, most);
end;
$$;
alter function rules.forget_idempotency_keys(integer) owner to pruuf_engine;
comment on function rules.forget_idempotency_keys(integer) is 'R9.4 deletes the answers of idempotency keys after [24] hours, the oldest first. security definer: the worker neither reads nor deletes them.';
grant execute on function rules.forget_idempotency_keys(integer) to pruuf_worker;

create or replace function jobs.forget_idempotency_keys() returns jsonb
language sql volatile security invoker set search_path = ''
as $$ select rules.forget_idempotency_keys(jobs.batch_size('forget_idempotency_keys')) $$;
comment on function jobs.forget_idempotency_keys() is 'R9.4 deletes the answers of idempotency keys after [24] hours.';
grant execute on function jobs.forget_idempotency_keys() to pruuf_worker;

create or replace function rules.forget_refresh_tokens(most integer) returns jsonb
language plpgsql volatile security definer set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  gone bigint;
begin
  delete from data.refresh_tokens k where k.token_hash in (
    select o.token_hash from data.refresh_tokens o
     where o.used_at is not null
      and o.expires_at < rules.clock() - make_interval(days => rules.policy('used_refresh_token_kept'))
     order by o.expires_at limit most for update skip locked);
  get diagnostics gone = row_count;
  return rules.forgot(gone, most);
end;
$$;
alter function rules.forget_refresh_tokens(integer) owner to pruuf_engine;
comment on function rules.forget_refresh_tokens(integer) is 'R2.4 deletes used refresh tokens: until then one that is used twice is a sign of theft, the oldest first. security definer: the worker neither reads nor deletes them.';
grant execute on function rules.forget_refresh_tokens(integer) to pruuf_worker;

create or replace function jobs.forget_refresh_tokens() returns jsonb
language sql volatile security invoker set search_path = ''
as $$ select rules.forget_refresh_tokens(jobs.batch_size('forget_refresh_tokens')) $$;
comment on function jobs.forget_refresh_tokens() is 'R2.4 deletes used refresh tokens: until then one that is used twice is a sign of theft.';
grant execute on function jobs.forget_refresh_tokens() to pruuf_worker;

create or replace function rules.forget_codes(most integer) returns jsonb
language plpgsql volatile security definer set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  gone bigint;
begin
  delete from data.one_time_codes k where k.id in (
    select o.id from data.one_time_codes o
     where o.created_at < rules.clock() - make_interval(hours => rules.policy('one_time_code_kept'))
     order by o.created_at limit most for update skip locked);
  get diagnostics gone = row_count;
  return rules.forgot(gone, most);
end;
$$;
alter function rules.forget_codes(integer) owner to pruuf_engine;
comment on function rules.forget_codes(integer) is 'R2.1 deletes one-time codes, the oldest first. security definer: the worker neither reads nor deletes them.';
grant execute on function rules.forget_codes(integer) to pruuf_worker;

create or replace function jobs.forget_codes() returns jsonb
language sql volatile security invoker set search_path = ''
as $$ select rules.forget_codes(jobs.batch_size('forget_codes')) $$;
comment on function jobs.forget_codes() is 'R2.1 deletes one-time codes.';
grant execute on function jobs.forget_codes() to pruuf_worker;

create or replace function rules.forget_webhook_events(most integer) returns jsonb
language plpgsql volatile security definer set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  gone bigint;
begin
  delete from data.webhook_events k where k.id in (
    select o.id from data.webhook_events o
     where o.settled_at < rules.clock() - make_interval(days => rules.policy('webhook_event_kept'))
     order by o.settled_at limit most for update skip locked);
  get diagnostics gone = row_count;
  return rules.forgot(gone, most);
end;
$$;
alter function rules.forget_webhook_events(integer) owner to pruuf_engine;
comment on function rules.forget_webhook_events(integer) is 'Deletes events of webhooks that nothing asks for any more, the oldest first. security definer: the worker neither reads nor deletes them.';
grant execute on function rules.forget_webhook_events(integer) to pruuf_worker;

create or replace function jobs.forget_webhook_events() returns jsonb
language sql volatile security invoker set search_path = ''
as $$ select rules.forget_webhook_events(jobs.batch_size('forget_webhook_events')) $$;
comment on function jobs.forget_webhook_events() is 'Deletes events of webhooks that nothing asks for any more.';
grant execute on function jobs.forget_webhook_events() to pruuf_worker;

create or replace function rules.forget_tries(most integer) returns jsonb
language plpgsql volatile security definer set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  at timestamptz := rules.clock();
  gone bigint;
  all_gone bigint := 0;
begin
  delete from data.unknown_sign_ins k where (k.kind, k.lookup) in (
    select o.kind, o.lookup from data.unknown_sign_ins o
     where o.tried_at < at - interval '30 days' order by o.tried_at limit most for update skip locked);
  get diagnostics gone = row_count;
  all_gone := all_gone + gone;
  delete from data.ip_tries k where (k.kind, k.ip) in (
    select o.kind, o.ip from data.ip_tries o
     where o.began_at < at - interval '1 hour' order by o.began_at limit most for update skip locked);
  get diagnostics gone = row_count;
  all_gone := all_gone + gone;
  delete from data.invitation_tries k where k.id in (
    select o.id from data.invitation_tries o
     where o.tried_at < at - interval '1 day' order by o.tried_at limit most for update skip locked);
  get diagnostics gone = row_count;
  return rules.forgot(all_gone + gone, most);
end;
$$;
alter function rules.forget_tries(integer) owner to pruuf_engine;
comment on function rules.forget_tries(integer) is 'R2.1, R2.3, R3.2 deletes counters of tries whose time is over. security definer: the worker neither reads nor deletes them.';
grant execute on function rules.forget_tries(integer) to pruuf_worker;

create or replace function jobs.forget_tries() returns jsonb
language sql volatile security invoker set search_path = ''
as $$ select rules.forget_tries(jobs.batch_size('forget_tries')) $$;
comment on function jobs.forget_tries() is 'R2.1, R2.3, R3.2 deletes counters of tries whose time is over.';
grant execute on function jobs.forget_tries() to pruuf_worker;

create or replace function rules.old_stranger_messages(most integer) returns uuid[]
language sql volatile security definer set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
  select array(
    select o.id from data.notifications o
     where o.user_id is null
       and o.created_at < rules.clock() - make_interval(days => rules.policy('stranger_message_kept'))
       -- Not while it may still be sent.
       and not exists (select from data.deliveries d where d.notification_id = o.id and rules.is_unsettled(d.state))
       and not exists (select from data.set_asides s where s.job = 'forget_stranger_messages' and s.row_id = o.id)
     order by o.created_at limit most for update skip locked)
$$;
alter function rules.old_stranger_messages(integer) owner to pruuf_engine;
comment on function rules.old_stranger_messages(integer) is 'R9.3 messages to people without an account that are old enough to go, locked. security definer: the worker locks no message.';
grant execute on function rules.old_stranger_messages(integer) to pruuf_worker;

create or replace function rules.forget_stranger_messages(ids uuid[], at timestamptz) returns void
language sql volatile security definer set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
  delete from data.notifications n where n.id = any (ids) and n.user_id is null
     and n.created_at < at - make_interval(days => rules.policy('stranger_message_kept'))
$$;
alter function rules.forget_stranger_messages(uuid[], timestamptz) owner to pruuf_engine;
comment on function rules.forget_stranger_messages(uuid[], timestamptz) is 'R9.3 deletes messages to people without an account. security definer: the worker deletes no message.';
grant execute on function rules.forget_stranger_messages(uuid[], timestamptz) to pruuf_worker;

create or replace function jobs.forget_stranger_messages() returns jsonb
language sql volatile security invoker set search_path = ''
as $$
  select jobs.work_off('forget_stranger_messages', 'forget_messages',
                       rules.old_stranger_messages(jobs.batch_size('forget_stranger_messages')), rules.clock())
$$;
comment on function jobs.forget_stranger_messages() is 'R9.3 deletes messages to people without an account.';
grant execute on function jobs.forget_stranger_messages() to pruuf_worker;

create or replace function jobs.forget_messages(ids uuid[], at timestamptz) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  perform rules.forget_stranger_messages(ids, at);
  return jsonb_build_object();
end;
$$;
comment on function jobs.forget_messages(uuid[], timestamptz) is 'R9.3 deletes these messages to people without an account.';
grant execute on function jobs.forget_messages(uuid[], timestamptz) to pruuf_worker;

create or replace function rules.forget_attempts(most integer) returns jsonb
language plpgsql volatile security definer set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  gone bigint;
begin
  delete from data.attempts k where k.id in (
    select o.id from data.attempts o
     where o.ended_at < rules.clock() - make_interval(days => rules.policy('attempt_kept'))
       -- Not of an alert that is open: its timeline shows them.
       and not exists (select from data.deliveries d join data.alerts a on a.id = d.alert_id
                        where d.id = o.delivery_id and a.state <> 'resolved')
     order by o.ended_at limit most for update of o skip locked);
  get diagnostics gone = row_count;
  return rules.forgot(gone, most);
end;
$$;
alter function rules.forget_attempts(integer) owner to pruuf_engine;
comment on function rules.forget_attempts(integer) is 'R9.8 deletes attempts of deliveries after [90] days, the oldest first; none of an open alert. security definer: the worker deletes none.';
grant execute on function rules.forget_attempts(integer) to pruuf_worker;

create or replace function jobs.forget_attempts() returns jsonb
language sql volatile security invoker set search_path = ''
as $$ select rules.forget_attempts(jobs.batch_size('forget_attempts')) $$;
comment on function jobs.forget_attempts() is 'R9.8 deletes attempts of deliveries after [90] days.';
grant execute on function jobs.forget_attempts() to pruuf_worker;

create or replace function rules.forget_receipts(most integer) returns jsonb
language plpgsql volatile security definer set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  gone bigint;
begin
  delete from data.receipts k where k.id in (
    select o.id from data.receipts o
     where o.received_at < rules.clock() - make_interval(days => rules.policy('receipt_kept'))
       -- Not of an alert that is open: its timeline shows them.
       and not exists (select from data.deliveries d join data.alerts a on a.id = d.alert_id
                        where d.id = o.delivery_id and a.state <> 'resolved')
     order by o.received_at limit most for update of o skip locked);
  get diagnostics gone = row_count;
  return rules.forgot(gone, most);
end;
$$;
alter function rules.forget_receipts(integer) owner to pruuf_engine;
comment on function rules.forget_receipts(integer) is 'R9.8 deletes receipts of providers after [90] days, the oldest first; none of an open alert. security definer: the worker deletes none.';
grant execute on function rules.forget_receipts(integer) to pruuf_worker;

create or replace function jobs.forget_receipts() returns jsonb
language sql volatile security invoker set search_path = ''
as $$ select rules.forget_receipts(jobs.batch_size('forget_receipts')) $$;
comment on function jobs.forget_receipts() is 'R9.8 deletes receipts of providers after [90] days.';
grant execute on function jobs.forget_receipts() to pruuf_worker;

create or replace function jobs.expire_deliveries() returns jsonb
language plpgsql volatile security invoker set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  at timestamptz := rules.clock();
  most integer := jobs.batch_size('expire_deliveries');
  gone bigint;
begin
  update data.deliveries d set state = 'expired', settled_at = at where d.id in (
    select e.id from data.deliveries e
     where e.state = 'pending' and e.expires_at <= at order by e.expires_at limit most for update skip locked);
  get diagnostics gone = row_count;
  return rules.forgot(gone, most);
end;
$$;
comment on function jobs.expire_deliveries() is 'R7.1 settles deliveries that are too late to be sent.';
grant execute on function jobs.expire_deliveries() to pruuf_worker;
