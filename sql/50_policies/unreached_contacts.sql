revoke all on data.unreached_contacts from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select, insert, delete on data.unreached_contacts to pruuf_engine;

drop policy if exists engine_does_its_work on data.unreached_contacts;
create policy engine_does_its_work on data.unreached_contacts for all to pruuf_engine using (true) with check (true);
