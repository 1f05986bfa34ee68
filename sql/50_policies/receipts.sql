revoke all on data.receipts from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select, insert on data.receipts to pruuf_worker;
-- Never updated: `for update skip locked` asks for the right.
grant select, delete, update (id) on data.receipts to pruuf_engine;

drop policy if exists worker_reads_receipts on data.receipts;
create policy worker_reads_receipts on data.receipts for select to pruuf_worker using (true);

drop policy if exists worker_adds_receipts on data.receipts;
create policy worker_adds_receipts on data.receipts for insert to pruuf_worker with check (true);

drop policy if exists engine_reads_receipts on data.receipts;
create policy engine_reads_receipts on data.receipts for select to pruuf_engine using (true);

drop policy if exists engine_locks_receipts on data.receipts;
create policy engine_locks_receipts on data.receipts for update to pruuf_engine using (true) with check (false);

drop policy if exists engine_forgets_receipts on data.receipts;
create policy engine_forgets_receipts on data.receipts for delete to pruuf_engine using (true);
