-- Row-level security is forced on these tables, also for their owner; what a release adds is not a change by api.set_policy.
alter table data.policies no force row level security;
alter table data.notification_kinds no force row level security;
insert into data.policies (key, value, unit, least, most, about) values
  ('address_settles', 24, 'hours', 0, 720, 'R2.3, R7.6 how long an added address must have been verified before it recovers the account or may be the only one left');
insert into data.notification_kinds (kind, priority, work_rank, about) values
  ('address_changed', 'critical', 50, 'an address was added to the account or removed from it; goes also to the one that was removed');
alter table data.policies force row level security;
alter table data.notification_kinds force row level security;

alter table data.notifications drop constraint only_codes_and_invitations_go_to_strangers;
alter table data.notifications add constraint only_what_concerns_an_address_goes_to_strangers
  check (user_id is not null or kind in ('one_time_code', 'invitation', 'address_changed')) not valid;
alter table data.notifications validate constraint only_what_concerns_an_address_goes_to_strangers;
