create table data.schedules (
  id uuid primary key default data.new_id(),
  member_id uuid not null references data.users (id) on delete cascade,
  local_times time[] not null,
  time_zone text not null,
  weekdays smallint[] not null default '{1,2,3,4,5,6,7}',
  grace_minutes smallint not null constraint grace_is_0_to_240_minutes check (grace_minutes between 0 and 240),
  reminders text[] not null default '{before,at_time,half_grace}',
  created_at timestamptz not null,
  superseded_at timestamptz,
  constraint schedule_has_one_to_four_times check (cardinality(local_times) between 1 and 4 and array_position(local_times, null) is null),
  constraint schedule_times_are_whole_minutes check (array_to_string(local_times, ',') ~ '^([0-2][0-9]:[0-5][0-9]:00,?)+$' and not '24:00' = any (local_times)),
  constraint schedule_weekdays_are_iso check (cardinality(weekdays) between 1 and 7 and weekdays <@ '{1,2,3,4,5,6,7}'),
  constraint schedule_reminders_are_known check (reminders <@ '{before,at_time,half_grace}')
);
comment on table data.schedules is 'R4.1 each row is a version and never changes; the obligations made from it point to it (R4.2). Weekdays are ISO: 1 is Monday.';
create unique index one_schedule_in_force on data.schedules (member_id) where superseded_at is null;
create index schedules_member on data.schedules (member_id);

create table data.obligations (
  id uuid primary key default data.new_id(),
  member_id uuid not null references data.users (id) on delete cascade,
  schedule_id uuid not null references data.schedules (id) on delete cascade,
  local_on date not null,
  local_time time not null,
  time_zone text not null,
  opens_at timestamptz not null,
  due_at timestamptz not null,
  alert_at timestamptz not null,
  state text not null default 'open' constraint obligation_state_is_known check (state in ('open', 'met', 'met_late', 'missed', 'excused')),
  closed_at timestamptz,
  remind_at timestamptz,
  constraint one_obligation_per_slot unique (member_id, local_on, local_time, time_zone),
  constraint obligation_times_are_in_order check (opens_at <= due_at and due_at <= alert_at),
  constraint obligation_closed_is_whole check ((state = 'open') = (closed_at is null)),
  constraint closed_obligation_reminds_nobody check (state = 'open' or remind_at is null)
);
comment on table data.obligations is 'R4.2 each expected check-in. The zone is part of the slot: whoever flies west meets the same date and time twice (docs/decisions/0003).';
create unique index one_open_obligation_per_member on data.obligations (member_id) where state = 'open';
create index obligations_alert on data.obligations (alert_at) where state = 'open';
create index obligations_remind on data.obligations (remind_at) where remind_at is not null;
create index obligations_schedule on data.obligations (schedule_id);
create index obligations_history on data.obligations (member_id, due_at);

create table data.check_ins (
  id uuid primary key default data.new_id(),
  member_id uuid not null references data.users (id) on delete cascade,
  received_at timestamptz not null,
  method text not null default 'app' constraint check_in_method_is_known check (method in ('app')),
  device_time timestamptz,
  time_zone text,
  note text constraint note_is_1_to_500_characters check (length(note) between 1 and 500),
  mood text constraint mood_is_known check (mood in ('good', 'okay', 'bad'))
);
comment on table data.check_ins is 'Every tap (R4.4), as it came; received_at is the server''s clock and alone decides (R4.5).';
create index check_ins_member on data.check_ins (member_id, received_at desc);

create table data.obligations_met (
  obligation_id uuid primary key references data.obligations (id) on delete cascade,
  check_in_id uuid not null references data.check_ins (id) on delete cascade
);
comment on table data.obligations_met is 'Which check-in met which obligation: the first one counts (R4.4).';
create index obligations_met_check_in on data.obligations_met (check_in_id);

alter table data.schedules enable row level security;
alter table data.schedules force row level security;
alter table data.obligations enable row level security;
alter table data.obligations force row level security;
alter table data.check_ins enable row level security;
alter table data.check_ins force row level security;
alter table data.obligations_met enable row level security;
alter table data.obligations_met force row level security;
