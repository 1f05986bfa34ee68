revoke all on data.alert_rounds from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select on data.alert_rounds to pruuf_user;
grant select, insert, update, delete on data.alert_rounds to pruuf_engine;

drop policy if exists whoever_sees_the_alert_sees_its_rounds on data.alert_rounds;
create policy whoever_sees_the_alert_sees_its_rounds on data.alert_rounds for select to pruuf_user using (exists (select from data.alerts a where a.id = alert_id));

drop policy if exists engine_does_its_work on data.alert_rounds;
create policy engine_does_its_work on data.alert_rounds for all to pruuf_engine using (true) with check (true);
