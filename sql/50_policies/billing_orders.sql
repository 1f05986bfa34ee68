revoke all on billing.orders from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select, insert, update, delete on billing.orders to pruuf_engine;

drop policy if exists engine_does_its_work on billing.orders;
create policy engine_does_its_work on billing.orders for all to pruuf_engine using (true) with check (true);
