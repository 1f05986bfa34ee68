create table data.one_time_codes (
  id uuid primary key,
  kind text not null constraint code_address_kind_is_known check (kind in ('email', 'phone')),
  lookup bytea not null,
  sealed bytea not null,
  code_hash bytea not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  tries_left smallint not null constraint code_tries_never_go_below_none check (tries_left >= 0),
  ticket_hash bytea,
  ticket_expires_at timestamptz,
  ticket_used_at timestamptz,
  constraint ticket_is_whole check ((ticket_hash is null) = (ticket_expires_at is null))
);
comment on table data.one_time_codes is 'R2.1 a code to an address, as its hash; once verified, the ticket that proves it.';
create index one_time_codes_address on data.one_time_codes (kind, lookup, created_at desc);
create unique index ticket_is_one_code on data.one_time_codes (ticket_hash) where ticket_hash is not null;

create table data.pins (
  user_id uuid primary key references data.users (id) on delete cascade,
  hash text not null constraint pin_hash_is_argon2id check (hash like '$argon2id$%'),
  changed_at timestamptz not null,
  failed_tries smallint not null default 0,
  failed_since_success smallint not null default 0,
  locked_until timestamptz
);
comment on table data.pins is 'R2.2 Argon2id with a pepper that is not in the database; R2.3 the counters of wrong tries.';

create table data.sessions (
  id uuid primary key default data.new_id(),
  user_id uuid not null references data.users (id) on delete cascade,
  device_name text constraint device_name_is_1_to_100_characters check (length(device_name) between 1 and 100),
  created_at timestamptz not null,
  last_used_at timestamptz not null,
  last_ip inet,
  revoked_at timestamptz,
  revoked_reason text constraint session_revoked_reason_is_known check (revoked_reason in ('signed_out', 'pin_changed', 'theft')),
  constraint session_revoked_has_a_reason check ((revoked_at is null) = (revoked_reason is null))
);
create index sessions_user on data.sessions (user_id);

create table data.refresh_tokens (
  token_hash bytea primary key,
  session_id uuid not null references data.sessions (id) on delete cascade,
  issued_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz
);
comment on table data.refresh_tokens is 'R2.4 a session is a family of refresh tokens, of which one is unused.';
create unique index one_unused_refresh_token_per_session on data.refresh_tokens (session_id) where used_at is null;
create index refresh_tokens_session on data.refresh_tokens (session_id);

alter table data.one_time_codes enable row level security;
alter table data.one_time_codes force row level security;
alter table data.pins enable row level security;
alter table data.pins force row level security;
alter table data.sessions enable row level security;
alter table data.sessions force row level security;
alter table data.refresh_tokens enable row level security;
alter table data.refresh_tokens force row level security;
