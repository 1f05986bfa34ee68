revoke all on data.drills from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select, insert, update, delete on data.drills to pruuf_engine;

drop policy if exists engine_does_its_work on data.drills;
create policy engine_does_its_work on data.drills for all to pruuf_engine using (true) with check (true);
