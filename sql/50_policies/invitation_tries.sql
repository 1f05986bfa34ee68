revoke all on data.invitation_tries from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select, insert, update, delete on data.invitation_tries to pruuf_engine;

drop policy if exists worker_forgets_old_guesses on data.invitation_tries;

drop policy if exists engine_does_its_work on data.invitation_tries;
create policy engine_does_its_work on data.invitation_tries for all to pruuf_engine using (true) with check (true);
