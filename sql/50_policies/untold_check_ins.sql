revoke all on data.untold_check_ins from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
-- Never updated: `for update skip locked` asks for the right.
grant select, update (check_in_id), delete on data.untold_check_ins to pruuf_worker;
grant select, insert, update, delete on data.untold_check_ins to pruuf_engine;

drop policy if exists worker_takes_what_is_untold on data.untold_check_ins;
create policy worker_takes_what_is_untold on data.untold_check_ins for all to pruuf_worker using (true) with check (false);

drop policy if exists engine_does_its_work on data.untold_check_ins;
create policy engine_does_its_work on data.untold_check_ins for all to pruuf_engine using (true) with check (true);
