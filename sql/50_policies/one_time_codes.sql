revoke all on data.one_time_codes from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine, pruuf_keeper;
grant select, insert, update, delete on data.one_time_codes to pruuf_engine;
grant select (kind, lookup, sealed), update (lookup, sealed) on data.one_time_codes to pruuf_keeper;

drop policy if exists engine_does_its_work on data.one_time_codes;
create policy engine_does_its_work on data.one_time_codes for all to pruuf_engine using (true) with check (true);

drop policy if exists keeper_seals_anew on data.one_time_codes;
create policy keeper_seals_anew on data.one_time_codes for all to pruuf_keeper using (true) with check (true);
