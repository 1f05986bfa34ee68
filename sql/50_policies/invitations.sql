revoke all on data.invitations from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine, pruuf_keeper;
grant select on data.invitations to pruuf_user;
grant select, insert, update, delete on data.invitations to pruuf_engine;
grant select (kind, lookup, sealed), update (lookup, sealed) on data.invitations to pruuf_keeper;

drop policy if exists inviter_reads_own_invitations on data.invitations;
create policy inviter_reads_own_invitations on data.invitations for select to pruuf_user using (inviter_id = (select rules.current_user_id()));

drop policy if exists engine_does_its_work on data.invitations;
create policy engine_does_its_work on data.invitations for all to pruuf_engine using (true) with check (true);

drop policy if exists keeper_seals_anew on data.invitations;
create policy keeper_seals_anew on data.invitations for all to pruuf_keeper using (true) with check (true);
