revoke all on data.deliveries from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select, insert on data.deliveries to pruuf_worker;
grant update (state, next_attempt_at, attempts, lease_until, may_have_arrived, settled_at, provider_message_id, failure, poll_at) on data.deliveries to pruuf_worker;
grant select, insert, update, delete on data.deliveries to pruuf_engine;

drop policy if exists worker_reads_deliveries on data.deliveries;
create policy worker_reads_deliveries on data.deliveries for select to pruuf_worker using (true);

drop policy if exists worker_queues_deliveries on data.deliveries;
create policy worker_queues_deliveries on data.deliveries for insert to pruuf_worker with check (state = 'pending');

drop policy if exists worker_sends_deliveries on data.deliveries;
create policy worker_sends_deliveries on data.deliveries for update to pruuf_worker using (true);

drop policy if exists engine_does_its_work on data.deliveries;
create policy engine_does_its_work on data.deliveries for all to pruuf_engine using (true) with check (true);
