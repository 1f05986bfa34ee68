revoke all on data.code_keys from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine, pruuf_keeper;
grant select (id, sealed) on data.code_keys to pruuf_worker;
grant select (id, key_id, sealed), insert (id, key_id, sealed), update (sealed) on data.code_keys to pruuf_keeper;

drop policy if exists worker_reads_code_keys on data.code_keys;
create policy worker_reads_code_keys on data.code_keys for select to pruuf_worker using (true);

drop policy if exists keeper_keeps_code_keys on data.code_keys;
create policy keeper_keeps_code_keys on data.code_keys for all to pruuf_keeper using (true) with check (true);
