create table data.unreached_contacts (
  alert_id uuid not null references data.alerts (id) on delete cascade,
  contact_id uuid not null references data.users (id) on delete cascade,
  found_at timestamptz not null,
  primary key (alert_id, contact_id)
);
comment on table data.unreached_contacts is 'R7.3 whom no channel reached with an alert, so that the others were told: once for each alert and Contact.';
create index unreached_contacts_contact on data.unreached_contacts (contact_id);

alter table data.alerts add column reach_check_at timestamptz;
comment on column data.alerts.reach_check_at is 'R7.3 when is looked next whether its Contacts are reached; null: at once.';
create index alerts_reach_check on data.alerts (reach_check_at nulls first) where state <> 'resolved';

alter table data.unreached_contacts enable row level security;
alter table data.unreached_contacts force row level security;

-- The owner itself is bound by the policies of sql/.
alter table data.policies no force row level security;
alter table data.notification_kinds no force row level security;
insert into data.policies (key, value, unit, least, most, about) values
  ('unreachable_after', 120, 'seconds', 10, 3600, 'R7.3 a Contact whom no channel has taken a message for within this time, while providers fail, is not reached');
insert into data.notification_kinds (kind, priority, work_rank, about) values
  ('unreachable', 'critical', 32, 'another Contact of a Member with an alert could not be reached');
alter table data.policies force row level security;
alter table data.notification_kinds force row level security;
