create or replace function rules.receipt_rows(receipts jsonb)
returns table (event_id text, delivery_id uuid, provider_message_id text, event text, meaning text, detail text, turns_off text, said_at timestamptz, facts jsonb)
language sql immutable parallel safe security invoker set search_path = ''
as $$
  select r.event_id, r.delivery_id, r.provider_message_id, r.event, r.meaning, r.detail, r.turns_off, r.said_at, r.facts
    from jsonb_to_recordset(receipts) as r (
    event_id text, delivery_id uuid, provider_message_id text, event text, meaning text, detail text, turns_off text, said_at timestamptz, facts jsonb)
$$;
comment on function rules.receipt_rows(jsonb) is 'The columns of what a provider says of its messages.';
grant execute on function rules.receipt_rows(jsonb) to pruuf_worker;

create or replace function rules.receipt_rank(meaning text) returns integer
language plpgsql immutable parallel safe security invoker set search_path = ''
as $$
begin
  return array_position(array['nothing', 'accepted', 'transient', 'delivered', 'permanent', 'confirmed'], meaning);
end;
$$;
comment on function rules.receipt_rank(text) is 'R7.1 of all that is said of one message the highest counts, in whatever order it came: a late "sent" takes nothing back, what bounces after it was delivered did not reach anybody, and what a person answered did.';
grant execute on function rules.receipt_rank(text) to pruuf_worker;

create or replace function rules.receipt_of(delivery data.deliveries) returns data.receipts
language plpgsql stable security invoker set search_path = ''
as $$
declare
  decisive data.receipts;
begin
  select r.* into decisive from (
    select distinct on (c.provider_message_id) c.* from data.receipts c
     where c.delivery_id = delivery.id or c.delivery_id is null and c.provider_message_id = delivery.provider_message_id
     order by c.provider_message_id, rules.receipt_rank(c.meaning) desc, c.event_id) as r
   where r.meaning in ('delivered', 'confirmed') or delivery.provider_message_id is null or r.provider_message_id = delivery.provider_message_id
   order by case r.meaning when 'confirmed' then 1 when 'delivered' then 2 when 'accepted' then 3 else 4 end, r.provider_message_id limit 1;
  return decisive;
end;
$$;
comment on function rules.receipt_of(data.deliveries) is 'R7.1 the receipt that decides about a delivery: of each message the highest; of its messages (it may have been sent more than once) one that arrived, else the last one. Null when nothing was said.';
grant execute on function rules.receipt_of(data.deliveries) to pruuf_worker;

create or replace function jobs.record_receipts(provider text, receipts jsonb, is_from_poll boolean default false) returns jsonb
language plpgsql volatile security invoker set search_path = '' set lock_timeout = '500ms' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  at timestamptz := rules.clock();
  receipt record;
  kept integer := 0;
  problems jsonb := jsonb_build_array();
begin
  for receipt in select * from rules.receipt_rows(receipts) r order by r.provider_message_id, r.event_id loop
    -- Each for itself: one that cannot be kept comes again, and must not keep the others from counting (R9.5).
    begin
      kept := kept + jobs.record_receipt(provider, receipt.event_id, receipt.delivery_id, receipt.provider_message_id, receipt.event, receipt.meaning,
        receipt.detail, receipt.turns_off, receipt.said_at, receipt.facts, is_from_poll, at);
    exception when others then
      problems := problems || to_jsonb(sqlstate);
    end;
  end loop;
  return jsonb_build_object('kept', kept, 'problems', problems);
end;
$$;
comment on function jobs.record_receipts(text, jsonb, boolean) is 'R7.1 keeps what a provider says, each event once, and draws the consequences: an array of rules.receipt_rows. problems: the SQL states of those that could not be kept.';
grant execute on function jobs.record_receipts(text, jsonb, boolean) to pruuf_worker;

create or replace function jobs.record_receipt(provider text, event_id text, delivery uuid, message_id text, event text, meaning text, detail text, turns_off text,
                                               said_at timestamptz, facts jsonb, is_from_poll boolean, at timestamptz) returns integer
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  known uuid := (select d.id from data.deliveries d where d.id = delivery);
begin
  if known is null then
    select d.id into known from data.deliveries d where d.provider_message_id = message_id order by d.created_at desc limit 1;
  end if;
  -- Before the row that refers to it: two receipts of one delivery would else wait for each other.
  perform from data.deliveries d where d.id = known for no key update;
  insert into data.receipts (provider, event_id, delivery_id, provider_message_id, event, meaning, detail, turns_off, said_at, received_at, is_from_poll, facts)
  values (provider, event_id, known, message_id, event, meaning, detail, turns_off, said_at, at, is_from_poll, coalesce(facts, '{}'))
  on conflict on constraint one_receipt_per_event do nothing;
  if not found then
    return 0;
  end if;
  if known is not null then
    perform jobs.apply_receipts(known, at);
    if turns_off is not null then
      perform jobs.turn_off(known, turns_off, at);
    end if;
  end if;
  return 1;
