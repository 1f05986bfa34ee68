revoke all on data.policy_changes from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select on data.policy_changes to pruuf_staff;
grant insert on data.policy_changes to pruuf_engine;

drop policy if exists staff_reads_changes on data.policy_changes;
create policy staff_reads_changes on data.policy_changes for select to pruuf_staff using (true);

drop policy if exists owner_keeps_and_reads_changes on data.policy_changes;
create policy owner_keeps_and_reads_changes on data.policy_changes for all to pruuf_owner using (true) with check (true);

drop policy if exists engine_keeps_changes on data.policy_changes;
create policy engine_keeps_changes on data.policy_changes for insert to pruuf_engine with check (true);
