revoke all on data.linked_devices from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine, pruuf_keeper;
grant select on data.linked_devices to pruuf_user;
grant select, insert, update, delete on data.linked_devices to pruuf_engine;

drop policy if exists owner_reads_own_linked_devices on data.linked_devices;
create policy owner_reads_own_linked_devices on data.linked_devices for select to pruuf_user using (user_id = (select rules.current_user_id()));

drop policy if exists engine_does_its_work on data.linked_devices;
create policy engine_does_its_work on data.linked_devices for all to pruuf_engine using (true) with check (true);
