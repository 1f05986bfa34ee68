revoke all on data.webhooks from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine, pruuf_keeper;
grant select, update (delivered_at, first_failed_at, failure, off_at, off_reason) on data.webhooks to pruuf_worker;
grant select, insert, update, delete on data.webhooks to pruuf_engine;
grant select (id, sealed), update (sealed) on data.webhooks to pruuf_keeper;

drop policy if exists worker_reads_where_to_send on data.webhooks;
create policy worker_reads_where_to_send on data.webhooks for select to pruuf_worker using (true);

drop policy if exists worker_notes_what_became on data.webhooks;
create policy worker_notes_what_became on data.webhooks for update to pruuf_worker using (true) with check (true);

drop policy if exists engine_does_its_work on data.webhooks;
create policy engine_does_its_work on data.webhooks for all to pruuf_engine using (true) with check (true);

drop policy if exists keeper_seals_anew on data.webhooks;
create policy keeper_seals_anew on data.webhooks for all to pruuf_keeper using (true) with check (true);
