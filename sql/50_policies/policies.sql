revoke all on data.policies from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select on data.policies to pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;

drop policy if exists everybody_reads_the_numbers on data.policies;
create policy everybody_reads_the_numbers on data.policies for select to public using (true);

drop policy if exists owner_changes_the_numbers on data.policies;
create policy owner_changes_the_numbers on data.policies for update to pruuf_owner using (true);
