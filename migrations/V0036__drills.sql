create table data.drills (
  id uuid primary key default data.new_id(),
  user_id uuid not null references data.users (id) on delete cascade,
  goes_to text not null constraint drill_goes_to_somebody check (goes_to in ('contacts', 'myself')),
  reader_ids uuid[] not null constraint drill_has_readers check (cardinality(reader_ids) >= 1),
  asked_at timestamptz not null
);
comment on table data.drills is 'R6.11 a try whether alerts arrive: a table of its own, so that nothing that looks for alerts can take one for an alert. Its messages have its id as their cause.';
create index drills_user on data.drills (user_id, asked_at desc);

create table data.drill_reminders (
  user_id uuid primary key references data.users (id) on delete cascade,
  remind_at timestamptz not null
);
comment on table data.drill_reminders is 'R6.11 when a Member or a Contact is next asked to try it.';
create index drill_reminders_due on data.drill_reminders (remind_at);

alter table data.connections no force row level security;
insert into data.drill_reminders (user_id, remind_at)
select p.person, now() + interval '90 days' from data.connections c cross join lateral (values (c.member_id), (c.contact_id)) as p (person)
 where c.ended_at is null on conflict do nothing;
alter table data.connections force row level security;

alter table data.drills enable row level security;
alter table data.drills force row level security;
alter table data.drill_reminders enable row level security;
alter table data.drill_reminders force row level security;

-- The owner itself is bound by the policies of sql/.
alter table data.policies no force row level security;
alter table data.notification_kinds no force row level security;
insert into data.policies (key, value, unit, least, most, about) values
  ('drill_interval', 10, 'minutes', 1, 1440, 'R6.11 a user starts a drill at most every …'),
  ('drill_reminder', 90, 'days', 1, 3650, 'R6.11 Members and Contacts are asked to try it after …');
insert into data.notification_kinds (kind, priority, work_rank, about) values
  ('drill', 'critical', 65, 'a try whether alerts arrive; never an alert'),
  ('drill_reminder', 'normal', 75, 'it is time to try whether alerts arrive');
alter table data.policies force row level security;
alter table data.notification_kinds force row level security;
