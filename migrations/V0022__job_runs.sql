create table data.job_runs (
  job text primary key,
  ran_at timestamptz not null
);
comment on table data.job_runs is 'R9.7 when a job last did its work, give or take ten seconds: silence of one that nothing is due for would look like peace.';
insert into data.job_runs (job, ran_at) values ('tick', '-infinity');

alter table data.job_runs enable row level security;
alter table data.job_runs force row level security;

-- The owner itself is bound by the policies of sql/.
alter table data.policies no force row level security;
insert into data.policies (key, value, unit, least, most, about) values
  ('audit_alert_tolerance', 30, 'seconds', 5, 3600, 'R9.7 an alert, a round or a reminder later than this is a finding; also a tick that did not run for so long'),
  ('audit_delivery_tolerance', 120, 'seconds', 10, 86400, 'R9.7 a delivery that nobody took up for so long is a finding'),
  ('audit_seal_tolerance', 60, 'seconds', 5, 3600, 'R9.7 a row of the trail that has no seal after so long is a finding');
alter table data.policies force row level security;
