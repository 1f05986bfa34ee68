create or replace function jobs.claim_deliveries(channel text, most integer, lease_seconds integer, in_hand uuid[] default '{}') returns setof jsonb
language plpgsql volatile security invoker set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  at timestamptz := rules.clock();
begin
  -- Before others' leases are looked at: after an outage of the database everybody's have run out.
  perform jobs.renew_leases(in_hand, at, make_interval(secs => lease_seconds));
  perform jobs.reclaim_lost(claim_deliveries.channel, in_hand, at);
  return query
  with due as (
    select d.id, d.notification_id from data.deliveries d
     where d.channel = claim_deliveries.channel and d.state = 'pending' and d.next_attempt_at <= at and (d.expires_at is null or d.expires_at > at)
       and d.id <> all (in_hand)
     order by d.work_rank, d.next_attempt_at limit most for update skip locked),
  over as (
    -- R6.5: what was made while the alert just ended could not be seen by what cancelled the others; and no call says that all
    -- is well while another alert is open.
    update data.deliveries d set state = 'cancelled', settled_at = at
      from due, data.notifications n where d.id = due.id and n.id = d.notification_id and rules.is_moot(d, n)
    returning d.id),
  -- R7.5 what came due before the quiet hours and could not be sent, or is tried again.
  quiet as materialized (
    select due.id, rules.quiet_until(n.user_id, at) as ends_at
      from due join data.notifications n on n.id = due.notification_id join data.notification_kinds k on k.kind = n.kind
     where k.priority <> 'critical' and not k.is_urgent and not exists (select from over o where o.id = due.id)),
  held as (
    update data.deliveries d
       set next_attempt_at = q.ends_at + case when d.stands_by then make_interval(secs => rules.policy('high_fallback')) else interval '0' end
      from quiet q where d.id = q.id and q.ends_at is not null),
  taken as (
    -- The number stops counting where the column ends: the trying does not (R7.3).
    update data.deliveries d set state = 'sending', attempts = least(d.attempts, 32766) + 1, lease_until = at + make_interval(secs => lease_seconds)
      from due where d.id = due.id and not exists (select from over o where o.id = due.id)
       and not exists (select from quiet q where q.id = due.id and q.ends_at is not null)
    returning d.*)
  select jsonb_build_object(
      'id', t.id, 'notification_id', n.id, 'kind', n.kind, 'attempt', t.attempts,
      'may_have_arrived', t.may_have_arrived and (t.channel <> 'voice' or rules.is_only_call(t)),
      'age_seconds', extract(epoch from at - t.created_at),
      'others_message_ids', case when t.may_have_arrived and t.channel in ('sms', 'voice') then (
         select jsonb_agg(o.provider_message_id) from data.deliveries o
          where o.address_id = t.address_id and o.id <> t.id and o.provider_message_id is not null
            and o.created_at >= t.created_at - interval '2 days' and o.settled_at >= t.created_at - interval '1 day') end,
      'expires_in_seconds', extract(epoch from t.expires_at - at)::integer,
      'language', coalesce(u.language, n.language, 'en'), 'priority', k.priority, 'facts', rules.notification_facts(n),
      'phones', case when n.alert_id is not null then rules.phones_for(n.user_id, n.alert_id) end,
      'link_purpose', case when t.channel in ('email', 'sms') or t.channel = 'push' and n.kind = 'reminder' then rules.link_purpose(n) end,
      'sealed', encode(coalesce(a.sealed, n.address_sealed), 'base64'), 'lookup', encode(coalesce(a.lookup, n.address_lookup), 'base64'),
      'push_token', v.push_token, 'platform', v.platform)
    from taken t
    join data.notifications n on n.id = t.notification_id
    join data.notification_kinds k on k.kind = n.kind
    left join data.users u on u.id = n.user_id
    left join data.addresses a on a.id = t.address_id
    left join data.devices v on v.id = t.device_id
   order by t.work_rank, t.created_at;
end;
$$;
comment on function jobs.claim_deliveries(text, integer, integer, uuid[]) is 'R7.3, R7.4 takes what is due on one channel, in the order of work, for as long as the lease. Whoever calls says what is in its hand: that is leased anew, so that a lease is short and yet only ever runs out when its holder is gone.';
grant execute on function jobs.claim_deliveries(text, integer, integer, uuid[]) to pruuf_worker;

