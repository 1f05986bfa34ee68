create table data.coverage (
  member_id uuid primary key references data.users (id) on delete cascade,
  is_covered boolean not null,
  since_at timestamptz not null,
  reason text constraint coverage_reason_is_known check (reason in ('no_contact', 'no_entitled_contact', 'too_few_channels')),
  told_at timestamptz,
  constraint whoever_is_not_covered_has_a_reason check (is_covered = (reason is null)),
  constraint only_a_loss_was_told check (not is_covered or told_at is null)
);
comment on table data.coverage is 'R6.10 whether a miss right now would reach anybody, since when it is so, and why not. told_at: when the loss was told; null for whoever never was covered.';

create table data.coverage_marks (
  id bigint generated always as identity primary key,
  user_id uuid not null,
  marked_at timestamptz not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
comment on table data.coverage_marks is 'R6.10 whose contacts, addresses or devices have changed: a job looks whom that leaves without anybody. No foreign key: a mark may outlive its user.';

-- Whoever is there already.
alter table data.schedules no force row level security;
alter table data.connections no force row level security;
insert into data.coverage_marks (user_id, marked_at)
select s.member_id, now() from data.schedules s where s.superseded_at is null
union select c.member_id, now() from data.connections c where c.ended_at is null;
alter table data.schedules force row level security;
alter table data.connections force row level security;

alter table data.coverage enable row level security;
alter table data.coverage force row level security;
alter table data.coverage_marks enable row level security;
alter table data.coverage_marks force row level security;

alter table data.notification_kinds no force row level security;
insert into data.notification_kinds (kind, priority, work_rank, about) values
  ('coverage_lost', 'critical', 40, 'a miss of this Member would reach nobody any more: told to them and to the Contacts who remain'),
  ('coverage_back', 'normal', 70, 'it would reach somebody again');
alter table data.notification_kinds force row level security;
