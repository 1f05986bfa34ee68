revoke all on data.notification_kinds from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select on data.notification_kinds to pruuf_user, pruuf_worker, pruuf_engine;

drop policy if exists everybody_reads_the_kinds on data.notification_kinds;
create policy everybody_reads_the_kinds on data.notification_kinds for select to public using (true);
