create table data.weekly_summaries (
  user_id uuid primary key references data.users (id) on delete cascade,
  due_at timestamptz not null
);
comment on table data.weekly_summaries is 'R7.2 when somebody is next told how the week was: of all whom they watch, and their own. A row for whoever is, or was, connected.';
create index weekly_summaries_due on data.weekly_summaries (due_at);

alter table data.connections no force row level security;
insert into data.weekly_summaries (user_id, due_at)
select p.person, date_trunc('week', now(), 'UTC') + interval '7 days 9 hours' from data.connections c cross join lateral (values (c.member_id), (c.contact_id)) as p (person)
 where c.ended_at is null on conflict do nothing;
alter table data.connections force row level security;

alter table data.weekly_summaries enable row level security;
alter table data.weekly_summaries force row level security;

-- The owner itself is bound by the policies of sql/.
alter table data.policies no force row level security;
insert into data.policies (key, value, unit, least, most, about) values
  ('summary_weekday', 1, 'weekday', 1, 7, 'R7.2 on which day of the reader''s week a weekly summary goes out; 1 is Monday. It is about the seven days before it'),
  ('summary_hour', 9, 'o''clock', 0, 23, 'R7.2 at which hour of the reader''s day a weekly summary goes out');
alter table data.policies force row level security;
alter table data.notification_kinds no force row level security;
insert into data.notification_kinds (kind, priority, work_rank, about) values
  ('weekly_summary', 'low', 80, 'how the week was of all whom somebody watches, and their own');
alter table data.notification_kinds force row level security;