create or replace function rules.is_moot(d data.deliveries, n data.notifications) returns boolean
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return exists (
      select from data.alerts a
       where a.id = n.alert_id and a.state = 'resolved' and (n.kind <> 'all_clear' or d.channel = 'voice' and rules.has_other_alert(a)))
    -- R7.6 its place was removed in the moment in which it was made.
    or d.address_id is not null and not exists (select from data.addresses p where p.id = d.address_id)
    or d.device_id is not null and not exists (select from data.devices p where p.id = d.device_id)
    or n.user_id is not null and not exists (select from data.users u where u.id = n.user_id)
    -- R6.3 a later round could not withdraw it: another session had it locked in that moment.
    or d.attempts > 0 and n.kind not in ('all_clear', 'acknowledged', 'owner_asked') and exists (
      select from data.notifications o
       where o.alert_id = n.alert_id and o.user_id = n.user_id and o.created_at > n.created_at and o.facts ? 'round');
end;
$$;
comment on function rules.is_moot(data.deliveries, data.notifications) is 'R6.3, R6.5, R7.6 whether a delivery is not to be sent any more: its alert has ended, a later round says the same, or its reader, address or device is gone.';
grant execute on function rules.is_moot(data.deliveries, data.notifications) to pruuf_worker;

create or replace function rules.is_only_call(call data.deliveries) returns boolean
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return not exists (
    select from data.deliveries o
     where o.address_id = call.address_id and o.id <> call.id and o.channel = 'voice' and o.provider_message_id is null
       and o.created_at > call.created_at - interval '1 day' and rules.may_have_arrived(o));
end;
$$;
comment on function rules.is_only_call(data.deliveries) is 'R7.1 whether a call to this number of which nobody knows whose it is can only be this delivery''s: Twilio does not tell what was said on a call, and one that passes for another is a lost alert. A second ring is a nuisance.';
grant execute on function rules.is_only_call(data.deliveries) to pruuf_worker;

create or replace function jobs.renew_leases(in_hand uuid[], at timestamptz, lease interval) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  update data.deliveries d set lease_until = at + lease
   where d.id in (
     select h.id from data.deliveries h
      where h.id = any (in_hand) and h.state = 'sending' and h.lease_until < at + lease * 0.7 for update skip locked);
end;
$$;
comment on function jobs.renew_leases(uuid[], timestamptz, interval) is 'R7.3 who has something in hand says so again; most are done before their lease is worth a write.';
grant execute on function jobs.renew_leases(uuid[], timestamptz, interval) to pruuf_worker;

