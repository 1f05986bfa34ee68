revoke all on data.schedules from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select on data.schedules to pruuf_user, pruuf_worker;
grant insert (member_id, local_times, time_zone, weekdays, grace_minutes, reminders) on data.schedules to pruuf_user;
grant select, insert, update, delete on data.schedules to pruuf_engine;

drop policy if exists member_reads_own_schedule on data.schedules;
create policy member_reads_own_schedule on data.schedules for select to pruuf_user using (member_id = (select rules.current_user_id()));

drop policy if exists member_sets_own_schedule on data.schedules;
create policy member_sets_own_schedule on data.schedules for insert to pruuf_user with check (member_id = (select rules.current_user_id()));

drop policy if exists worker_reads_schedules on data.schedules;
create policy worker_reads_schedules on data.schedules for select to pruuf_worker using (true);

drop policy if exists engine_does_its_work on data.schedules;
create policy engine_does_its_work on data.schedules for all to pruuf_engine using (true) with check (true);
