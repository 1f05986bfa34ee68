revoke all on data.attestations from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select on data.attestations to pruuf_user;
grant insert (member_id, contact_id, obligation_id, note) on data.attestations to pruuf_user;
grant select, insert, update, delete on data.attestations to pruuf_engine;

drop policy if exists contact_attests_linked_member on data.attestations;
create policy contact_attests_linked_member on data.attestations for insert to pruuf_user
  with check (contact_id = (select rules.current_user_id()) and member_id in (select rules.watched_member_ids()));

drop policy if exists member_reads_words_about_them on data.attestations;
create policy member_reads_words_about_them on data.attestations for select to pruuf_user using (member_id = (select rules.current_user_id()));

drop policy if exists contact_reads_words_about_linked_member on data.attestations;
create policy contact_reads_words_about_linked_member on data.attestations for select to pruuf_user using (member_id in (select rules.watched_member_ids()));

drop policy if exists engine_does_its_work on data.attestations;
create policy engine_does_its_work on data.attestations for all to pruuf_engine using (true) with check (true);
