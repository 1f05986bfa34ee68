revoke all on data.webhook_events from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select, update (state, attempts, next_attempt_at, settled_at, failure) on data.webhook_events to pruuf_worker;
grant select, insert, update, delete on data.webhook_events to pruuf_engine;

drop policy if exists worker_reads_events on data.webhook_events;
create policy worker_reads_events on data.webhook_events for select to pruuf_worker using (true);

drop policy if exists worker_sends_events on data.webhook_events;
create policy worker_sends_events on data.webhook_events for update to pruuf_worker using (true) with check (true);

drop policy if exists engine_does_its_work on data.webhook_events;
create policy engine_does_its_work on data.webhook_events for all to pruuf_engine using (true) with check (true);
