revoke all on data.watch_settings from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select (contact_id, member_id, nickname, hears_of, mutes_routine) on data.watch_settings to pruuf_user;
grant insert (contact_id, member_id, nickname, hears_of, mutes_routine), update (nickname, hears_of, mutes_routine) on data.watch_settings to pruuf_user;
grant select (contact_id, member_id, hears_of, mutes_routine, digest_at), update (digest_at) on data.watch_settings to pruuf_worker;
grant select, insert, update, delete on data.watch_settings to pruuf_engine;

-- The Member sees nothing of it: there is no policy for them.
drop policy if exists contact_reads_own_settings on data.watch_settings;
create policy contact_reads_own_settings on data.watch_settings for select to pruuf_user using (contact_id = (select rules.current_user_id()));

drop policy if exists contact_sets_how_they_watch on data.watch_settings;
create policy contact_sets_how_they_watch on data.watch_settings for insert to pruuf_user
  with check (contact_id = (select rules.current_user_id()) and member_id in (select rules.watched_member_ids()));

drop policy if exists contact_changes_how_they_watch on data.watch_settings;
create policy contact_changes_how_they_watch on data.watch_settings for update to pruuf_user using (contact_id = (select rules.current_user_id()))
  with check (contact_id = (select rules.current_user_id()) and member_id in (select rules.watched_member_ids()));

drop policy if exists worker_reads_who_wants_to_hear on data.watch_settings;
create policy worker_reads_who_wants_to_hear on data.watch_settings for select to pruuf_worker using (true);

drop policy if exists worker_moves_the_next_digest on data.watch_settings;
create policy worker_moves_the_next_digest on data.watch_settings for update to pruuf_worker using (digest_at is not null) with check (digest_at is not null);

drop policy if exists engine_does_its_work on data.watch_settings;
create policy engine_does_its_work on data.watch_settings for all to pruuf_engine using (true) with check (true);
