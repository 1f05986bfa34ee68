revoke all on data.obligations_met from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select on data.obligations_met to pruuf_user, pruuf_worker;
grant select, insert, update, delete on data.obligations_met to pruuf_engine;

drop policy if exists whoever_sees_the_obligation_sees_what_met_it on data.obligations_met;
create policy whoever_sees_the_obligation_sees_what_met_it on data.obligations_met for select to pruuf_user using (exists (select from data.obligations o where o.id = obligation_id));

drop policy if exists worker_reads_what_was_met on data.obligations_met;
create policy worker_reads_what_was_met on data.obligations_met for select to pruuf_worker using (true);

drop policy if exists engine_does_its_work on data.obligations_met;
create policy engine_does_its_work on data.obligations_met for all to pruuf_engine using (true) with check (true);
