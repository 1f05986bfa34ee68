revoke all on data.escalation_policies from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select on data.escalation_policies to pruuf_staff, pruuf_worker, pruuf_engine;

drop policy if exists server_reads_how_alerts_escalate on data.escalation_policies;
create policy server_reads_how_alerts_escalate on data.escalation_policies for select to pruuf_staff, pruuf_worker, pruuf_engine using (true);

drop policy if exists owner_changes_how_alerts_escalate on data.escalation_policies;
create policy owner_changes_how_alerts_escalate on data.escalation_policies for all to pruuf_owner using (true) with check (true);
