revoke all on data.connections from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
-- Not the tier: the order of their Contacts is the Member's own (R3.5, rules.own_contacts).
grant select (id, member_id, contact_id, invitation_id, connected_at, ended_at, ended_by) on data.connections to pruuf_user;
grant select on data.connections to pruuf_worker;
grant update (ended_at, ended_by) on data.connections to pruuf_user;
grant select, insert, update, delete on data.connections to pruuf_engine;

drop policy if exists either_side_reads_connection on data.connections;
create policy either_side_reads_connection on data.connections for select to pruuf_user using (member_id = (select rules.current_user_id()) or contact_id = (select rules.current_user_id()));

drop policy if exists either_side_ends_connection on data.connections;
create policy either_side_ends_connection on data.connections for update to pruuf_user using (ended_at is null and (member_id = (select rules.current_user_id()) or contact_id = (select rules.current_user_id())))
  with check (ended_at is not null and ended_by = (select rules.current_user_id()));

drop policy if exists worker_reads_who_to_tell on data.connections;
create policy worker_reads_who_to_tell on data.connections for select to pruuf_worker using (true);

drop policy if exists engine_does_its_work on data.connections;
create policy engine_does_its_work on data.connections for all to pruuf_engine using (true) with check (true);
