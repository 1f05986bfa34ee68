revoke all on data.received_texts from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select, insert, update (answer) on data.received_texts to pruuf_engine;

drop policy if exists engine_does_its_work on data.received_texts;
create policy engine_does_its_work on data.received_texts for all to pruuf_engine using (true) with check (true);
