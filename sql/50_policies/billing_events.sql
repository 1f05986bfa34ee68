revoke all on billing.events from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select, insert, update, delete on billing.events to pruuf_engine;

drop policy if exists engine_does_its_work on billing.events;
create policy engine_does_its_work on billing.events for all to pruuf_engine using (true) with check (true);
