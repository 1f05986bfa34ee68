create or replace function jobs.claim_webhook_events(most integer, failing boolean, busy uuid[], lease_seconds integer) returns setof jsonb
language plpgsql volatile security invoker set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  at timestamptz := rules.clock();
begin
  return query
  with due as (
    select e.id from data.webhook_events e join data.webhooks w on w.id = e.webhook_id
     where e.state = 'pending' and e.next_attempt_at <= at and (w.first_failed_at is not null) = failing and w.id <> all (busy)
     order by e.next_attempt_at limit most for update of e skip locked),
  looked_at as (
    select e.id, rules.is_webhook_event_wanted(e) as is_wanted, row_number() over (partition by e.webhook_id order by e.next_attempt_at, e.id) as place
      from due join data.webhook_events e on e.id = due.id),
  taken as (
    update data.webhook_events e
       set state = case when l.is_wanted then e.state else 'cancelled' end, settled_at = case when not l.is_wanted then at end,
           attempts = e.attempts + l.is_wanted::integer, next_attempt_at = at + make_interval(secs => lease_seconds)
      from looked_at l where e.id = l.id and (l.place <= 2 or not l.is_wanted)
    returning e.*)
  select jsonb_build_object(
      'id', t.id, 'webhook_id', w.id, 'attempt', t.attempts, 'sealed', encode(w.sealed, 'base64'), 'body', rules.webhook_body(t),
      'secrets', (select jsonb_agg(jsonb_build_object('id', s.id, 'sealed', encode(s.sealed, 'base64')) order by s.created_at desc)
                    from data.webhook_secrets s where s.webhook_id = w.id and (s.ends_at is null or s.ends_at > at)))
    from taken t join data.webhooks w on w.id = t.webhook_id where t.state = 'pending';
end;
$$;
comment on function jobs.claim_webhook_events(integer, boolean, uuid[], integer) is 'Events that are due, of webhooks that work or of those that fail, so that a dead one delays no other; two of a webhook at most, and none of those that are busy. What is nobody''s business any more is cancelled.';
grant execute on function jobs.claim_webhook_events(integer, boolean, uuid[], integer) to pruuf_worker;

create or replace function jobs.finish_webhook_event(event_id uuid, attempt integer, failure text, is_gone boolean, retry_after_seconds double precision) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  at timestamptz := rules.clock();
  event data.webhook_events;
  wait interval := rules.webhook_wait(finish_webhook_event.attempt);
begin
  update data.webhook_events e
     set state = case when finish_webhook_event.failure is null then 'delivered' when is_gone or wait is null or e.type = 'webhook.test' then 'failed' else 'pending' end,
         settled_at = case when finish_webhook_event.failure is null or is_gone or wait is null or e.type = 'webhook.test' then at end,
         next_attempt_at = at + coalesce(greatest(wait, make_interval(secs => retry_after_seconds)), '0'), failure = finish_webhook_event.failure
   where e.id = event_id and e.state = 'pending' and e.attempts = finish_webhook_event.attempt
  returning * into event;
  if found and event.state = 'delivered' then
    update data.webhooks w
       set delivered_at = at, first_failed_at = null, failure = null,
           off_at = case when event.type <> 'webhook.test' then w.off_at end, off_reason = case when event.type <> 'webhook.test' then w.off_reason end
     where w.id = event.webhook_id;
  elsif found then
    update data.webhooks w
       set failure = event.failure, first_failed_at = case when event.type = 'webhook.test' then w.first_failed_at else coalesce(w.first_failed_at, at) end
     where w.id = event.webhook_id;
    perform jobs.turn_webhook_off(event, is_gone, at);
  end if;
  return jsonb_build_object();
end;
$$;
comment on function jobs.finish_webhook_event(uuid, integer, text, boolean, double precision) is 'What became of an attempt. failure: null when it was taken. is_gone: its receiver says that there is none any more. A test is tried once, and one that is taken turns its webhook on.';
grant execute on function jobs.finish_webhook_event(uuid, integer, text, boolean, double precision) to pruuf_worker;

create or replace function jobs.turn_webhook_off(event data.webhook_events, is_gone boolean, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  off data.webhooks;
begin
  update data.webhooks w set off_at = at, off_reason = case when is_gone then 'gone' else 'failing' end
   where w.id = event.webhook_id and w.off_at is null
     -- Not at a hiccup that follows a failure of long ago: when an event has come to nothing after all its tries.
     and (is_gone or event.state = 'failed' and event.type <> 'webhook.test'
                 and w.first_failed_at <= at - make_interval(days => rules.policy('webhook_off_after')))
  returning * into off;
  if found then
    insert into data.notifications (user_id, kind, cause, facts, created_at)
    values (off.user_id, 'webhook_off', off.id || ':' || at, jsonb_build_object('webhook_id', off.id, 'reason', off.off_reason), at);
  end if;
end;
$$;
comment on function jobs.turn_webhook_off(data.webhook_events, boolean, timestamptz) is 'A webhook whose receiver is gone, or that did nothing but fail for [5] days, is off, and its owner is told.';
grant execute on function jobs.turn_webhook_off(data.webhook_events, boolean, timestamptz) to pruuf_worker;
