create or replace function rules.own_subscription() returns billing.subscriptions
language plpgsql stable security invoker set search_path = ''
as $$
declare
  mine billing.subscriptions;
begin
  select s.* into mine from billing.customers k join billing.subscriptions s on s.customer_id = k.id
   where k.user_id = rules.signed_in_user_id() and s.status not in ('canceled', 'incomplete_expired', 'incomplete')
   order by s.status in ('active', 'trialing') desc, s.is_ending, s.created_at limit 1;
  return mine;
end;
$$;
comment on function rules.own_subscription() is 'R8.1 what the caller pays for, if anything.';
grant execute on function rules.own_subscription() to pruuf_user;

create or replace function api.get_billing() returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
  at timestamptz := rules.clock();
  account billing.accounts;
  mine billing.subscriptions := rules.own_subscription();
  ends_at timestamptz := rules.entitlement_ends_at(me, at);
begin
  select * into account from billing.accounts a where a.user_id = me;
  return jsonb_build_object(
    'entitlement', rules.entitlement(me, at), 'since', account.since_at, 'language', (rules.my_account()).language,
    'next', (select jsonb_build_object('what', n.what, 'at', n.at, 'local', rules.iso_local(n.at, rules.zone_of(me)))
               from (values ('freezes', case when isfinite(ends_at) then ends_at end),
                            ('renews', case when ends_at is null and mine.status in ('active', 'trialing') then mine.period_ends_at end)) as n (what, at)
              where n.at > rules.clock()),
    'needs_card', (rules.unpayable_subscription(me)).id is not null, 'needs_payment', coalesce(mine.status in ('past_due', 'unpaid'), false),
    'subscription', case when mine.id is not null then jsonb_build_object(
      'plan', mine.lookup_key, 'is_ending', mine.is_ending, 'period_ends_at', mine.period_ends_at, 'card_expires_on', mine.card_expires_on) end,
    'plans', (select coalesce(jsonb_agg(jsonb_build_object('plan', p.lookup_key, 'currency', p.currency, 'unit_amount', p.unit_amount, 'period', p.period) order by p.unit_amount), '[]')
                from billing.prices p),
    'members', (select count(*) from data.connections c where c.contact_id = me and c.ended_at is null),
    'members_allowed', rules.members_allowed(me, at));
end;
$$;
comment on function api.get_billing() is 'GET /v1/billing. R8.1, R8.2 where the caller stands, and what happens next and when, if they do nothing.';
grant execute on function api.get_billing() to pruuf_user;

create or replace function api.begin_checkout(plan text) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
  at timestamptz := rules.clock();
  price billing.prices;
  mine billing.subscriptions := rules.own_subscription();
  is_unpaid boolean := coalesce(mine.status in ('past_due', 'unpaid'), false);
  -- Whoever watches nobody yet has all of it before them.
  trial_ends_at timestamptz := coalesce((select a.trial_ends_at from billing.accounts a where a.user_id = me), at + make_interval(days => rules.policy('trial')));
begin
  select * into price from billing.prices p where p.lookup_key = begin_checkout.plan;
  if rules.entitlement(me, at) = 'free' then
    raise exception 'nothing-to-pay' using errcode = 'UF409', detail = 'Pruuf is free for you.';
  elsif price.id is null then
    perform rules.refuse_unknown('plan');
  elsif mine.lookup_key = plan and mine.status in ('active', 'trialing') and not mine.is_ending then
    raise exception 'already-subscribed' using errcode = 'UF409', detail = 'You have this plan.';
  end if;
  return jsonb_build_object('at', at, 'user_id', me, 'price_id', price.id,
                            'unpaid_id', case when is_unpaid then mine.id end, 'subscription_id', case when not is_unpaid then mine.id end,
                            -- Stripe takes no trial shorter than 48 hours.
                            'trial_ends_at', case when isfinite(trial_ends_at) and trial_ends_at > at + interval '49 hours' then trial_ends_at end,
                            'customer_id', (select k.id from billing.customers k where k.user_id = me));
end;
$$;
comment on function api.begin_checkout(text) is 'POST /v1/billing/checkout. R8.1, R8.5 what Stripe is to be asked for: where to pay what is open, another price of the subscription there is, or a checkout, which leaves the rest of the trial free.';
grant execute on function api.begin_checkout(text) to pruuf_user;

create or replace function rules.find_subscription(must_run boolean) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
declare
  customer text := (select k.id from billing.customers k where k.user_id = rules.signed_in_user_id());
begin
  if customer is null or must_run and (rules.own_subscription()).id is null then
    raise exception 'no-subscription' using errcode = 'UF409', detail = 'There is nothing that you pay for. Choose a plan first.';
  end if;
  return jsonb_build_object('at', rules.clock(), 'customer_id', customer, 'subscription_id', (rules.own_subscription()).id);
end;
$$;
comment on function rules.find_subscription(boolean) is 'R8.1 whom and what Stripe is to be asked about for the caller.';
grant execute on function rules.find_subscription(boolean) to pruuf_user;

create or replace function api.open_portal() returns jsonb
language sql stable security invoker set search_path = ''
as $$ select rules.find_subscription(false) $$;
comment on function api.open_portal() is 'POST /v1/billing/portal. R8.1 Stripe does it, and the database follows.';
grant execute on function api.open_portal() to pruuf_user;

create or replace function api.cancel_subscription() returns jsonb
language sql stable security invoker set search_path = ''
as $$ select rules.find_subscription(true) $$;
comment on function api.cancel_subscription() is 'POST /v1/billing/cancel. R8.1 Stripe does it, and the database follows.';
grant execute on function api.cancel_subscription() to pruuf_user;

create or replace function api.resume_subscription() returns jsonb
language sql stable security invoker set search_path = ''
as $$ select rules.find_subscription(true) $$;
comment on function api.resume_subscription() is 'POST /v1/billing/resume. R8.1 Stripe does it, and the database follows.';
grant execute on function api.resume_subscription() to pruuf_user;
