revoke all on data.users from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select (id, name) on data.users to pruuf_user;
grant select (id, name, language, deleted_at, is_leaving) on data.users to pruuf_worker;
grant select, insert, update, delete on data.users to pruuf_engine;

drop policy if exists user_reads_self on data.users;
create policy user_reads_self on data.users for select to pruuf_user using (id = (select rules.current_user_id()));

drop policy if exists connected_users_see_each_other on data.users;
create policy connected_users_see_each_other on data.users for select to pruuf_user using (rules.is_linked(id));

drop policy if exists blocker_reads_whom_they_blocked on data.users;
create policy blocker_reads_whom_they_blocked on data.users for select to pruuf_user using (id in (select rules.blocked_user_ids()));

drop policy if exists worker_reads_names_for_texts on data.users;
create policy worker_reads_names_for_texts on data.users for select to pruuf_worker using (true);

drop policy if exists engine_does_its_work on data.users;
create policy engine_does_its_work on data.users for all to pruuf_engine using (true) with check (true);
