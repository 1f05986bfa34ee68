create or replace function jobs.receive_stripe_event(event jsonb) returns jsonb
language sql volatile security invoker set search_path = ''
as $$ select jsonb_build_object('is_new', rules.store_stripe_event(event)) $$;
comment on function jobs.receive_stripe_event(jsonb) is 'POST /webhooks/stripe. R8.4';
grant execute on function jobs.receive_stripe_event(jsonb) to pruuf_worker;

create or replace function jobs.claim_stripe_work(most integer) returns jsonb
language sql volatile security invoker set search_path = ''
as $$ select coalesce(jsonb_agg(w), '[]') from rules.claim_stripe_work(most) w $$;
comment on function jobs.claim_stripe_work(integer) is 'R8.4 what there is to ask or tell Stripe.';
grant execute on function jobs.claim_stripe_work(integer) to pruuf_worker;

create or replace function jobs.finish_stripe_work(work jsonb, outcome jsonb) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  perform rules.finish_stripe_work(work, outcome);
  return jsonb_build_object();
end;
$$;
comment on function jobs.finish_stripe_work(jsonb, jsonb) is 'R8.4 what came of it.';
grant execute on function jobs.finish_stripe_work(jsonb, jsonb) to pruuf_worker;

create or replace view billing.failed_events with (security_invoker = true) as
select e.id, e.type, e.subscription_id, e.received_at, e.tries, e.next_try_at, e.failure from billing.events e where e.state = 'failed' order by e.received_at;
comment on view billing.failed_events is 'R8.4 events of Stripe that could not be applied yet; each is tried again.';

create or replace function jobs.keep_customer(person uuid, customer text) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  return jsonb_build_object('customer_id', rules.keep_customer(person, customer));
end;
$$;
comment on function jobs.keep_customer(uuid, text) is 'R8.1 which customer of Stripe a user is; the first one stays.';
grant execute on function jobs.keep_customer(uuid, text) to pruuf_worker;

create or replace function jobs.apply_subscription(found_one jsonb, asked_at timestamptz) returns jsonb
language sql volatile security invoker set search_path = ''
as $$ select jsonb_build_object('has_changed', rules.apply_subscription(found_one, asked_at)) $$;
comment on function jobs.apply_subscription(jsonb, timestamptz) is 'R8.1 what Stripe answered when it was told something.';
grant execute on function jobs.apply_subscription(jsonb, timestamptz) to pruuf_worker;

create or replace function jobs.claim_comparisons(most integer) returns jsonb
language sql volatile security invoker set search_path = ''
as $$ select jsonb_build_object('at', rules.clock(), 'customers', coalesce(jsonb_agg(c), '[]')) from rules.claim_comparisons(most) c $$;
comment on function jobs.claim_comparisons(integer) is 'R8.4 the next customers to be compared with Stripe.';
grant execute on function jobs.claim_comparisons(integer) to pruuf_worker;

create or replace function jobs.compare_customer(customer text, found_ones jsonb, asked_at timestamptz) returns jsonb
language sql volatile security invoker set search_path = ''
as $$ select rules.compare_customer(customer, found_ones, asked_at) $$;
comment on function jobs.compare_customer(text, jsonb, timestamptz) is 'R8.4 mends and reports what differs.';
grant execute on function jobs.compare_customer(text, jsonb, timestamptz) to pruuf_worker;

create or replace function jobs.keep_prices(found_ones jsonb) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  perform rules.keep_prices(found_ones);
  return jsonb_build_object();
end;
$$;
comment on function jobs.keep_prices(jsonb) is 'R8.1 the plans as Stripe has them.';
grant execute on function jobs.keep_prices(jsonb) to pruuf_worker;
