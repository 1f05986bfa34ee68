create schema billing;
comment on schema billing is 'Money: what Stripe says, and what follows from it. Stripe is the truth (R8.1).';

create table billing.accounts (
  user_id uuid primary key references data.users (id) on delete cascade,
  trial_ends_at timestamptz,
  grandfathered_at timestamptz,
  entitlement text not null constraint entitlement_is_known check (entitlement in ('trialing', 'active', 'free', 'past_due', 'frozen', 'cancelled')),
  since_at timestamptz not null,
  next_step_at timestamptz
);
comment on table billing.accounts is 'R8.2 one for each user who watches, or was watched: their trial (R1.2) and whether they are free for ever. entitlement: what it was when it was last looked at, and told; rules.entitlement says what it is. next_step_at: when it is to be looked at again.';
create index accounts_next_step on billing.accounts (next_step_at) where next_step_at is not null;

create table billing.customers (
  id text primary key constraint customer_id_is_stripes check (id ~ '^cus_[A-Za-z0-9_]{1,80}$'),
  user_id uuid constraint one_customer_per_user unique references data.users (id) on delete set null,
  created_at timestamptz not null,
  compared_at timestamptz not null
);
create index customers_compared on billing.customers (compared_at);
comment on table billing.customers is 'R8.1 which customer of Stripe a user is. Stays without its user when an account is erased (R2.6). compared_at: when its subscriptions were last compared with Stripe (R8.4).';

create table billing.prices (
  id text primary key constraint price_id_is_stripes check (id ~ '^price_[A-Za-z0-9_]{1,80}$'),
  lookup_key text not null constraint one_price_per_plan unique,
  currency text not null constraint currency_is_iso check (currency ~ '^[a-z]{3}$'),
  unit_amount bigint not null constraint price_is_not_negative check (unit_amount >= 0),
  period text not null constraint price_period_is_known check (period in ('month', 'year')),
  fetched_at timestamptz not null
);
comment on table billing.prices is 'R8.1 the plans: prices of Stripe, found by lookup key. unit_amount: in the smallest unit of the currency.';

create table billing.subscriptions (
  id text primary key constraint subscription_id_is_stripes check (id ~ '^sub_[A-Za-z0-9_]{1,80}$'),
  customer_id text not null references billing.customers (id) on delete cascade,
  status text not null constraint subscription_status_is_stripes check (status in ('incomplete', 'incomplete_expired', 'trialing', 'active', 'past_due', 'canceled', 'unpaid', 'paused')),
  lookup_key text,
  period_ends_at timestamptz,
  is_ending boolean not null default false,
  past_due_since_at timestamptz,
  card_expires_on date,
  fetched_at timestamptz not null,
  constraint past_due_is_since_a_time check (status not in ('past_due', 'unpaid') or past_due_since_at is not null)
);
comment on table billing.subscriptions is 'R8.2 the subscriptions as Stripe had them at fetched_at. is_ending: cancelled to the end of the paid period. past_due_since_at: when the first payment of its unpaid invoice failed.';
create index subscriptions_customer on billing.subscriptions (customer_id);
create index subscriptions_fetched on billing.subscriptions (fetched_at);

create table billing.events (
  id text primary key constraint event_id_is_stripes check (id ~ '^evt_[A-Za-z0-9_]{1,80}$'),
  type text not null constraint event_type_is_stripes check (type ~ '^[a-z_.]{1,80}$'),
  customer_id text,
  subscription_id text,
  payload jsonb not null,
  received_at timestamptz not null,
  state text not null default 'pending' constraint event_state_is_known check (state in ('pending', 'applied', 'ignored', 'failed')),
  tries integer not null default 0,
  next_try_at timestamptz,
  applied_at timestamptz,
  failure text,
  constraint event_that_waits_has_its_time check ((state in ('pending', 'failed')) = (next_try_at is not null)),
  constraint failed_event_says_why check (state <> 'failed' or failure is not null)
);
comment on table billing.events is 'R8.4 what Stripe''s webhook brought, stored before it is answered, each once. It only says what to fetch: customer_id and subscription_id. failed: it is tried again, and listed by billing.failed_events.';
create index events_due on billing.events (next_try_at) where state in ('pending', 'failed');

