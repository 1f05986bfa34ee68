revoke all on data.sessions from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select on data.sessions to pruuf_user;
grant select, insert, update, delete on data.sessions to pruuf_engine;

drop policy if exists owner_reads_own_sessions on data.sessions;
create policy owner_reads_own_sessions on data.sessions for select to pruuf_user using (user_id = (select rules.current_user_id()));

drop policy if exists engine_does_its_work on data.sessions;
create policy engine_does_its_work on data.sessions for all to pruuf_engine using (true) with check (true);
