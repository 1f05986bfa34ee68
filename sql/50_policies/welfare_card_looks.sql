revoke all on data.welfare_card_looks from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select on data.welfare_card_looks to pruuf_user;
grant insert (member_id, looked_by) on data.welfare_card_looks to pruuf_user;
grant select, insert, update, delete on data.welfare_card_looks to pruuf_engine;

drop policy if exists owner_sees_who_looked on data.welfare_card_looks;
create policy owner_sees_who_looked on data.welfare_card_looks for select to pruuf_user using (member_id = (select rules.current_user_id()));

drop policy if exists contact_looks_at_a_card_that_is_shown on data.welfare_card_looks;
create policy contact_looks_at_a_card_that_is_shown on data.welfare_card_looks for insert to pruuf_user
  with check (looked_by = (select rules.current_user_id()) and exists (select from data.welfare_cards c where c.user_id = member_id));

drop policy if exists engine_does_its_work on data.welfare_card_looks;
create policy engine_does_its_work on data.welfare_card_looks for all to pruuf_engine using (true) with check (true);
