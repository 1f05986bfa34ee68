-- A range beside an equality in one exclusion constraint. Comes with PostgreSQL and asks for no superuser.
create schema extensions;
comment on schema extensions is 'What comes with PostgreSQL: btree_gist, for breaks that must not overlap.';
create extension if not exists btree_gist with schema extensions;

create table data.breaks (
  id uuid primary key default data.new_id(),
  member_id uuid not null references data.users (id) on delete cascade,
  first_on date not null,
  last_on date,
  confirmed_on date,
  created_at timestamptz not null,
  begins_at timestamptz not null,
  ends_at timestamptz not null,
  followed_until timestamptz not null,
  next_step_at timestamptz not null,
  constraint break_ends_after_it_begins check (last_on >= first_on),
  constraint break_begins_before_2200 check (first_on < '2200-01-01'),
  constraint break_ends_before_2200 check (last_on < '2200-01-01'),
  constraint breaks_of_a_member_never_overlap exclude using gist (member_id with =, daterange(first_on, last_on, '[]') with &&)
);
comment on table data.breaks is 'R5.1 local dates of the Member, both included; open-ended ("paused") without last_on. The dates alone decide what is expected. confirmed_on is the last date to which a long break was confirmed (R5.2); the instants follow the Member''s zone and say when it shows as running; what is before followed_until has been entered and told, and the next of it is at next_step_at.';
create index breaks_member on data.breaks (member_id, first_on desc);
create index breaks_step on data.breaks (next_step_at) where next_step_at < 'infinity';
alter table data.breaks enable row level security;
alter table data.breaks force row level security;

-- The owner itself is bound by the policies of sql/.
alter table data.policies no force row level security;
insert into data.policies (key, value, unit, least, most, about) values
  ('long_break', 90, 'days', 1, 3650, 'R5.2 a break that is longer needs an explicit confirmation');
alter table data.policies force row level security;
