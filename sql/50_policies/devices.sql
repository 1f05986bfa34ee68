revoke all on data.devices from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select (id, user_id, platform, registered_at, off_at, off_reason) on data.devices to pruuf_user;
grant select on data.devices to pruuf_worker;
grant update (off_at, off_reason) on data.devices to pruuf_worker;
grant select, insert, update, delete on data.devices to pruuf_engine;

drop policy if exists owner_reads_own_devices on data.devices;
create policy owner_reads_own_devices on data.devices for select to pruuf_user using (user_id = (select rules.current_user_id()));

drop policy if exists owner_removes_own_devices on data.devices;

drop policy if exists worker_reads_devices on data.devices;
create policy worker_reads_devices on data.devices for select to pruuf_worker using (true);

drop policy if exists worker_turns_devices_off on data.devices;
create policy worker_turns_devices_off on data.devices for update to pruuf_worker using (true);

drop policy if exists engine_does_its_work on data.devices;
create policy engine_does_its_work on data.devices for all to pruuf_engine using (true) with check (true);
