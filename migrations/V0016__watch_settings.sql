create table data.watch_settings (
  contact_id uuid not null references data.users (id) on delete cascade,
  member_id uuid not null references data.users (id) on delete cascade,
  nickname text constraint nickname_is_1_to_80_characters check (length(nickname) between 1 and 80 and nickname = btrim(nickname)),
  hears_of text not null default 'misses_only' constraint hears_of_is_known check (hears_of in ('every_check_in', 'daily_digest', 'misses_only')),
  mutes_routine boolean not null default false,
  digest_at timestamptz,
  primary key (contact_id, member_id),
  constraint only_a_daily_digest_has_its_time check ((hears_of = 'daily_digest') = (digest_at is not null))
);
comment on table data.watch_settings is 'R3.4 how a Contact wants to watch a Member; none is the default of everything. A table of its own, so that the Member sees nothing of it; it ends with the connection. digest_at: when the next digest is due.';
create index watch_settings_member on data.watch_settings (member_id);
create index watch_settings_every_check_in on data.watch_settings (member_id) where hears_of = 'every_check_in';
create index watch_settings_digest on data.watch_settings (digest_at) where digest_at is not null;
alter table data.watch_settings enable row level security;
alter table data.watch_settings force row level security;

create table data.untold_check_ins (
  check_in_id uuid primary key references data.check_ins (id) on delete cascade
);
comment on table data.untold_check_ins is 'R3.4 check-ins of which some Contact wants to hear, until a job has told them.';
alter table data.untold_check_ins enable row level security;
alter table data.untold_check_ins force row level security;

alter table data.notifications add column member_id uuid references data.users (id) on delete cascade;
comment on column data.notifications.member_id is 'R3.4 whose day it tells of: a Contact may have muted what is not critical of it.';
create index notifications_member on data.notifications (member_id) where member_id is not null;

-- The owner is bound by row-level security too; what may be told is added here only.
alter table data.notification_kinds no force row level security;
insert into data.notification_kinds (kind, priority, work_rank, about) values
  ('checked_in', 'normal', 60, 'a watched Member has checked in'),
  ('daily_digest', 'normal', 70, 'how a watched Member''s day was');
alter table data.notification_kinds force row level security;

alter table data.policies no force row level security;
insert into data.policies (key, value, unit, least, most, about) values
  ('digest_hour', 20, 'o''clock', 0, 23, 'R3.4 at which hour of the Member''s day a daily digest goes out');
alter table data.policies force row level security;
