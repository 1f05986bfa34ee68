alter table data.users add column deleted_at timestamptz;
comment on column data.users.deleted_at is 'R2.6 since when the account is deleted; signing in restores it until it is erased.';
create index users_deleted on data.users (deleted_at) where deleted_at is not null;

alter table data.sessions
  drop constraint session_revoked_reason_is_known,
  add constraint session_revoked_reason_is_known check (revoked_reason in ('signed_out', 'pin_changed', 'theft', 'account_deleted'));

alter table data.connections add column may_return boolean not null default false;
comment on column data.connections.may_return is 'R2.6 it ended with the account of one side, and comes back with it.';

-- Where an erased person's addresses are looked for.
create index notifications_stranger on data.notifications (address_lookup) where address_lookup is not null;
create index invitations_address on data.invitations (lookup);
create index addresses_lookup on data.addresses (lookup);

-- What is forgotten by its age.
create index one_time_codes_age on data.one_time_codes (created_at);
create index notifications_stranger_age on data.notifications (created_at) where user_id is null;

-- Row-level security is forced on these tables, also for their owner; what a release adds is not a change by api.set_policy.
alter table data.policies no force row level security;
alter table data.notification_kinds no force row level security;
insert into data.policies (key, value, unit, least, most, about) values
  ('account_return', 30, 'days', 1, 365, 'R2.6 how long signing in restores a deleted account; then it is erased');

insert into data.notification_kinds (kind, priority, work_rank, about) values
  ('account_deleted', 'high', 40, 'somebody connected has deleted their account'),
  ('account_restored', 'high', 70, 'a deleted account is back: told to its user and to those who are connected with it'),
  ('goodbye', 'critical', 70, 'one''s own account is deleted: how to get it back, and until when');
alter table data.policies force row level security;
alter table data.notification_kinds force row level security;
