revoke all on billing.subscriptions from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select on billing.subscriptions to pruuf_user;
grant select, insert, update, delete on billing.subscriptions to pruuf_engine;

drop policy if exists user_reads_own_subscriptions on billing.subscriptions;
create policy user_reads_own_subscriptions on billing.subscriptions for select to pruuf_user
  using (exists (select from billing.customers k where k.id = customer_id and k.user_id = (select rules.current_user_id())));

drop policy if exists engine_does_its_work on billing.subscriptions;
create policy engine_does_its_work on billing.subscriptions for all to pruuf_engine using (true) with check (true);
