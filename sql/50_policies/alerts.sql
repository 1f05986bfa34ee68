revoke all on data.alerts from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select on data.alerts to pruuf_user;
grant select, insert on data.alerts to pruuf_worker;
grant select, insert, update, delete on data.alerts to pruuf_engine;

drop policy if exists member_reads_own_alerts on data.alerts;
create policy member_reads_own_alerts on data.alerts for select to pruuf_user using (member_id = (select rules.current_user_id()));

drop policy if exists contact_reads_linked_member on data.alerts;
create policy contact_reads_linked_member on data.alerts for select to pruuf_user using (member_id in (select rules.watched_member_ids()));

drop policy if exists worker_reads_alerts on data.alerts;
create policy worker_reads_alerts on data.alerts for select to pruuf_worker using (true);

drop policy if exists worker_raises_alerts on data.alerts;
create policy worker_raises_alerts on data.alerts for insert to pruuf_worker with check (state = 'open');

drop policy if exists engine_does_its_work on data.alerts;
create policy engine_does_its_work on data.alerts for all to pruuf_engine using (true) with check (true);
