create table data.unknown_sign_ins (
  kind text not null constraint unknown_address_kind_is_known check (kind in ('email', 'phone')),
  lookup bytea not null,
  failed_tries smallint not null default 0,
  failed_since_success smallint not null default 0,
  locked_until timestamptz,
  tried_at timestamptz not null,
  primary key (kind, lookup)
);
comment on table data.unknown_sign_ins is 'R2.1, R2.3 tries to sign in with an address that has no account, counted and locked as if it had one: the answer tells nobody which it is.';
create index unknown_sign_ins_age on data.unknown_sign_ins (tried_at);

alter table data.unknown_sign_ins enable row level security;
alter table data.unknown_sign_ins force row level security;
