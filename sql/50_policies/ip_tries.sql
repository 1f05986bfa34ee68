revoke all on data.ip_tries from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select, insert, update, delete on data.ip_tries to pruuf_engine;

drop policy if exists worker_forgets_old_tries on data.ip_tries;

drop policy if exists engine_does_its_work on data.ip_tries;
create policy engine_does_its_work on data.ip_tries for all to pruuf_engine using (true) with check (true);
