revoke all on audit.seals from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select, insert on audit.seals to pruuf_worker;
grant select on audit.seals to pruuf_engine;

drop policy if exists worker_reads_the_chain on audit.seals;
create policy worker_reads_the_chain on audit.seals for select to pruuf_worker using (true);

drop policy if exists worker_adds_to_the_chain on audit.seals;
create policy worker_adds_to_the_chain on audit.seals for insert to pruuf_worker with check (true);

drop policy if exists engine_reads_the_chain on audit.seals;
create policy engine_reads_the_chain on audit.seals for select to pruuf_engine using (true);
