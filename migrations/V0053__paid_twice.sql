-- R8.5 what is paid for twice, or by whoever is free, is given back.

alter table billing.subscriptions add created_at timestamptz;
comment on column billing.subscriptions.created_at is 'R8.5 when Stripe made it; null until it is fetched the next time.';

alter table billing.orders drop constraint order_action_is_known;
alter table billing.orders add constraint order_action_is_known check (action in ('cancel_now', 'cancel_at_period_end', 'cancel_and_refund'));
alter table billing.orders drop constraint order_reason_is_known;
alter table billing.orders add constraint order_reason_is_known check (reason in ('grandfathered', 'account_deleted', 'disputed', 'paid_twice'));

-- v1 and v2 events have digits in their names.
alter table billing.events drop constraint event_type_is_stripes;
alter table billing.events add constraint event_type_is_stripes check (type ~ '^[a-z0-9_.]{1,80}$');

-- The owner itself is bound by the policies of sql/.
alter table data.notification_kinds no force row level security;
insert into data.notification_kinds (kind, priority, work_rank, about) values
  ('payment_returned', 'normal', 60, 'a payment that was not needed is given back');
alter table data.notification_kinds force row level security;
