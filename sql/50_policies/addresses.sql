revoke all on data.addresses from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine, pruuf_keeper;
grant select on data.addresses to pruuf_user;
grant select on data.addresses to pruuf_worker;
grant update (off_at, off_reason) on data.addresses to pruuf_worker;
grant select, insert, update, delete on data.addresses to pruuf_engine;
grant select (kind, lookup, sealed), update (lookup, sealed) on data.addresses to pruuf_keeper;

drop policy if exists owner_reads_own_addresses on data.addresses;
create policy owner_reads_own_addresses on data.addresses for select to pruuf_user using (user_id = (select rules.current_user_id()));

drop policy if exists owner_removes_own_addresses on data.addresses;

drop policy if exists worker_reads_addresses on data.addresses;
create policy worker_reads_addresses on data.addresses for select to pruuf_worker using (true);

drop policy if exists worker_turns_addresses_off on data.addresses;
create policy worker_turns_addresses_off on data.addresses for update to pruuf_worker using (true);

drop policy if exists engine_does_its_work on data.addresses;
create policy engine_does_its_work on data.addresses for all to pruuf_engine using (true) with check (true);

drop policy if exists keeper_seals_anew on data.addresses;
create policy keeper_seals_anew on data.addresses for all to pruuf_keeper using (true) with check (true);
