revoke all on data.positions from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine, pruuf_keeper;
grant select, delete on data.positions to pruuf_user;
grant insert (id, member_id, check_in_id, help_request_id, sealed) on data.positions to pruuf_user;
-- Never updated: `for update skip locked` asks for the right.
grant select (id, received_at), update (received_at), delete on data.positions to pruuf_worker;
grant select, insert, update, delete on data.positions to pruuf_engine;
grant select (id, sealed), update (sealed) on data.positions to pruuf_keeper;

drop policy if exists member_reads_own_positions on data.positions;
create policy member_reads_own_positions on data.positions for select to pruuf_user using (member_id = (select rules.current_user_id()));

drop policy if exists member_says_where_they_are on data.positions;
create policy member_says_where_they_are on data.positions for insert to pruuf_user
  with check (member_id = (select rules.current_user_id()) and rules.shares_position(help_request_id is not null)
              and (check_in_id is null or exists (select from data.check_ins c where c.id = check_in_id and c.member_id = (select rules.current_user_id())))
              and (help_request_id is null or exists (select from data.help_requests h where h.id = help_request_id and h.member_id = (select rules.current_user_id()))));

drop policy if exists member_erases_own_positions on data.positions;
create policy member_erases_own_positions on data.positions for delete to pruuf_user using (member_id = (select rules.current_user_id()));

-- A frozen Contact sees alerts and nothing else (R8.3): of a call for help, where it came from.
drop policy if exists contact_reads_linked_member on data.positions;
create policy contact_reads_linked_member on data.positions for select to pruuf_user
  using (member_id in (select rules.watched_member_ids()) and (help_request_id is not null or (select rules.is_entitled((select rules.current_user_id())))));

drop policy if exists worker_finds_old_positions on data.positions;
create policy worker_finds_old_positions on data.positions for select to pruuf_worker using (true);

drop policy if exists worker_erases_positions on data.positions;
create policy worker_erases_positions on data.positions for all to pruuf_worker using (true) with check (false);

drop policy if exists engine_does_its_work on data.positions;
create policy engine_does_its_work on data.positions for all to pruuf_engine using (true) with check (true);

drop policy if exists keeper_seals_anew on data.positions;
create policy keeper_seals_anew on data.positions for all to pruuf_keeper using (true) with check (true);
