-- Who may touch data.welfare_cards, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select from data.welfare_cards$$, '1 rows', ''),
  ('contact', $$select from data.welfare_cards$$, '1 rows', 'R1.5 an alert is not over'),
  ('former', $$select from data.welfare_cards$$, '0 rows', ''),
  ('stranger', $$select from data.welfare_cards$$, '0 rows', ''),
  ('nobody', $$select from data.welfare_cards$$, '0 rows', ''),
  ('visitor', $$select from data.welfare_cards$$, 'refused', ''),
  ('worker', $$select from data.welfare_cards$$, 'refused', ''),
  ('staff', $$select from data.welfare_cards$$, 'refused', ''),
  ('billing', $$select from data.welfare_cards$$, 'refused', ''),
  ('server', $$select from data.welfare_cards$$, 'refused', ''),
  ('owner', $$insert into data.welfare_cards default values$$, 'refused', ''),
  ('contact', $$insert into data.welfare_cards default values$$, 'refused', ''),
  ('former', $$insert into data.welfare_cards default values$$, 'refused', ''),
  ('stranger', $$insert into data.welfare_cards default values$$, 'refused', ''),
  ('nobody', $$insert into data.welfare_cards default values$$, 'refused', ''),
  ('visitor', $$insert into data.welfare_cards default values$$, 'refused', ''),
  ('worker', $$insert into data.welfare_cards default values$$, 'refused', ''),
  ('staff', $$insert into data.welfare_cards default values$$, 'refused', ''),
  ('billing', $$insert into data.welfare_cards default values$$, 'refused', ''),
  ('server', $$insert into data.welfare_cards default values$$, 'refused', ''),
  ('owner', $$update data.welfare_cards set sealed = sealed$$, '1 rows', ''),
  ('contact', $$update data.welfare_cards set sealed = sealed$$, '0 rows', ''),
  ('former', $$update data.welfare_cards set sealed = sealed$$, '0 rows', ''),
  ('stranger', $$update data.welfare_cards set sealed = sealed$$, '0 rows', ''),
  ('nobody', $$update data.welfare_cards set sealed = sealed$$, '0 rows', ''),
  ('visitor', $$update data.welfare_cards set sealed = sealed$$, 'refused', ''),
  ('worker', $$update data.welfare_cards set sealed = sealed$$, 'refused', ''),
  ('staff', $$update data.welfare_cards set sealed = sealed$$, 'refused', ''),
  ('billing', $$update data.welfare_cards set sealed = sealed$$, 'refused', ''),
  ('server', $$update data.welfare_cards set sealed = sealed$$, 'refused', ''),
  ('owner', $$delete from data.welfare_cards$$, 'refused', ''),
  ('contact', $$delete from data.welfare_cards$$, 'refused', ''),
  ('former', $$delete from data.welfare_cards$$, 'refused', ''),
  ('stranger', $$delete from data.welfare_cards$$, 'refused', ''),
  ('nobody', $$delete from data.welfare_cards$$, 'refused', ''),
  ('visitor', $$delete from data.welfare_cards$$, 'refused', ''),
  ('worker', $$delete from data.welfare_cards$$, 'refused', ''),
  ('staff', $$delete from data.welfare_cards$$, 'refused', ''),
  ('billing', $$delete from data.welfare_cards$$, 'refused', ''),
  ('server', $$delete from data.welfare_cards$$, 'refused', ''),
  ('owner', $$truncate data.welfare_cards$$, 'refused', ''),
  ('contact', $$truncate data.welfare_cards$$, 'refused', ''),
  ('former', $$truncate data.welfare_cards$$, 'refused', ''),
  ('stranger', $$truncate data.welfare_cards$$, 'refused', ''),
  ('nobody', $$truncate data.welfare_cards$$, 'refused', ''),
  ('visitor', $$truncate data.welfare_cards$$, 'refused', ''),
  ('worker', $$truncate data.welfare_cards$$, 'refused', ''),
  ('staff', $$truncate data.welfare_cards$$, 'refused', ''),
  ('billing', $$truncate data.welfare_cards$$, 'refused', ''),
  ('server', $$truncate data.welfare_cards$$, 'refused', ''),
  ('owner', $$update data.welfare_cards set is_always_shown = true$$, '1 rows', ''),
  ('contact', $$update data.welfare_cards set is_always_shown = true$$, '0 rows', 'only the Member says so'),
  ('owner', $$update data.welfare_cards set user_id = :stranger$$, 'refused', 'a card does not change hands'),
  ('owner', $$insert into data.welfare_cards (user_id, sealed) values (:owner, 'x')$$, 'welfare_cards_pkey', ''),
  ('stranger', $$insert into data.welfare_cards (user_id, sealed) values (:stranger, 'x')$$, '1 rows', ''),
  ('stranger', $$insert into data.welfare_cards (user_id, sealed) values (:former, 'x')$$, 'refused', 'nobody writes another''s card'),
  ('nobody', $$insert into data.welfare_cards (user_id, sealed) values (:former, 'x')$$, 'refused', ''),
  ('contact', $$select api.get_member_welfare_card(:owner)$$, '1 rows', ''),
  ('former', $$select api.get_member_welfare_card(:owner)$$, 'not-found', ''),
  ('stranger', $$select api.get_member_welfare_card(:owner)$$, 'not-found', ''),
  ('owner', $$select api.get_member_welfare_card(:owner)$$, 'not-found', ''),
  ('nobody', $$select api.get_member_welfare_card(:owner)$$, 'not-signed-in', ''),
  ('staff', $$select api.get_member_welfare_card(:owner)$$, 'refused', 'R1.5 staff never'),
  ('staff', $$select api.get_welfare_card()$$, 'refused', 'R1.5 staff never'),
  ('worker', $$select api.get_welfare_card()$$, 'refused', ''),
  ('contact', $$select api.get_welfare_card()$$, 'no-welfare-card', 'the caller''s own')
) as t (voice, statement, expected, because);

-- When the alert is over nobody but the Member reads it, unless they say so.
update data.alerts set state = 'resolved', resolved_at = rules.clock(), resolved_how = 'checked_in';
select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('contact', $$select from data.welfare_cards$$, '0 rows', 'R1.5 no alert is open'),
  ('contact', $$select api.get_member_welfare_card(:owner)$$, 'welfare-card-not-shown', ''),
  ('contact', $$insert into data.welfare_card_looks (member_id, looked_by) values (:owner, :contact)$$, 'refused', ''),
  ('owner', $$select from data.welfare_cards$$, '1 rows', '')
) as t (voice, statement, expected, because);
update data.welfare_cards set is_always_shown = true;
select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('contact', $$select from data.welfare_cards$$, '1 rows', 'R1.5 the Member says always'),
  ('former', $$select from data.welfare_cards$$, '0 rows', ''),
  ('stranger', $$select from data.welfare_cards$$, '0 rows', ''),
  ('nobody', $$select from data.welfare_cards$$, '0 rows', '')
) as t (voice, statement, expected, because);

select * from tap.finish();
