-- The owner itself is bound by the policies of sql/. It takes the place of a reminder, and a Member who was not seen by anybody must
-- know at once that somebody says so.
alter table data.notification_kinds no force row level security;
update data.notification_kinds set is_urgent = true where kind = 'attested';
alter table data.notification_kinds force row level security;
