create table data.notification_kinds (
  kind text primary key,
  priority text not null constraint priority_is_known check (priority in ('critical', 'high', 'normal', 'low')),
  work_rank smallint not null,
  about text not null
);
comment on table data.notification_kinds is 'R7.2 what may be told, how urgently, and its place in the order of work (R7.4: 1 first).';
insert into data.notification_kinds (kind, priority, work_rank, about) values
  ('missed', 'critical', 20, 'a watched Member did not check in'),
  ('all_clear', 'critical', 30, 'the alert is over'),
  ('acknowledged', 'high', 40, 'somebody has the alert'),
  ('one_time_code', 'critical', 50, 'a code to sign up or to recover'),
  ('reminder', 'normal', 60, 'the check-in is due'),
  ('invitation', 'critical', 70, 'somebody asks to be connected; goes to an address that may have no account'),
  ('connected', 'high', 70, 'two people are connected now'),
  ('connection_ended', 'high', 70, 'a connection was ended by the other side');

create table data.notifications (
  id uuid primary key default data.new_id(),
  user_id uuid references data.users (id) on delete cascade,
  kind text not null references data.notification_kinds (kind) on delete restrict,
  cause text not null,
  alert_id uuid references data.alerts (id) on delete cascade,
  facts jsonb not null default '{}',
  address_kind text constraint stranger_address_kind_is_known check (address_kind in ('email', 'phone')),
  address_lookup bytea,
  address_sealed bytea,
  created_at timestamptz not null,
  expires_at timestamptz,
  read_at timestamptz,
  hidden_at timestamptz,
  constraint stranger_address_is_whole check (num_nonnulls(address_kind, address_lookup, address_sealed) = case when user_id is null then 3 else 0 end),
  constraint one_notification_per_user_and_cause unique nulls not distinct (user_id, kind, cause),
  constraint only_codes_and_invitations_go_to_strangers check (user_id is not null or kind in ('one_time_code', 'invitation'))
);
comment on table data.notifications is 'R7.1 what a person is told. user_id is null where the address may have no account; it is then in the row. After expires_at it is not sent any more. cause names the event: with user and kind it is unique (R7.5).';
create index notifications_user on data.notifications (user_id, id desc);
create index notifications_alert on data.notifications (alert_id) where alert_id is not null;
create index notifications_kind on data.notifications (kind);

create table data.deliveries (
  id uuid primary key default data.new_id(),
  notification_id uuid not null references data.notifications (id) on delete cascade,
  channel text not null constraint channel_is_known check (channel in ('push', 'email', 'sms')),
  address_id uuid references data.addresses (id) on delete set null,
  device_id uuid references data.devices (id) on delete set null,
  work_rank smallint not null,
  state text not null default 'pending' constraint delivery_state_is_known
    check (state in ('pending', 'sending', 'accepted', 'delivered', 'confirmed', 'failed', 'cancelled', 'expired')),
  next_attempt_at timestamptz not null,
  attempts smallint not null default 0,
  lease_until timestamptz,
  may_have_arrived boolean not null default false,
  is_withdrawn boolean not null default false,
  stands_by boolean not null default false,
  expires_at timestamptz,
  created_at timestamptz not null,
  settled_at timestamptz,
  provider_message_id text,
  failure text,
  constraint delivery_goes_to_one_place check (num_nonnulls(address_id, device_id) <= 1),
  constraint delivery_in_hand_has_a_lease check ((state = 'sending') = (lease_until is not null)),
  constraint failed_delivery_says_why check (state <> 'failed' or failure is not null)
) with (fillfactor = 80);
comment on table data.deliveries is 'R7.1 a notification over one channel to one address: a verified one, a device, or (neither) the notification''s own, or one that its owner has removed since. stands_by: goes out only when the push before it failed or was not confirmed in time (R7.2). is_withdrawn: was in a sender''s hand when its alert ended; is not tried again. may_have_arrived: an attempt was accepted, or its end is unknown.';
create unique index one_delivery_per_place on data.deliveries (notification_id, channel, address_id, device_id);
create index deliveries_due on data.deliveries (channel, work_rank, next_attempt_at) where state = 'pending';
create index deliveries_leased on data.deliveries (channel, lease_until) where state = 'sending';
create index deliveries_expiring on data.deliveries (expires_at) where state = 'pending' and expires_at is not null;
create index deliveries_address on data.deliveries (address_id) where address_id is not null;
create index deliveries_device on data.deliveries (device_id) where device_id is not null;

create table data.attempts (
  id bigint generated always as identity primary key,
  delivery_id uuid not null references data.deliveries (id) on delete cascade,
  number smallint not null,
  ended_at timestamptz not null,
  result text not null constraint attempt_result_is_known check (result in ('accepted', 'transient', 'permanent', 'unknown')),
  detail text constraint attempt_detail_is_a_code check (detail ~ '^[A-Za-z0-9_.:-]{1,80}$'),
  took_ms integer
);
comment on table data.attempts is 'R7.1 rows that are only ever added. detail is a provider''s code, never its text: that may hold an address. unknown: nobody knows whether the provider took it.';
create index attempts_delivery on data.attempts (delivery_id, id);

alter table data.notification_kinds enable row level security;
alter table data.notification_kinds force row level security;
alter table data.notifications enable row level security;
alter table data.notifications force row level security;
alter table data.deliveries enable row level security;
alter table data.deliveries force row level security;
alter table data.attempts enable row level security;
alter table data.attempts force row level security;
