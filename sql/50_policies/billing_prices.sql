revoke all on billing.prices from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select on billing.prices to pruuf_user;
grant select, insert, update, delete on billing.prices to pruuf_engine;

drop policy if exists whoever_is_signed_in_reads_prices on billing.prices;
create policy whoever_is_signed_in_reads_prices on billing.prices for select to pruuf_user using ((select rules.current_user_id()) is not null);

drop policy if exists engine_does_its_work on billing.prices;
create policy engine_does_its_work on billing.prices for all to pruuf_engine using (true) with check (true);
