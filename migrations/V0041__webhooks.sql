create table data.webhooks (
  id uuid primary key,
  user_id uuid not null references data.users (id) on delete cascade,
  sealed bytea not null constraint webhook_url_is_short check (octet_length(sealed) <= 2048),
  created_at timestamptz not null,
  delivered_at timestamptz,
  first_failed_at timestamptz,
  failure text constraint webhook_failure_is_a_code check (failure ~ '^[A-Za-z0-9_.:-]{1,80}$'),
  off_at timestamptz,
  off_reason text constraint webhook_off_reason_is_known check (off_reason in ('failing', 'gone')),
  constraint webhook_is_off_for_a_reason check ((off_at is null) = (off_reason is null))
);
comment on table data.webhooks is 'Where a program of a Contact''s wants to be told what that Contact is told of alerts (Standard Webhooks). It is no person and no channel: it neither covers a Member (R6.10) nor stands in a timeline. sealed: its URL (R9.3).';
comment on column data.webhooks.first_failed_at is 'Since when nothing but failures; null while it works.';
create index webhooks_user on data.webhooks (user_id);

create table data.webhook_secrets (
  id uuid primary key,
  webhook_id uuid not null references data.webhooks (id) on delete cascade,
  sealed bytea not null constraint webhook_secret_is_short check (octet_length(sealed) <= 512),
  created_at timestamptz not null,
  ends_at timestamptz
);
comment on table data.webhook_secrets is 'What events of a webhook are signed with (R9.3: sealed). ends_at: it was followed by another one, and signs beside it until then.';
create index webhook_secrets_webhook on data.webhook_secrets (webhook_id);

create table data.webhook_events (
  id uuid primary key default data.new_id(),
  webhook_id uuid not null references data.webhooks (id) on delete cascade,
  notification_id uuid references data.notifications (id) on delete cascade,
  type text not null constraint webhook_event_type_is_a_name check (type ~ '^[a-z]+\.[a-z_]+$'),
  created_at timestamptz not null,
  state text not null default 'pending' constraint webhook_event_state_is_known check (state in ('pending', 'delivered', 'failed', 'cancelled')),
  attempts smallint not null default 0,
  next_attempt_at timestamptz not null,
  settled_at timestamptz,
  failure text constraint webhook_event_failure_is_a_code check (failure ~ '^[A-Za-z0-9_.:-]{1,80}$'),
  constraint one_event_per_webhook_and_notification unique (webhook_id, notification_id),
  constraint webhook_event_is_settled_or_pending check ((state = 'pending') = (settled_at is null)),
  constraint only_a_test_tells_of_nothing check ((notification_id is null) = (type = 'webhook.test'))
);
comment on table data.webhook_events is 'What webhooks are told: one for each notification of an alert to their owner, made in its transaction. What it says is read when it is sent, so that nothing is told of whom its reader no longer watches.';
comment on column data.webhook_events.next_attempt_at is 'Also the lease of whoever sends it: a sender that dies leaves it to the others then.';
create index webhook_events_notification on data.webhook_events (notification_id);
create index webhook_events_due on data.webhook_events (next_attempt_at) where state = 'pending';
create index webhook_events_settled on data.webhook_events (settled_at) where settled_at is not null;

alter table data.webhooks enable row level security;
alter table data.webhooks force row level security;
alter table data.webhook_secrets enable row level security;
alter table data.webhook_secrets force row level security;
alter table data.webhook_events enable row level security;
alter table data.webhook_events force row level security;

-- The owner itself is bound by the policies of sql/.
alter table data.policies no force row level security;
alter table data.notification_kinds no force row level security;
insert into data.policies (key, value, unit, least, most, about) values
  ('webhooks_per_user', 5, 'webhooks', 0, 100, 'a user has at most …'),
  ('webhook_secret_overlap', 24, 'hours', 0, 720, 'so long the secret before signs beside the new one'),
  ('webhook_off_after', 5, 'days', 1, 60, 'a webhook is off after nothing but failures for …'),
  ('webhook_event_kept', 30, 'days', 1, 3650, 'R9.3 an event of a webhook that is settled is forgotten after …');
insert into data.notification_kinds (kind, priority, work_rank, about) values
  ('webhook_off', 'normal', 76, 'a webhook does not work and is off');
alter table data.policies force row level security;
alter table data.notification_kinds force row level security;
