revoke all on audit.unsealed_events from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select, insert on audit.unsealed_events to pruuf_engine;
grant select, delete on audit.unsealed_events to pruuf_worker;

drop policy if exists engine_queues_for_the_sealer on audit.unsealed_events;
create policy engine_queues_for_the_sealer on audit.unsealed_events for insert to pruuf_engine with check (true);

drop policy if exists engine_reads_what_waits on audit.unsealed_events;
create policy engine_reads_what_waits on audit.unsealed_events for select to pruuf_engine using (true);

drop policy if exists worker_reads_what_to_seal on audit.unsealed_events;
create policy worker_reads_what_to_seal on audit.unsealed_events for select to pruuf_worker using (true);

drop policy if exists worker_removes_what_is_sealed on audit.unsealed_events;
create policy worker_removes_what_is_sealed on audit.unsealed_events for delete to pruuf_worker
  using (exists (select from audit.seals s where s.event_id = unsealed_events.event_id));