end;
$$;
comment on function jobs.record_receipt(text, text, uuid, text, text, text, text, text, timestamptz, jsonb, boolean, timestamptz) is 'R7.1 one event of a provider: 1 when it is new. One that speaks of no delivery that is known is kept all the same: it may be known later.';
grant execute on function jobs.record_receipt(text, text, uuid, text, text, text, text, text, timestamptz, jsonb, boolean, timestamptz) to pruuf_worker;

create or replace function jobs.apply_receipts(delivery uuid, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  d data.deliveries;
  receipt data.receipts;
begin
  select * into d from data.deliveries o where o.id = delivery for no key update;
  receipt := rules.receipt_of(d);
  if receipt.meaning in ('delivered', 'confirmed') then
    if d.state <> receipt.meaning and rules.delivery_may_become(d.state, receipt.meaning) then
      update data.deliveries o
         set state = receipt.meaning, settled_at = at, lease_until = null, failure = null, may_have_arrived = true,
             provider_message_id = coalesce(o.provider_message_id, receipt.provider_message_id)
       where o.id = d.id;
      update data.deliveries o set state = 'cancelled', settled_at = at where o.resend_of = d.id and o.state = 'pending';
    end if;
  elsif receipt.meaning = 'accepted' then
    if d.state in ('pending', 'cancelled', 'expired') then
      update data.deliveries o
         set state = 'accepted', settled_at = at, may_have_arrived = true, poll_at = rules.first_poll(o.channel, receipt.provider, at),
             provider_message_id = coalesce(o.provider_message_id, receipt.provider_message_id)
       where o.id = d.id;
    end if;
  elsif receipt.meaning in ('transient', 'permanent') then
    perform jobs.fail_delivery(d, receipt, at);
  end if;
end;
$$;
comment on function jobs.apply_receipts(uuid, timestamptz) is 'R7.1 what all receipts of a delivery together mean for it. May be called as often as one likes.';
grant execute on function jobs.apply_receipts(uuid, timestamptz) to pruuf_worker;

create or replace function jobs.fail_delivery(d data.deliveries, receipt data.receipts, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  -- What is in a sender's hand is looked at again when that reports; what waits is tried again anyway.
  if d.state = 'accepted' or receipt.meaning = 'permanent' and d.state in ('pending', 'delivered', 'failed') and d.failure is distinct from receipt.detail then
    update data.deliveries o set state = 'failed', settled_at = at, failure = receipt.detail where o.id = d.id;
    perform jobs.give_up(d.id, null, at);
    perform pg_notify('pruuf_work', '');
  end if;
  if receipt.meaning = 'permanent' then
    update data.deliveries o set state = 'cancelled', settled_at = at where o.resend_of = d.id and o.state = 'pending';
  elsif d.state = 'accepted' then
    perform jobs.send_again(d.id, at);
  end if;
end;
$$;
comment on function jobs.fail_delivery(data.deliveries, data.receipts, timestamptz) is 'R7.1, R7.3 "undelivered" is a failure, never "sent": what stood by goes out at once, and what may still succeed is tried again.';
grant execute on function jobs.fail_delivery(data.deliveries, data.receipts, timestamptz) to pruuf_worker;

create or replace function jobs.send_again(delivery uuid, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  insert into data.deliveries (notification_id, alert_id, channel, address_id, device_id, work_rank, next_attempt_at, attempts, expires_at, created_at, resend_of)
  select d.notification_id, n.alert_id, d.channel, d.address_id, d.device_id, d.work_rank, at + rules.backoff(d.attempts), d.attempts, d.expires_at, at, d.id
    from data.deliveries d join data.notifications n on n.id = d.notification_id
   where d.id = send_again.delivery and not d.is_withdrawn and rules.why_not_resent(d, n, at) is null
  on conflict do nothing;
end;
$$;
comment on function jobs.send_again(uuid, timestamptz) is 'R7.3 what a provider took and could not deliver this time is tried again after a growing wait, over the alert''s whole life: by a delivery of its own, since a failure stays on record.';
grant execute on function jobs.send_again(uuid, timestamptz) to pruuf_worker;