create or replace function jobs.reclaim_lost(channel text, in_hand uuid[], at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  with lost as (
    select d.id from data.deliveries d
     where d.channel = reclaim_lost.channel and d.state = 'sending' and d.lease_until <= at and d.id <> all (in_hand)
     for update skip locked),
  back as (
    update data.deliveries d
       set state = case when d.is_withdrawn then 'cancelled' else 'pending' end, settled_at = case when d.is_withdrawn then at end,
           lease_until = null, next_attempt_at = at, may_have_arrived = true
      from lost where d.id = lost.id
    returning d.id, d.attempts)
  insert into data.attempts (delivery_id, number, ended_at, result, detail) select id, attempts, at, 'unknown', 'lease-lost' from back;
end;
$$;
comment on function jobs.reclaim_lost(text, uuid[], timestamptz) is 'A lease that ran out means "again", never "failed": its sender died, and nobody knows whether the provider has it. Also while this server may send nothing.';
grant execute on function jobs.reclaim_lost(text, uuid[], timestamptz) to pruuf_worker;

create or replace function jobs.finish_deliveries(results jsonb) returns jsonb
language plpgsql volatile security invoker set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  ids uuid[] := array(select r.id from rules.attempt_results(results) r);
  locked uuid[] := array(
    select d.id from data.deliveries d where d.id = any (ids) order by d.id for no key update skip locked);
  held uuid[] := array(select d.id from data.deliveries d where d.id = any (ids) and d.id <> all (locked));
begin
  perform jobs.enter_results(case when held = '{}' then results else (
    select jsonb_agg(r) from jsonb_array_elements(results) as r where (r ->> 'id')::uuid <> all (held)) end);
  return jsonb_build_object('count', cardinality(locked), 'held', to_jsonb(held));
end;
$$;
comment on function jobs.finish_deliveries(jsonb) is 'R7.1, R7.3 enters what became of attempts: an array of rules.attempt_results. held: deliveries that another session has locked; their results are to be given again (R9.5).';
grant execute on function jobs.finish_deliveries(jsonb) to pruuf_worker;

create or replace function jobs.enter_results(results jsonb) returns void
language plpgsql volatile security invoker set search_path = '' set lock_timeout = '500ms'
as $$
declare
  at timestamptz := rules.clock();
begin
  -- One whose delivery is gone (its account was erased meanwhile) must not hold up the others.
  insert into data.attempts (delivery_id, number, ended_at, result, detail, took_ms, provider)
  select r.id, r.attempt, at, r.result, r.detail, r.took_ms, r.provider
    from rules.attempt_results(results) r join data.deliveries d on d.id = r.id where r.tries is null;
  if exists (select from rules.attempt_results(results) r where r.tries is not null) then
    insert into data.attempts (delivery_id, number, ended_at, result, detail, took_ms, provider)
    select r.id, r.attempt, at, t.result, t.detail, t.took_ms, t.provider
      from rules.attempt_results(results) r join data.deliveries d on d.id = r.id cross join lateral rules.attempt_results(r.tries) t;
  end if;

  update data.deliveries d
     set state = case
           when r.result = 'accepted' then case when d.state in ('delivered', 'confirmed') then d.state else 'accepted' end
           when r.result = 'permanent' then 'failed'
           when d.is_withdrawn then 'cancelled'
           else 'pending' end,
         settled_at = case when r.result in ('accepted', 'permanent') or d.is_withdrawn then at end,
         failure = case when r.result = 'permanent' then r.detail end,
         lease_until = null,
         provider_message_id = coalesce(r.provider_message_id, d.provider_message_id),
         provider = case when r.result = 'accepted' then r.provider else d.provider end,
         may_have_arrived = d.may_have_arrived or r.result in ('accepted', 'unknown') or coalesce(r.tries @? '$[*] ? (@.result == "unknown")', false),
         poll_at = case when r.result = 'accepted' then rules.first_poll(d.channel, r.provider, at) else d.poll_at end,
         next_attempt_at = at + greatest(rules.backoff(d.attempts), make_interval(secs => coalesce(r.retry_after_seconds, 0)))
    from (select distinct on (a.id) a.* from rules.attempt_results(results) a order by a.id, a.result <> 'accepted', a.attempt desc) r
   where d.id = r.id and (r.result = 'accepted' or d.state = 'sending' and d.attempts = r.attempt);

  -- Receipts may come before the sender reports, and some find their delivery only now.
  perform jobs.apply_receipts(r.id, at) from rules.attempt_results(results) r
   where r.provider_message_id is not null and exists (
     select from data.receipts c where c.delivery_id = r.id or c.delivery_id is null and c.provider_message_id = r.provider_message_id);

  if exists (select from rules.attempt_results(results) r where r.result = 'permanent') then
    perform jobs.give_up(r.id, r.turns_off, at) from rules.attempt_results(results) r join data.deliveries d on d.id = r.id
      where r.result = 'permanent' order by d.notification_id;
    perform pg_notify('pruuf_work', '');
  end if;
end;
$$;
comment on function jobs.enter_results(jsonb) is 'R7.1, R7.3 what became of attempts. A transient one is tried again after a while, a permanent one never.';
grant execute on function jobs.enter_results(jsonb) to pruuf_worker;

create or replace function rules.attempt_results(results jsonb)
returns table (id uuid, attempt smallint, result text, detail text, took_ms integer, provider text, provider_message_id text,
               retry_after_seconds double precision, turns_off text, tries jsonb)
language sql immutable parallel safe security invoker set search_path = ''
as $$
  select r.id, r.attempt, r.result,
         case when r.detail ~ '^[A-Za-z0-9_.:-]{1,80}$' then r.detail when r.detail is not null or r.result = 'permanent' then 'not-a-code' end,
         r.took_ms, r.provider, r.provider_message_id, r.retry_after_seconds, r.turns_off, r.tries
    from jsonb_to_recordset(results) as r (
    id uuid, attempt smallint, result text, detail text, took_ms integer, provider text, provider_message_id text,
    retry_after_seconds double precision, turns_off text, tries jsonb)
$$;
comment on function rules.attempt_results(jsonb) is 'The columns of what a sender reports of its attempts. tries: the same of each provider, where one attempt went by several (R7.3).';
grant execute on function rules.attempt_results(jsonb) to pruuf_worker;

create or replace function rules.backoff(attempts integer) returns interval
language plpgsql volatile parallel safe security invoker set search_path = ''
as $$
begin
  return make_interval(secs => least(power(2, least(attempts, 20)), 60) * (0.5 + random()));
end;
$$;
comment on function rules.backoff(integer) is 'R7.3 how long to wait after the n-th attempt: 2, 4, 8 … 60 seconds, half to one and a half times that.';
grant execute on function rules.backoff(integer) to pruuf_worker;

create or replace function jobs.give_up(delivery uuid, turns_off text, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  if turns_off is not null then
    perform jobs.turn_off(delivery, turns_off, at);
  end if;
  perform jobs.go_on(delivery, at);
end;
$$;
comment on function jobs.give_up(uuid, text, timestamptz) is 'R7.3, R7.6 after a permanent failure: a dead address is turned off with its reason, and the next channel starts at once.';
grant execute on function jobs.give_up(uuid, text, timestamptz) to pruuf_worker;

create or replace function jobs.go_on(delivery uuid, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  dead data.deliveries;
  notification data.notifications;
begin
  select * into dead from data.deliveries d where d.id = delivery;
  update data.deliveries d set next_attempt_at = at
   where d.id in (
     select o.id from data.deliveries o
      where o.notification_id = dead.notification_id and rules.is_pending(o.state) and o.stands_by
      order by o.id for no key update skip locked);
  -- The last two that fail at the same moment must not each take the other for alive.
  perform pg_advisory_xact_lock(hashtextextended(dead.notification_id::text, 73));
  if dead.is_withdrawn or exists (
    select from data.deliveries d where d.notification_id = dead.notification_id and d.state in ('pending', 'sending', 'accepted', 'delivered', 'confirmed')) then
    return;
  end if;
  select * into notification from data.notifications n where n.id = dead.notification_id;
  insert into data.deliveries (notification_id, alert_id, channel, address_id, device_id, work_rank, next_attempt_at, expires_at, created_at)
  select notification.id, notification.alert_id, p.channel, p.address_id, p.device_id, dead.work_rank, at, notification.expires_at, at from rules.other_places(notification, at) p;
end;
$$;
comment on function jobs.go_on(uuid, timestamptz) is 'R7.3 after a failure for good the next channel starts now: what stood by; and when nothing else of the notification lives, a place that it has not been tried at.';
grant execute on function jobs.go_on(uuid, timestamptz) to pruuf_worker;

create or replace function rules.other_places(n data.notifications, at timestamptz) returns table (channel text, address_id uuid, device_id uuid)
language plpgsql stable security invoker set search_path = ''
as $$
begin
  if n.user_id is null or n.read_at is not null or n.hidden_at is not null or n.expires_at <= at
     or n.kind <> 'goodbye' and exists (select from data.users u where u.id = n.user_id and u.deleted_at is not null)
     or n.kind <> 'all_clear' and exists (select from data.alerts a where a.id = n.alert_id and a.state = 'resolved') then
    return;
  end if;
  return query
  with place as (
    select 1 as turn, 'push' as channel, null::uuid as address_id, v.id as device_id from data.devices v where v.user_id = n.user_id and v.off_at is null
    union all
    select case a.kind when 'phone' then 2 else 3 end, case a.kind when 'phone' then 'sms' else 'email' end, a.id, null
      from data.addresses a where a.user_id = n.user_id and a.verified_at is not null and a.off_at is null),
  untried as (
    select p.* from place p
     where not exists (select from data.deliveries d
                        where d.notification_id = n.id and d.channel = p.channel and (d.address_id = p.address_id or d.device_id = p.device_id)))
  select u.channel, u.address_id, u.device_id from untried u where u.turn = (select min(o.turn) from untried o);
end;
$$;
comment on function rules.other_places(data.notifications, timestamptz) is 'R7.2, R7.3 where a notification that has failed everywhere can still go: all places of the first channel that it has not been tried at, push before SMS before e-mail. Nowhere when it is over, or has been read.';
grant execute on function rules.other_places(data.notifications, timestamptz) to pruuf_worker;

create or replace function jobs.turn_off(delivery uuid, reason text, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  dead data.deliveries;
  waiting uuid[];
  failed uuid[];
begin
  select * into dead from data.deliveries d where d.id = delivery;
  update data.addresses a set off_at = at, off_reason = reason where a.id = dead.address_id and a.off_at is null;
  -- A device has one reason, whatever FCM calls it: its token is good for nothing.
  update data.devices v set off_at = at, off_reason = 'unregistered' where v.id = dead.device_id and v.off_at is null;
  waiting := rules.unsettled_at(array[coalesce(dead.address_id, dead.device_id)]);
  with dropped as (
    update data.deliveries d set state = 'failed', failure = 'address-off', settled_at = at
     where d.id = any (waiting) and rules.is_pending(d.state)
       -- A landline takes no SMS, and who replied STOP wants none: both can be called.
       and not (d.channel = 'voice' and reason in ('landline', 'stopped'))
    returning d.id)
  select array_agg(o.id) into failed from dropped o;
  perform jobs.go_on(f.id, at) from data.deliveries f
    where f.id = any (failed) order by f.notification_id;
end;
$$;
comment on function jobs.turn_off(uuid, text, timestamptz) is 'R7.6 the place of a delivery is dead: it is turned off with the reason, and nothing waits for it any more.';
grant execute on function jobs.turn_off(uuid, text, timestamptz) to pruuf_worker;
