revoke all on data.preferences from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select on data.preferences to pruuf_user;
grant insert (user_id, high_channels, normal_channels, quiet_from, quiet_until, time_zone, has_weekly_summary, shares_position),
      update (high_channels, normal_channels, quiet_from, quiet_until, time_zone, has_weekly_summary, shares_position) on data.preferences to pruuf_user;
grant select on data.preferences to pruuf_worker;
grant select, insert, update, delete on data.preferences to pruuf_engine;

drop policy if exists owner_reads_own_preferences on data.preferences;
create policy owner_reads_own_preferences on data.preferences for select to pruuf_user using (user_id = (select rules.current_user_id()));

drop policy if exists owner_chooses_for_themselves on data.preferences;
create policy owner_chooses_for_themselves on data.preferences for insert to pruuf_user with check (user_id = (select rules.current_user_id()));

drop policy if exists owner_changes_own_preferences on data.preferences;
create policy owner_changes_own_preferences on data.preferences for update to pruuf_user using (user_id = (select rules.current_user_id())) with check (user_id = (select rules.current_user_id()));

drop policy if exists worker_reads_what_was_chosen on data.preferences;
create policy worker_reads_what_was_chosen on data.preferences for select to pruuf_worker using (true);

drop policy if exists engine_does_its_work on data.preferences;
create policy engine_does_its_work on data.preferences for all to pruuf_engine using (true) with check (true);
