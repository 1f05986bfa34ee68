create table meta.clock (
  only_one boolean primary key default true constraint there_is_one_clock check (only_one),
  rehearsal boolean not null default false,
  ahead_by interval not null default interval '0',
  constraint time_is_real_in_production check (rehearsal or ahead_by = interval '0'),
  constraint time_never_runs_behind check (ahead_by >= interval '0')
);
insert into meta.clock default values;
comment on table meta.clock is 'How far rules.clock() runs ahead of now(). Only a database made for rehearsals (tests, pruuf dev) may differ from zero (R9.6).';

create table meta.sql_files (
  path text primary key,
  sha256 text not null,
  applied_at timestamptz not null default now()
);
comment on table meta.sql_files is 'Which version of each file under sql/ this database runs.';
