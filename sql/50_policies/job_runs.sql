revoke all on data.job_runs from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select, update (ran_at, most) on data.job_runs to pruuf_worker;

drop policy if exists worker_notes_its_runs on data.job_runs;
create policy worker_notes_its_runs on data.job_runs for all to pruuf_worker using (true) with check (true);
