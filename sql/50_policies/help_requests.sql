revoke all on data.help_requests from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select on data.help_requests to pruuf_user;
grant insert (member_id) on data.help_requests to pruuf_user;
grant select, insert, update, delete on data.help_requests to pruuf_engine;

drop policy if exists member_asks_for_help on data.help_requests;
create policy member_asks_for_help on data.help_requests for insert to pruuf_user with check (member_id = (select rules.current_user_id()));

drop policy if exists member_reads_own_calls_for_help on data.help_requests;
create policy member_reads_own_calls_for_help on data.help_requests for select to pruuf_user using (member_id = (select rules.current_user_id()));

drop policy if exists whoever_sees_the_alert_sees_its_requests on data.help_requests;
create policy whoever_sees_the_alert_sees_its_requests on data.help_requests for select to pruuf_user using (exists (select from data.alerts a where a.id = alert_id));

drop policy if exists engine_does_its_work on data.help_requests;
create policy engine_does_its_work on data.help_requests for all to pruuf_engine using (true) with check (true);
