revoke all on audit.events from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select, insert on audit.events to pruuf_engine;

drop policy if exists engine_appends_to_the_trail on audit.events;
create policy engine_appends_to_the_trail on audit.events for insert to pruuf_engine with check (true);

drop policy if exists engine_reads_the_trail on audit.events;
create policy engine_reads_the_trail on audit.events for select to pruuf_engine using (true);
