create or replace function rules.stripe_subscription_of(payload jsonb) returns text
language plpgsql immutable parallel safe security invoker set search_path = ''
as $$
declare
  object jsonb := payload #> '{data,object}';
begin
  return case
    when object ->> 'object' = 'subscription' then object ->> 'id'
    when jsonb_typeof(object -> 'subscription') = 'string' then object ->> 'subscription'
    else object #>> '{parent,subscription_details,subscription}' end;
end;
$$;
comment on function rules.stripe_subscription_of(jsonb) is 'R8.4 which subscription an event of Stripe is about: of itself, of its invoice or of a checkout; null when of none.';
grant execute on function rules.stripe_subscription_of(jsonb) to pruuf_engine;

create or replace function rules.stripe_charge_of(payload jsonb) returns text
language plpgsql immutable parallel safe security invoker set search_path = ''
as $$
begin
  return case when payload #>> '{data,object,object}' = 'dispute' and payload ->> 'type' = 'charge.dispute.created' then payload #>> '{data,object,charge}' end;
end;
$$;
comment on function rules.stripe_charge_of(jsonb) is 'R8.5 the charge that an event disputes.';
grant execute on function rules.stripe_charge_of(jsonb) to pruuf_engine;

create or replace function rules.apply_subscription(found_one jsonb, at timestamptz) returns boolean
language plpgsql volatile security definer set search_path = ''
as $$
declare
  item jsonb := found_one #> '{items,data,0}';
  state text := found_one ->> 'status';
  ends_at timestamptz := to_timestamp(coalesce(item ->> 'current_period_end', found_one ->> 'current_period_end')::double precision);
  bill jsonb := case when jsonb_typeof(found_one -> 'latest_invoice') = 'object' then found_one -> 'latest_invoice' end;
  card jsonb := found_one #> '{default_payment_method,card}';
