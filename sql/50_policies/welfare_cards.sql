revoke all on data.welfare_cards from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine, pruuf_keeper;
grant select on data.welfare_cards to pruuf_user;
grant insert (user_id, sealed, is_always_shown), update (sealed, is_always_shown) on data.welfare_cards to pruuf_user;
grant select, insert, update, delete on data.welfare_cards to pruuf_engine;
grant select (user_id, sealed), update (sealed) on data.welfare_cards to pruuf_keeper;

drop policy if exists owner_reads_own_card on data.welfare_cards;
create policy owner_reads_own_card on data.welfare_cards for select to pruuf_user using (user_id = (select rules.current_user_id()));

drop policy if exists owner_writes_own_card on data.welfare_cards;
create policy owner_writes_own_card on data.welfare_cards for insert to pruuf_user with check (user_id = (select rules.current_user_id()));

drop policy if exists owner_changes_own_card on data.welfare_cards;
create policy owner_changes_own_card on data.welfare_cards for update to pruuf_user using (user_id = (select rules.current_user_id())) with check (user_id = (select rules.current_user_id()));

drop policy if exists contact_reads_a_card_that_is_shown on data.welfare_cards;
create policy contact_reads_a_card_that_is_shown on data.welfare_cards for select to pruuf_user
  using (user_id in (select rules.watched_member_ids())
         and (is_always_shown or exists (select from data.alerts a where a.member_id = welfare_cards.user_id and a.state <> 'resolved')));

drop policy if exists engine_does_its_work on data.welfare_cards;
create policy engine_does_its_work on data.welfare_cards for all to pruuf_engine using (true) with check (true);

drop policy if exists keeper_seals_anew on data.welfare_cards;
create policy keeper_seals_anew on data.welfare_cards for all to pruuf_keeper using (true) with check (true);
