-- R9.5 every job in one table, which servers and pg_cron both read.
create table meta.jobs (
  name text primary key constraint job_name_is_snake_case check (name ~ '^[a-z]+(_[a-z]+)*$'),
  call text not null constraint job_is_a_function_of_jobs check (call ~ '^jobs\.[a-z]+(_[a-z]+)*\(\)$'),
  every interval not null constraint job_runs_at_least_daily
    check (every between interval '100 milliseconds' and interval '1 day'),
  woken_by text constraint job_is_woken_by_a_known_channel check (woken_by in ('pruuf_work')),
  is_deadline boolean not null default false,
  time_limit interval not null default '20 seconds' constraint job_has_a_time_limit
    check (time_limit between interval '1 second' and interval '5 minutes'),
  about text not null
);
comment on table meta.jobs is 'R9.5 what runs by itself: its SQL call, how often, the NOTIFY that wakes it, and its statement time-out. A job stops by itself after half of its time limit and keeps what it has done. is_deadline: runs on database connections that no other job can take.';

alter table data.job_runs
  add column most integer not null default 500 constraint job_takes_at_least_one_row check (most between 1 and 500);
comment on column data.job_runs.most is 'How many rows the job takes at once: fewer after a call that was cancelled.';
alter table data.job_runs no force row level security;
insert into data.job_runs (job, ran_at)
select name, '-infinity' from unnest(array[
  'escalate',
  'send_reminders',
  'follow_coverage',
  'tell_unreached',
  'tell_check_ins',
  'send_digests',
  'settle_entitlements',
  'follow_breaks',
  'send_weekly_summaries',
  'send_drill_reminders',
  'seal_audit',
  'expire_deliveries',
  'erase_positions',
  'finish_deletions',
  'forget_idempotency_keys',
  'forget_tries',
  'forget_codes',
  'forget_refresh_tokens',
  'forget_stranger_messages',
  'forget_webhook_events']) as name;
alter table data.job_runs force row level security;

create table data.set_asides (
  job text not null,
  row_id uuid not null,
  reason text not null constraint reason_is_a_sqlstate check (reason ~ '^[0-9A-Z]{5}$'),
  tries integer not null default 1,
  first_at timestamptz not null,
  again_at timestamptz not null,
  primary key (job, row_id)
);
comment on table data.set_asides is 'R9.5 rows that a job could not handle, by SQL state, and when it tries again: 55P03 is a row that another session holds. The job goes on with the others. No foreign key: row_id is what the job takes, and may be gone.';
create index set_asides_again on data.set_asides (job, again_at);
alter table data.set_asides enable row level security;
alter table data.set_asides force row level security;

-- R9.5 a row that every message refers to is a row that one session can hold against all alerts. The trigger that addresses
-- a notification refuses a kind that is not there.
alter table data.notifications drop constraint notifications_kind_fkey;
drop index data.notifications_kind;
alter table data.alert_rounds drop constraint alert_rounds_kind_fkey;
drop index data.alert_rounds_kind;

-- R2.6 a deleted account that still has connections, since an alert of it is open.
alter table data.users add column is_leaving boolean not null default false;
comment on column data.users.is_leaving is 'R2.6 deleted, with connections that end with its last open alert.';
alter table data.users no force row level security;
alter table data.connections no force row level security;
update data.users u set is_leaving = true
 where u.deleted_at is not null
   and exists (select from data.connections c where u.id in (c.member_id, c.contact_id) and c.ended_at is null);
alter table data.users force row level security;
alter table data.connections force row level security;
create index users_leaving on data.users (id) where is_leaving;

create index coverage_marks_user on data.coverage_marks (user_id);
