-- The owner itself is bound by the policies of sql/.
alter table data.notification_kinds no force row level security;
insert into data.notification_kinds (kind, priority, work_rank, about) values
  ('checked_in_late', 'high', 60, 'a watched Member has checked in after the time, before anybody was alerted');
alter table data.notification_kinds force row level security;
