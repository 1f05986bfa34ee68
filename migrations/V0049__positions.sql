create table data.positions (
  id uuid primary key,
  member_id uuid not null references data.users (id) on delete cascade,
  check_in_id uuid references data.check_ins (id) on delete cascade,
  help_request_id uuid references data.help_requests (id) on delete cascade,
  sealed bytea not null constraint position_is_at_most_512_bytes check (octet_length(sealed) <= 512),
  received_at timestamptz not null,
  constraint position_came_with_one_act check (num_nonnulls(check_in_id, help_request_id) = 1)
);
comment on table data.positions is 'R4.8 where a Member was when they checked in or called for help, if they have chosen so: as one ciphertext (R9.3) that opens only for this id, for their Contacts only, and erased after [24] hours.';
create unique index one_position_per_check_in on data.positions (check_in_id) where check_in_id is not null;
create unique index one_position_per_help_request on data.positions (help_request_id) where help_request_id is not null;
create index positions_member on data.positions (member_id, received_at);
create index positions_received on data.positions (received_at);
alter table data.positions enable row level security;
alter table data.positions force row level security;

alter table data.preferences
  add column shares_position text not null default 'never' constraint position_choice_is_known check (shares_position in ('never', 'with_help', 'always'));
comment on column data.preferences.shares_position is 'R4.8 with which acts a Member says where they are.';

-- The owner itself is bound by the policies of sql/.
alter table data.policies no force row level security;
insert into data.policies (key, value, unit, least, most, about) values
  ('position_kept', 24, 'hours', 1, 168, 'R4.8 a position is erased after …');
alter table data.policies force row level security;
