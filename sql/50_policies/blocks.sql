revoke all on data.blocks from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select on data.blocks to pruuf_user;
grant insert (blocker_id, blocked_id), update (unblocked_at) on data.blocks to pruuf_user;
grant select, insert, update, delete on data.blocks to pruuf_engine;

-- Whoever is blocked sees nothing of it: there is no policy for them.
drop policy if exists blocker_reads_own_blocks on data.blocks;
create policy blocker_reads_own_blocks on data.blocks for select to pruuf_user using (blocker_id = (select rules.current_user_id()));

-- Of connections a user sees their own, those that ended too: nobody else can be named.
drop policy if exists user_blocks_whom_they_know on data.blocks;
create policy user_blocks_whom_they_know on data.blocks for insert to pruuf_user
  with check (blocker_id = (select rules.current_user_id()) and exists (select from data.connections c where blocked_id in (c.member_id, c.contact_id)));

drop policy if exists blocker_lifts_own_blocks on data.blocks;
create policy blocker_lifts_own_blocks on data.blocks for update to pruuf_user using (blocker_id = (select rules.current_user_id()) and unblocked_at is null)
  with check (blocker_id = (select rules.current_user_id()) and unblocked_at is not null);

drop policy if exists engine_does_its_work on data.blocks;
create policy engine_does_its_work on data.blocks for all to pruuf_engine using (true) with check (true);
