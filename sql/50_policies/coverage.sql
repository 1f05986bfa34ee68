revoke all on data.coverage from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select on data.coverage to pruuf_user;
grant select on data.coverage to pruuf_worker;
grant select, insert, update, delete on data.coverage to pruuf_engine;

drop policy if exists member_reads_own_coverage on data.coverage;
create policy member_reads_own_coverage on data.coverage for select to pruuf_user using (member_id = (select rules.current_user_id()));

drop policy if exists contact_reads_linked_member on data.coverage;
create policy contact_reads_linked_member on data.coverage for select to pruuf_user using (member_id in (select rules.watched_member_ids()));

drop policy if exists worker_compares_coverage on data.coverage;
create policy worker_compares_coverage on data.coverage for select to pruuf_worker using (true);

drop policy if exists engine_does_its_work on data.coverage;
create policy engine_does_its_work on data.coverage for all to pruuf_engine using (true) with check (true);
