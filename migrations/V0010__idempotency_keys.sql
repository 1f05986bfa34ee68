create table data.idempotency_keys (
  user_id uuid not null references data.users (id) on delete cascade,
  key text not null constraint idempotency_key_is_1_to_200_characters check (length(key) between 1 and 200),
  fingerprint bytea not null,
  answer jsonb not null,
  created_at timestamptz not null,
  primary key (user_id, key)
);
comment on table data.idempotency_keys is 'R9.4 the answer that a key of this user got, stored in the transaction of its effect. fingerprint: a hash of operation and body.';
create index idempotency_keys_age on data.idempotency_keys (created_at);

alter table data.idempotency_keys enable row level security;
alter table data.idempotency_keys force row level security;
