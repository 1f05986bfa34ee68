revoke all on data.idempotency_keys from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select, insert, update (fingerprint, answer, created_at) on data.idempotency_keys to pruuf_user;
grant select (user_id, key, created_at), delete on data.idempotency_keys to pruuf_worker;
grant select, delete on data.idempotency_keys to pruuf_engine;

drop policy if exists owner_keeps_own_keys on data.idempotency_keys;
create policy owner_keeps_own_keys on data.idempotency_keys for all to pruuf_user using (user_id = (select rules.current_user_id())) with check (user_id = (select rules.current_user_id()));

drop policy if exists worker_finds_old_keys on data.idempotency_keys;
create policy worker_finds_old_keys on data.idempotency_keys for select to pruuf_worker using (true);

drop policy if exists worker_removes_old_keys on data.idempotency_keys;
create policy worker_removes_old_keys on data.idempotency_keys for delete to pruuf_worker using (true);

drop policy if exists engine_erases_keys on data.idempotency_keys;
create policy engine_erases_keys on data.idempotency_keys for all to pruuf_engine using (true);
