revoke all on data.escalation_rounds from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select on data.escalation_rounds to pruuf_staff, pruuf_worker, pruuf_engine;

drop policy if exists server_reads_how_alerts_escalate on data.escalation_rounds;
create policy server_reads_how_alerts_escalate on data.escalation_rounds for select to pruuf_staff, pruuf_worker, pruuf_engine using (true);

drop policy if exists owner_changes_how_alerts_escalate on data.escalation_rounds;
create policy owner_changes_how_alerts_escalate on data.escalation_rounds for all to pruuf_owner using (true) with check (true);
