revoke all on billing.accounts from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select on billing.accounts to pruuf_user;
grant select (user_id, entitlement) on billing.accounts to pruuf_worker;
grant select, insert, update, delete on billing.accounts to pruuf_engine;

drop policy if exists user_reads_own_account on billing.accounts;
create policy user_reads_own_account on billing.accounts for select to pruuf_user using (user_id = (select rules.current_user_id()));

drop policy if exists worker_reads_who_gets_everything on billing.accounts;
create policy worker_reads_who_gets_everything on billing.accounts for select to pruuf_worker using (true);

drop policy if exists engine_does_its_work on billing.accounts;
create policy engine_does_its_work on billing.accounts for all to pruuf_engine using (true) with check (true);
