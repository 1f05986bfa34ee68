alter table data.policies no force row level security;
insert into data.policies (key, value, unit, least, most, about) values
  ('attempt_kept', 90, 'days', 30, 3650, 'R9.8 how long attempts of deliveries are kept'),
  ('receipt_kept', 90, 'days', 30, 3650, 'R9.8 how long providers'' receipts are kept');
alter table data.policies force row level security;

alter table data.job_runs no force row level security;
insert into data.job_runs (job, ran_at)
select name, '-infinity' from unnest(array['forget_attempts', 'forget_receipts']) as name;
alter table data.job_runs force row level security;

-- Rows that are written often and die soon: cleaned after a thousand, not after a fifth of the table.
alter table data.deliveries set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_analyze_scale_factor = 0.02);
alter table data.obligations set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_analyze_scale_factor = 0.02);
alter table data.alerts set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_analyze_scale_factor = 0.02);
