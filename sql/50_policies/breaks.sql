revoke all on data.breaks from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select, delete on data.breaks to pruuf_user;
grant insert (member_id, first_on, last_on, confirmed_on), update (first_on, last_on, confirmed_on) on data.breaks to pruuf_user;
grant select, update (next_step_at) on data.breaks to pruuf_worker;
grant select, insert, update, delete on data.breaks to pruuf_engine;

drop policy if exists member_reads_own_breaks on data.breaks;
create policy member_reads_own_breaks on data.breaks for select to pruuf_user using (member_id = (select rules.current_user_id()));

drop policy if exists contact_reads_breaks_of_linked_member on data.breaks;
create policy contact_reads_breaks_of_linked_member on data.breaks for select to pruuf_user using ((select rules.is_entitled((select rules.current_user_id()))) and member_id in (select rules.watched_member_ids()));

drop policy if exists member_plans_own_breaks on data.breaks;
create policy member_plans_own_breaks on data.breaks for insert to pruuf_user with check (member_id = (select rules.current_user_id()));

drop policy if exists member_changes_own_breaks on data.breaks;
create policy member_changes_own_breaks on data.breaks for update to pruuf_user using (member_id = (select rules.current_user_id())) with check (member_id = (select rules.current_user_id()));

drop policy if exists member_gives_up_what_has_not_begun on data.breaks;
create policy member_gives_up_what_has_not_begun on data.breaks for delete to pruuf_user using (member_id = (select rules.current_user_id()) and begins_at > (select rules.clock()));

drop policy if exists worker_reads_breaks on data.breaks;
create policy worker_reads_breaks on data.breaks for select to pruuf_worker using (true);

drop policy if exists worker_puts_off_a_look on data.breaks;
create policy worker_puts_off_a_look on data.breaks for update to pruuf_worker using (true) with check (true);

drop policy if exists engine_does_its_work on data.breaks;
create policy engine_does_its_work on data.breaks for all to pruuf_engine using (true) with check (true);
