-- Row-level security is forced on these tables, also for their owner; what a release adds is not a change by api.set_policy.
alter table data.policies no force row level security;
alter table data.notification_kinds no force row level security;
insert into data.policies (key, value, unit, least, most, about) values
  ('addresses_per_user', 10, 'addresses', 1, 100, 'R7.6 addresses of one user, verified or not');

insert into data.notification_kinds (kind, priority, work_rank, about) values
  ('session_theft', 'critical', 50, 'a refresh token was used twice: a copy of it was stolen, and its session has ended'),
  ('pin_changed', 'high', 70, 'the PIN was changed, or set anew with a code');
alter table data.policies force row level security;
alter table data.notification_kinds force row level security;
