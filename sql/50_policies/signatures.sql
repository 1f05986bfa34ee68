revoke all on data.signatures from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select (check_in_id, state) on data.signatures to pruuf_user;
grant select, insert, update, delete on data.signatures to pruuf_engine;

drop policy if exists whoever_sees_the_check_in_sees_its_signature on data.signatures;
create policy whoever_sees_the_check_in_sees_its_signature on data.signatures for select to pruuf_user using (exists (select from data.check_ins c where c.id = check_in_id));

drop policy if exists engine_does_its_work on data.signatures;
create policy engine_does_its_work on data.signatures for all to pruuf_engine using (true) with check (true);
