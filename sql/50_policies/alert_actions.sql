revoke all on data.alert_actions from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select on data.alert_actions to pruuf_user;
grant insert (alert_id, user_id, action, arrives_at, outcome, note) on data.alert_actions to pruuf_user;
grant select, insert, update, delete on data.alert_actions to pruuf_engine;

drop policy if exists whoever_sees_the_alert_sees_its_actions on data.alert_actions;
create policy whoever_sees_the_alert_sees_its_actions on data.alert_actions for select to pruuf_user using (exists (select from data.alerts a where a.id = alert_id));

drop policy if exists contact_acts_on_alert_of_linked_member on data.alert_actions;
create policy contact_acts_on_alert_of_linked_member on data.alert_actions for insert to pruuf_user
  with check (action <> 'cancel' and user_id = (select rules.current_user_id()) and exists (select from data.alerts a where a.id = alert_id and a.member_id in (select rules.watched_member_ids())));

drop policy if exists member_cancels_own_call_for_help on data.alert_actions;
create policy member_cancels_own_call_for_help on data.alert_actions for insert to pruuf_user
  with check (action = 'cancel' and user_id = (select rules.current_user_id())
              and exists (select from data.alerts a where a.id = alert_id and a.kind = 'help' and a.member_id = (select rules.current_user_id())));

drop policy if exists engine_does_its_work on data.alert_actions;
create policy engine_does_its_work on data.alert_actions for all to pruuf_engine using (true) with check (true);
