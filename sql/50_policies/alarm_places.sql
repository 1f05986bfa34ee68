revoke all on data.alarm_places from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select on data.alarm_places to pruuf_worker;
grant select, insert, delete on data.alarm_places to pruuf_engine;

drop policy if exists worker_reads_where_alarms_arrived on data.alarm_places;
create policy worker_reads_where_alarms_arrived on data.alarm_places for select to pruuf_worker using (true);

drop policy if exists engine_does_its_work on data.alarm_places;
create policy engine_does_its_work on data.alarm_places for all to pruuf_engine using (true) with check (true);
