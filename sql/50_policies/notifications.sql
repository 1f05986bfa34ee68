revoke all on data.notifications from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine, pruuf_keeper;
grant select on data.notifications to pruuf_user;
grant update (read_at, hidden_at) on data.notifications to pruuf_user;
grant select, insert on data.notifications to pruuf_worker;
grant select, insert, update, delete on data.notifications to pruuf_engine;
grant select (address_kind, address_lookup, address_sealed), update (address_lookup, address_sealed) on data.notifications to pruuf_keeper;

drop policy if exists owner_reads_own_notifications on data.notifications;
create policy owner_reads_own_notifications on data.notifications for select to pruuf_user using (user_id = (select rules.current_user_id()));

drop policy if exists owner_marks_own_notifications on data.notifications;
create policy owner_marks_own_notifications on data.notifications for update to pruuf_user using (user_id = (select rules.current_user_id())) with check (user_id = (select rules.current_user_id()));

drop policy if exists worker_reads_notifications on data.notifications;
create policy worker_reads_notifications on data.notifications for select to pruuf_worker using (true);

drop policy if exists worker_tells on data.notifications;
drop policy if exists worker_tells_and_reminds on data.notifications;
create policy worker_tells_and_reminds on data.notifications for insert to pruuf_worker
  with check (kind in ('missed', 'reminder', 'checked_in', 'checked_in_late', 'daily_digest', 'drill_reminder', 'weekly_summary', 'webhook_off') and user_id is not null and read_at is null and hidden_at is null);

drop policy if exists engine_does_its_work on data.notifications;
create policy engine_does_its_work on data.notifications for all to pruuf_engine using (true) with check (true);

drop policy if exists keeper_seals_anew on data.notifications;
create policy keeper_seals_anew on data.notifications for all to pruuf_keeper using (true) with check (true);
