revoke all on data.check_ins from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
-- What history shows to Contacts too (R3.4, R4.5); where a phone was is its owner's own (rules.own_check_ins).
grant select (id, member_id, received_at, device_time, method, note, mood) on data.check_ins to pruuf_user;
grant insert (member_id, device_time, time_zone, note, mood) on data.check_ins to pruuf_user;
grant select (id, member_id, received_at, device_time) on data.check_ins to pruuf_worker;
grant select, insert, update, delete on data.check_ins to pruuf_engine;

drop policy if exists member_reads_own_check_ins on data.check_ins;
create policy member_reads_own_check_ins on data.check_ins for select to pruuf_user using (member_id = (select rules.current_user_id()));

drop policy if exists member_checks_in on data.check_ins;
create policy member_checks_in on data.check_ins for insert to pruuf_user with check (member_id = (select rules.current_user_id()));

drop policy if exists contact_reads_linked_member on data.check_ins;
create policy contact_reads_linked_member on data.check_ins for select to pruuf_user using ((select rules.is_entitled((select rules.current_user_id()))) and member_id in (select rules.watched_member_ids()));

drop policy if exists worker_reads_when_last_heard on data.check_ins;
create policy worker_reads_when_last_heard on data.check_ins for select to pruuf_worker using (true);

drop policy if exists engine_does_its_work on data.check_ins;
create policy engine_does_its_work on data.check_ins for all to pruuf_engine using (true) with check (true);
