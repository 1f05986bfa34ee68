create table data.users (
  id uuid primary key default data.new_id(),
  name text not null constraint user_name_is_1_to_80_characters check (length(name) between 1 and 80 and name = btrim(name)),
  language text not null default 'en' constraint user_language_is_known check (language in ('en')),
  created_at timestamptz not null
);
comment on table data.users is 'R1.1 one kind of account; connections and schedules say whether it is a Member, a Contact, both or neither.';

create table data.addresses (
  id uuid primary key default data.new_id(),
  user_id uuid not null references data.users (id) on delete cascade,
  kind text not null constraint address_kind_is_known check (kind in ('email', 'phone')),
  lookup bytea not null,
  sealed bytea not null,
  verified_at timestamptz,
  off_at timestamptz,
  off_reason text constraint address_off_reason_is_known check (off_reason in ('bounced', 'complained', 'invalid', 'landline', 'stopped')),
  created_at timestamptz not null,
  constraint address_off_has_a_reason check ((off_at is null) = (off_reason is null))
);
comment on table data.addresses is 'E-mail addresses and phone numbers: sealed is ciphertext, lookup its keyed hash (R9.3); a verified one belongs to one user.';
create unique index one_account_per_address on data.addresses (kind, lookup) where verified_at is not null;
create unique index address_is_listed_once on data.addresses (user_id, kind, lookup);

create table data.devices (
  id uuid primary key,
  user_id uuid not null references data.users (id) on delete cascade,
  platform text not null constraint device_platform_is_known check (platform in ('android', 'ios')),
  push_token text not null constraint push_token_is_1_to_4096_characters check (length(push_token) between 1 and 4096),
  registered_at timestamptz not null,
  off_at timestamptz,
  off_reason text constraint device_off_reason_is_known check (off_reason in ('unregistered')),
  constraint device_off_has_a_reason check ((off_at is null) = (off_reason is null))
);
create index devices_user on data.devices (user_id, registered_at);
create unique index push_token_is_one_device on data.devices (push_token);

alter table data.users enable row level security;
alter table data.users force row level security;
alter table data.addresses enable row level security;
alter table data.addresses force row level security;
alter table data.devices enable row level security;
alter table data.devices force row level security;
