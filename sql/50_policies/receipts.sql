revoke all on data.receipts from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select, insert on data.receipts to pruuf_worker;
grant select on data.receipts to pruuf_engine;

drop policy if exists worker_reads_receipts on data.receipts;
create policy worker_reads_receipts on data.receipts for select to pruuf_worker using (true);

drop policy if exists worker_adds_receipts on data.receipts;
create policy worker_adds_receipts on data.receipts for insert to pruuf_worker with check (true);

drop policy if exists engine_reads_receipts on data.receipts;
create policy engine_reads_receipts on data.receipts for select to pruuf_engine using (true);
