revoke all on data.idempotency_keys from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select, insert, update (fingerprint, answer, created_at) on data.idempotency_keys to pruuf_user;
-- Never updated: `for update skip locked` asks for the right.
grant select, update (created_at), delete on data.idempotency_keys to pruuf_engine;

drop policy if exists owner_keeps_own_keys on data.idempotency_keys;
create policy owner_keeps_own_keys on data.idempotency_keys for all to pruuf_user using (user_id = (select rules.current_user_id())) with check (user_id = (select rules.current_user_id()));

drop policy if exists worker_finds_old_keys on data.idempotency_keys;

drop policy if exists worker_removes_old_keys on data.idempotency_keys;

drop policy if exists engine_erases_keys on data.idempotency_keys;
create policy engine_erases_keys on data.idempotency_keys for all to pruuf_engine using (true);