begin
  insert into billing.subscriptions as s (id, customer_id, status, lookup_key, period_ends_at, is_ending, past_due_since_at, card_expires_on, created_at, fetched_at)
  select found_one ->> 'id', k.id, state, item #>> '{price,lookup_key}', coalesce(to_timestamp((found_one ->> 'cancel_at')::double precision), ends_at),
         coalesce((found_one ->> 'cancel_at_period_end')::boolean, false) or found_one ->> 'cancel_at' is not null,
         case when state in ('past_due', 'unpaid') then coalesce(to_timestamp(coalesce(bill #>> '{status_transitions,finalized_at}', bill ->> 'created')::double precision), at) end,
         case when card ? 'exp_year' then (make_date((card ->> 'exp_year')::integer, (card ->> 'exp_month')::integer, 1) + interval '1 month - 1 day')::date end,
         to_timestamp((found_one ->> 'created')::double precision), at
    from billing.customers k where k.id = found_one ->> 'customer'
  on conflict on constraint subscriptions_pkey do update
    set status = excluded.status, lookup_key = excluded.lookup_key, period_ends_at = excluded.period_ends_at, is_ending = excluded.is_ending,
        -- From the first failed payment, however many follow it.
        past_due_since_at = case when excluded.past_due_since_at is not null then least(s.past_due_since_at, excluded.past_due_since_at) end,
        card_expires_on = excluded.card_expires_on, created_at = excluded.created_at, fetched_at = excluded.fetched_at
    -- What was taken up at one moment is asked one after the other.
    where s.fetched_at <= excluded.fetched_at;
  return found;
end;
$$;
alter function rules.apply_subscription(jsonb, timestamptz) owner to pruuf_engine;
comment on function rules.apply_subscription(jsonb, timestamptz) is 'R8.4 a subscription as Stripe had it when it was asked, at this time: what is older than what is known changes nothing. A trigger draws the consequences. security definer: nobody may write it. Of customers who are none of ours nothing is kept.';
grant execute on function rules.apply_subscription(jsonb, timestamptz) to pruuf_worker;

create or replace function rules.store_stripe_event(event jsonb) returns boolean
language plpgsql volatile security definer set search_path = ''
as $$
declare
  at timestamptz := rules.clock();
  subscription text := rules.stripe_subscription_of(event);
  is_ours boolean := subscription is not null or rules.stripe_charge_of(event) is not null;
begin
  insert into billing.events (id, type, customer_id, subscription_id, payload, received_at, state, next_try_at)
  values (event ->> 'id', event ->> 'type', event #>> '{data,object,customer}', subscription, event, at,
          case when is_ours then 'pending' else 'ignored' end, case when is_ours then at end)
  on conflict on constraint events_pkey do nothing;
  if found and is_ours then
    perform pg_notify('pruuf_work', '');
  end if;
  return found;
end;
$$;
alter function rules.store_stripe_event(jsonb) owner to pruuf_engine;
comment on function rules.store_stripe_event(jsonb) is 'R8.4 an event of Stripe is kept before it is answered; a duplicate is nothing new. Gives whether it was.';
grant execute on function rules.store_stripe_event(jsonb) to pruuf_worker;

create or replace function rules.claim_stripe_work(most integer) returns setof jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  at timestamptz := rules.clock();
begin
  return query
  with due as (
    select e.id from billing.events e where e.state in ('pending', 'failed') and e.next_try_at <= at order by e.next_try_at limit most for update skip locked),
  taken as (
    -- The next try is the lease: should this one come to nothing, it is made then.
    update billing.events e set tries = e.tries + 1, next_try_at = at + rules.stripe_pause(e.tries) from due where e.id = due.id returning e.*)
  select jsonb_build_object('event_id', t.id, 'subscription_id', t.subscription_id, 'charge_id', rules.stripe_charge_of(t.payload), 'at', at) from taken t;
  return query
  with due as (
    select o.id from billing.orders o where o.done_at is null and o.next_try_at <= at order by o.next_try_at limit most for update skip locked),
  taken as (
    update billing.orders o set tries = o.tries + 1, next_try_at = at + rules.stripe_pause(o.tries) from due where o.id = due.id returning o.*)
  select jsonb_build_object('order_id', t.id, 'subscription_id', t.subscription_id, 'action', t.action, 'at', at) from taken t;
end;
$$;
alter function rules.claim_stripe_work(integer) owner to pruuf_engine;
comment on function rules.claim_stripe_work(integer) is 'R8.4, R1.2 events to be applied and orders to be carried out, each by one server; what failed comes again, more and more rarely.';
grant execute on function rules.claim_stripe_work(integer) to pruuf_worker;

create or replace function rules.stripe_pause(tries integer) returns interval
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  return least(interval '30 seconds' * 2 ^ least(tries, 12), interval '6 hours') * (0.8 + 0.4 * random());
end;
$$;
comment on function rules.stripe_pause(integer) is 'R8.4 how long until Stripe is tried again: half a minute, twice as long each time, six hours at most, and not all at one moment.';
grant execute on function rules.stripe_pause(integer) to pruuf_engine;

create or replace function rules.finish_stripe_work(work jsonb, outcome jsonb) returns void
language plpgsql volatile security definer set search_path = ''
as $$
declare
  at timestamptz := rules.clock();
  went_wrong text := outcome ->> 'failure';
begin
  if went_wrong is null and outcome ? 'subscription' then
    perform rules.apply_subscription(outcome -> 'subscription', (work ->> 'at')::timestamptz);
  elsif went_wrong is null and outcome ? 'disputed_by' then
    perform rules.order_ending(outcome ->> 'disputed_by', at);
  end if;
  update billing.events e
     set state = case when went_wrong is null then 'applied' else 'failed' end, failure = went_wrong,
         applied_at = case when went_wrong is null then at end, next_try_at = case when went_wrong is not null then e.next_try_at end
   where e.id = work ->> 'event_id' and e.state in ('pending', 'failed');
  update billing.orders o
     set done_at = case when went_wrong is null then at end, failure = went_wrong, next_try_at = case when went_wrong is not null then o.next_try_at end
   where o.id = (work ->> 'order_id')::uuid and o.done_at is null;
  if found and (outcome ->> 'refunded')::boolean then
    insert into data.notifications (user_id, kind, cause, facts, created_at)
    select k.user_id, 'payment_returned', o.id::text, jsonb_build_object('why', o.reason), at
      from billing.orders o join billing.subscriptions s on s.id = o.subscription_id join billing.customers k on k.id = s.customer_id
     where o.id = (work ->> 'order_id')::uuid and k.user_id is not null
    on conflict on constraint one_notification_per_user_and_cause do nothing;
  end if;
end;
$$;
alter function rules.finish_stripe_work(jsonb, jsonb) owner to pruuf_engine;
comment on function rules.finish_stripe_work(jsonb, jsonb) is 'R8.4 what came of a piece of work: the subscription as Stripe has it, whose charge is disputed, or why it failed.';
grant execute on function rules.finish_stripe_work(jsonb, jsonb) to pruuf_worker;

create or replace function rules.order_ending(customer text, at timestamptz) returns void
language sql volatile security invoker set search_path = ''
as $$
  insert into billing.orders (subscription_id, action, reason, ordered_at, next_try_at)
  select s.id, 'cancel_at_period_end', 'disputed', at, at from billing.subscriptions s
   where s.customer_id = customer and s.status not in ('canceled', 'incomplete_expired') and not s.is_ending
  on conflict on constraint one_order_per_subscription_and_reason do nothing
$$;
comment on function rules.order_ending(text, timestamptz) is 'R8.5 whoever disputes a payment does not want to go on: what is paid for ends with its period.';
grant execute on function rules.order_ending(text, timestamptz) to pruuf_engine;

create or replace function rules.end_doubles(customer text, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  kept billing.subscriptions;
begin
  select s.* into kept from billing.subscriptions s
   where s.customer_id = customer and s.status in ('active', 'trialing') and not s.is_ending
   order by s.created_at, s.id limit 1;
  if kept.id is null then
    return;
  end if;
  -- What ends by itself was paid for and is used.
  insert into billing.orders (subscription_id, action, reason, ordered_at, next_try_at)
  select s.id, case when s.created_at >= kept.created_at then 'cancel_and_refund' else 'cancel_now' end, 'paid_twice', at, at
    from billing.subscriptions s
   where s.customer_id = customer and s.id <> kept.id and s.status in ('active', 'trialing', 'past_due', 'unpaid') and not s.is_ending
  on conflict on constraint one_order_per_subscription_and_reason do nothing;
end;
$$;
comment on function rules.end_doubles(text, timestamptz) is 'R8.5 of two subscriptions that go on, the first that is paid stays: what is newer is cancelled and given back, and what is older and unpaid is cancelled.';
grant execute on function rules.end_doubles(text, timestamptz) to pruuf_engine;

create or replace function rules.keep_customer(person uuid, customer text) returns text
language plpgsql volatile security definer set search_path = ''
as $$
begin
  insert into billing.customers (id, user_id, created_at, compared_at) values (customer, person, rules.clock(), rules.clock()) on conflict on constraint one_customer_per_user do nothing;
  return (select k.id from billing.customers k where k.user_id = person);
end;
$$;
alter function rules.keep_customer(uuid, text) owner to pruuf_engine;
comment on function rules.keep_customer(uuid, text) is 'R8.1 the customer that Stripe has made for somebody. security definer: no user may say who pays for them.';
grant execute on function rules.keep_customer(uuid, text) to pruuf_worker;

create or replace function rules.keep_prices(found_ones jsonb) returns void
language plpgsql volatile security definer set search_path = ''
as $$
begin
  insert into billing.prices as p (id, lookup_key, currency, unit_amount, period, fetched_at)
  select f ->> 'id', f ->> 'lookup_key', f ->> 'currency', (f ->> 'unit_amount')::bigint, f #>> '{recurring,interval}', rules.clock()
    from jsonb_array_elements(found_ones) f
   where f ->> 'lookup_key' is not null and f ->> 'unit_amount' is not null
  on conflict on constraint one_price_per_plan do update
    set id = excluded.id, currency = excluded.currency, unit_amount = excluded.unit_amount, period = excluded.period, fetched_at = excluded.fetched_at;
end;
$$;
alter function rules.keep_prices(jsonb) owner to pruuf_engine;
comment on function rules.keep_prices(jsonb) is 'R8.1 prices of Stripe, by lookup key. security definer: nobody may write them.';
grant execute on function rules.keep_prices(jsonb) to pruuf_worker;

create or replace function rules.claim_comparisons(most integer) returns setof text
language plpgsql volatile security definer set search_path = ''
as $$
declare
  at timestamptz := rules.clock();
begin
  return query
  -- The next time is in an hour, should the asking come to nothing.
  update billing.customers k set compared_at = at - interval '23 hours'
   where k.id = any (array(
     select c.id from billing.customers c
      where c.compared_at <= at - interval '1 day' order by c.compared_at limit most for update skip locked))
  returning k.id;
end;
$$;
alter function rules.claim_comparisons(integer) owner to pruuf_engine;
comment on function rules.claim_comparisons(integer) is 'R8.4 customers whose subscriptions were not compared with Stripe for a day: in batches, whenever; nothing hangs on one run at its minute. security definer: the worker may not read who pays.';
grant execute on function rules.claim_comparisons(integer) to pruuf_worker;

create or replace function rules.compare_customer(customer text, found_ones jsonb, at timestamptz) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  one jsonb;
  before billing.subscriptions;
  after billing.subscriptions;
  mended text[] := array[]::text[];
begin
  for one in select f from jsonb_array_elements(found_ones) f loop
    select * into before from billing.subscriptions s where s.id = one ->> 'id';
    perform rules.apply_subscription(one, at);
    select * into after from billing.subscriptions s where s.id = one ->> 'id';
    after.fetched_at := before.fetched_at;
    if after is distinct from before then
      mended := mended || after.id;
    end if;
  end loop;
  update billing.customers k set compared_at = at where k.id = customer;
  return jsonb_build_object('mended', to_jsonb(mended), 'unknown_to_stripe', (
    select coalesce(jsonb_agg(s.id), '[]') from billing.subscriptions s
     where s.customer_id = customer and s.status not in ('canceled', 'incomplete_expired')
       and not exists (select from jsonb_array_elements(found_ones) f where f ->> 'id' = s.id)));
end;
$$;
alter function rules.compare_customer(text, jsonb, timestamptz) owner to pruuf_engine;
comment on function rules.compare_customer(text, jsonb, timestamptz) is 'R8.4 mends what differs from the subscriptions that Stripe has of a customer, and says which; and which Stripe does not know. security definer: nobody may write them.';
grant execute on function rules.compare_customer(text, jsonb, timestamptz) to pruuf_worker;
