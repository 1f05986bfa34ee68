revoke all on data.webhook_secrets from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine, pruuf_keeper;
grant select on data.webhook_secrets to pruuf_worker;
grant select, insert, update, delete on data.webhook_secrets to pruuf_engine;
grant select (id, sealed), update (sealed) on data.webhook_secrets to pruuf_keeper;

drop policy if exists worker_reads_what_to_sign_with on data.webhook_secrets;
create policy worker_reads_what_to_sign_with on data.webhook_secrets for select to pruuf_worker using (true);

drop policy if exists engine_does_its_work on data.webhook_secrets;
create policy engine_does_its_work on data.webhook_secrets for all to pruuf_engine using (true) with check (true);

drop policy if exists keeper_seals_anew on data.webhook_secrets;
create policy keeper_seals_anew on data.webhook_secrets for all to pruuf_keeper using (true) with check (true);
