revoke all on data.weekly_summaries from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select, update (due_at) on data.weekly_summaries to pruuf_worker;
grant select, insert, update, delete on data.weekly_summaries to pruuf_engine;

drop policy if exists worker_sends_weekly_summaries on data.weekly_summaries;
create policy worker_sends_weekly_summaries on data.weekly_summaries for all to pruuf_worker using (true) with check (true);

drop policy if exists engine_does_its_work on data.weekly_summaries;
create policy engine_does_its_work on data.weekly_summaries for all to pruuf_engine using (true) with check (true);
