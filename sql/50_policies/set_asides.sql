revoke all on data.set_asides from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select, insert, update, delete on data.set_asides to pruuf_worker;
grant select on data.set_asides to pruuf_engine;

drop policy if exists worker_sets_rows_aside on data.set_asides;
create policy worker_sets_rows_aside on data.set_asides for all to pruuf_worker using (true) with check (true);

drop policy if exists engine_leaves_them_out on data.set_asides;
create policy engine_leaves_them_out on data.set_asides for select to pruuf_engine using (true);
