-- R4.8: a button, a watch, a speaker that may say "I'm OK" for its Member, and nothing else.
create table data.linked_devices (
  id uuid primary key default data.new_id(),
  user_id uuid not null references data.users (id) on delete cascade,
  name text not null constraint linked_device_name_is_1_to_100_characters check (length(name) between 1 and 100),
  token_hash bytea not null constraint one_linked_device_per_token unique,
  linked_at timestamptz not null
);
comment on table data.linked_devices is 'R4.8 things that check in by a token of their own. Of the token only its hash is kept: when the row goes it is worth nothing.';
create index linked_devices_user on data.linked_devices (user_id);
alter table data.linked_devices enable row level security;
alter table data.linked_devices force row level security;

alter table data.check_ins
  drop constraint check_in_method_is_known,
  add constraint check_in_method_is_known check (method in ('app', 'sms', 'link', 'call', 'device'));

-- The owner itself is bound by the policies of sql/.
alter table data.policies no force row level security;
insert into data.policies (key, value, unit, least, most, about) values
  ('linked_devices_per_user', 10, 'devices', 1, 100, 'R4.8 how many things may check in for a Member');
alter table data.policies force row level security;
