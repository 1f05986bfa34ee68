revoke all on data.escalation_changes from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select on data.escalation_changes to pruuf_staff;
grant insert on data.escalation_changes to pruuf_engine;

drop policy if exists staff_reads_changes on data.escalation_changes;
create policy staff_reads_changes on data.escalation_changes for select to pruuf_staff using (true);

drop policy if exists owner_reads_changes on data.escalation_changes;
create policy owner_reads_changes on data.escalation_changes for select to pruuf_owner using (true);

drop policy if exists engine_keeps_changes on data.escalation_changes;
create policy engine_keeps_changes on data.escalation_changes for insert to pruuf_engine with check (true);
