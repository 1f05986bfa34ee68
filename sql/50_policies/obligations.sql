revoke all on data.obligations from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select on data.obligations to pruuf_user;
grant select, insert, update (state, closed_at, remind_at) on data.obligations to pruuf_worker;
grant select, insert, update, delete on data.obligations to pruuf_engine;

drop policy if exists member_reads_own_obligations on data.obligations;
create policy member_reads_own_obligations on data.obligations for select to pruuf_user using (member_id = (select rules.current_user_id()));

drop policy if exists contact_reads_linked_member on data.obligations;
create policy contact_reads_linked_member on data.obligations for select to pruuf_user using ((select rules.is_entitled((select rules.current_user_id()))) and member_id in (select rules.watched_member_ids()));

drop policy if exists worker_reads_what_is_due on data.obligations;
create policy worker_reads_what_is_due on data.obligations for select to pruuf_worker using (true);

drop policy if exists worker_opens_the_next on data.obligations;
create policy worker_opens_the_next on data.obligations for insert to pruuf_worker with check (state = 'open');

drop policy if exists worker_closes_what_was_missed on data.obligations;
create policy worker_closes_what_was_missed on data.obligations for update to pruuf_worker using (state = 'open') with check (state in ('open', 'missed'));

drop policy if exists engine_does_its_work on data.obligations;
create policy engine_does_its_work on data.obligations for all to pruuf_engine using (true) with check (true);