create table billing.orders (
  id uuid primary key default data.new_id(),
  subscription_id text not null references billing.subscriptions (id) on delete cascade,
  action text not null constraint order_action_is_known check (action in ('cancel_now', 'cancel_at_period_end')),
  reason text not null constraint order_reason_is_known check (reason in ('grandfathered', 'account_deleted', 'disputed')),
  ordered_at timestamptz not null,
  done_at timestamptz,
  tries integer not null default 0,
  next_try_at timestamptz,
  failure text,
  constraint order_that_waits_has_its_time check ((done_at is null) = (next_try_at is not null)),
  constraint one_order_per_subscription_and_reason unique (subscription_id, reason)
);
comment on table billing.orders is 'R1.2, R2.6 what Stripe is to be told: written with what made it necessary, in one transaction, and tried until it is done. Its id is the Idempotency-Key.';
create index orders_due on billing.orders (next_try_at) where done_at is null;

alter table billing.accounts enable row level security;
alter table billing.accounts force row level security;
alter table billing.customers enable row level security;
alter table billing.customers force row level security;
alter table billing.prices enable row level security;
alter table billing.prices force row level security;
alter table billing.subscriptions enable row level security;
alter table billing.subscriptions force row level security;
alter table billing.events enable row level security;
alter table billing.events force row level security;
alter table billing.orders enable row level security;
alter table billing.orders force row level security;

-- The owner itself is bound by the policies of sql/.
alter table data.policies no force row level security;
alter table data.notification_kinds no force row level security;
insert into data.policies (key, value, unit, least, most, about) values
  ('trial', 30, 'days', 0, 3650, 'R1.2 a Contact''s trial, from the first Member they watch'),
  ('payment_grace', 7, 'days', 0, 90, 'R8.2 how long all works from the first failed payment'),
  ('ending_told_before', 7, 'days', 0, 90, 'R8.3 how long before the end of a trial or of a paid period its user hears of it first; and again three days and one day before'),
  ('members_on_trial', 10, 'Members', 1, 1000, 'R1.3 Members a Contact may watch on a trial');
insert into data.notification_kinds (kind, priority, work_rank, about) values
  ('access_ending', 'normal', 60, 'a trial or a paid period ends soon'),
  ('payment_failed', 'critical', 40, 'a payment has failed'),
  ('account_frozen', 'critical', 40, 'a Contact does not get everything any more'),
  ('account_thawed', 'normal', 60, 'a Contact gets everything again'),
  ('watcher_frozen', 'high', 60, 'a Contact will not, does not or does again get everything: told to the Member and the other Contacts'),
  ('grandfathered', 'normal', 60, 'a user who was paying is free for ever');
alter table data.policies force row level security;
alter table data.notification_kinds force row level security;

-- Whoever watches already begins their trial now; whoever was watched is free for ever.
alter table data.connections no force row level security;
alter table data.schedules no force row level security;
insert into billing.accounts (user_id, trial_ends_at, grandfathered_at, entitlement, since_at, next_step_at)
select p.id, case when p.watches then c.at + interval '30 days' end, case when p.was_active then c.at end, case when p.was_active then 'free' else 'trialing' end, c.at,
       case when not p.was_active then c.at end
  from (select now() + k.ahead_by as at from meta.clock k) c,
       (select u.id, exists (select from data.connections w where w.contact_id = u.id) as watches,
               exists (select from data.connections m where m.member_id = u.id) and exists (select from data.schedules s where s.member_id = u.id) as was_active
          from (select contact_id as id from data.connections union select member_id from data.connections) u) p
 where p.watches or p.was_active;
alter table data.connections force row level security;
alter table data.schedules force row level security;
