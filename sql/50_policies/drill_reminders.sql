revoke all on data.drill_reminders from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select, update (remind_at) on data.drill_reminders to pruuf_worker;
grant select, insert, update, delete on data.drill_reminders to pruuf_engine;

drop policy if exists worker_reminds_of_drills on data.drill_reminders;
create policy worker_reminds_of_drills on data.drill_reminders for all to pruuf_worker using (true) with check (true);

drop policy if exists engine_does_its_work on data.drill_reminders;
create policy engine_does_its_work on data.drill_reminders for all to pruuf_engine using (true) with check (true);
