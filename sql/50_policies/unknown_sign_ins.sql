revoke all on data.unknown_sign_ins from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine, pruuf_keeper;
grant select, insert, update, delete on data.unknown_sign_ins to pruuf_engine;
grant select (kind, lookup), update (lookup) on data.unknown_sign_ins to pruuf_keeper;

drop policy if exists worker_forgets_old_tries on data.unknown_sign_ins;

drop policy if exists engine_does_its_work on data.unknown_sign_ins;
create policy engine_does_its_work on data.unknown_sign_ins for all to pruuf_engine using (true) with check (true);

drop policy if exists keeper_seals_anew on data.unknown_sign_ins;
create policy keeper_seals_anew on data.unknown_sign_ins for all to pruuf_keeper using (true) with check (true);
