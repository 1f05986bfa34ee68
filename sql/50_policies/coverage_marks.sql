revoke all on data.coverage_marks from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select, delete on data.coverage_marks to pruuf_worker;
grant select, insert on data.coverage_marks to pruuf_engine;

drop policy if exists worker_follows_the_marks on data.coverage_marks;
create policy worker_follows_the_marks on data.coverage_marks for all to pruuf_worker using (true) with check (false);

drop policy if exists engine_marks_what_changed on data.coverage_marks;
create policy engine_marks_what_changed on data.coverage_marks for insert to pruuf_engine with check (true);

drop policy if exists engine_reads_the_marks on data.coverage_marks;
create policy engine_reads_the_marks on data.coverage_marks for select to pruuf_engine using (true);
