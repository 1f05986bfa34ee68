-- Who may touch data.receipts, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select from data.receipts$$, 'refused', ''),
  ('contact', $$select from data.receipts$$, 'refused', ''),
  ('former', $$select from data.receipts$$, 'refused', ''),
  ('stranger', $$select from data.receipts$$, 'refused', ''),
  ('nobody', $$select from data.receipts$$, 'refused', ''),
  ('visitor', $$select from data.receipts$$, 'refused', ''),
  ('staff', $$select from data.receipts$$, 'refused', ''),
  ('billing', $$select from data.receipts$$, 'refused', ''),
  ('server', $$select from data.receipts$$, 'refused', ''),
  ('worker', $$select from data.receipts$$, '1 rows', ''),
  ('worker', $$insert into data.receipts (provider, event_id, provider_message_id, event, meaning, received_at) values ('twilio', 'SM2:sent', 'SM2', 'sent', 'accepted', now())$$, '1 rows', ''),
  ('owner', $$insert into data.receipts (provider, event_id, provider_message_id, event, meaning, received_at) values ('twilio', 'SM2:sent', 'SM2', 'sent', 'accepted', now())$$, 'refused', ''),
  ('contact', $$insert into data.receipts (provider, event_id, provider_message_id, event, meaning, received_at) values ('twilio', 'SM2:sent', 'SM2', 'sent', 'accepted', now())$$, 'refused', ''),
  ('former', $$insert into data.receipts (provider, event_id, provider_message_id, event, meaning, received_at) values ('twilio', 'SM2:sent', 'SM2', 'sent', 'accepted', now())$$, 'refused', ''),
  ('stranger', $$insert into data.receipts (provider, event_id, provider_message_id, event, meaning, received_at) values ('twilio', 'SM2:sent', 'SM2', 'sent', 'accepted', now())$$, 'refused', ''),
  ('nobody', $$insert into data.receipts (provider, event_id, provider_message_id, event, meaning, received_at) values ('twilio', 'SM2:sent', 'SM2', 'sent', 'accepted', now())$$, 'refused', ''),
  ('visitor', $$insert into data.receipts (provider, event_id, provider_message_id, event, meaning, received_at) values ('twilio', 'SM2:sent', 'SM2', 'sent', 'accepted', now())$$, 'refused', ''),
  ('staff', $$insert into data.receipts (provider, event_id, provider_message_id, event, meaning, received_at) values ('twilio', 'SM2:sent', 'SM2', 'sent', 'accepted', now())$$, 'refused', ''),
  ('billing', $$insert into data.receipts (provider, event_id, provider_message_id, event, meaning, received_at) values ('twilio', 'SM2:sent', 'SM2', 'sent', 'accepted', now())$$, 'refused', ''),
  ('server', $$insert into data.receipts (provider, event_id, provider_message_id, event, meaning, received_at) values ('twilio', 'SM2:sent', 'SM2', 'sent', 'accepted', now())$$, 'refused', ''),
  ('owner', $$update data.receipts set meaning = 'delivered'$$, 'refused', 'R7.1 only ever added'),
  ('owner', $$delete from data.receipts$$, 'refused', 'R7.1 only ever added'),
  ('contact', $$update data.receipts set meaning = 'delivered'$$, 'refused', 'R7.1 only ever added'),
  ('contact', $$delete from data.receipts$$, 'refused', 'R7.1 only ever added'),
  ('former', $$update data.receipts set meaning = 'delivered'$$, 'refused', 'R7.1 only ever added'),
  ('former', $$delete from data.receipts$$, 'refused', 'R7.1 only ever added'),
  ('stranger', $$update data.receipts set meaning = 'delivered'$$, 'refused', 'R7.1 only ever added'),
  ('stranger', $$delete from data.receipts$$, 'refused', 'R7.1 only ever added'),
  ('nobody', $$update data.receipts set meaning = 'delivered'$$, 'refused', 'R7.1 only ever added'),
  ('nobody', $$delete from data.receipts$$, 'refused', 'R7.1 only ever added'),
  ('visitor', $$update data.receipts set meaning = 'delivered'$$, 'refused', 'R7.1 only ever added'),
  ('visitor', $$delete from data.receipts$$, 'refused', 'R7.1 only ever added'),
  ('staff', $$update data.receipts set meaning = 'delivered'$$, 'refused', 'R7.1 only ever added'),
  ('staff', $$delete from data.receipts$$, 'refused', 'R7.1 only ever added'),
  ('billing', $$update data.receipts set meaning = 'delivered'$$, 'refused', 'R7.1 only ever added'),
  ('billing', $$delete from data.receipts$$, 'refused', 'R7.1 only ever added'),
  ('server', $$update data.receipts set meaning = 'delivered'$$, 'refused', 'R7.1 only ever added'),
  ('server', $$delete from data.receipts$$, 'refused', 'R7.1 only ever added'),
  ('worker', $$update data.receipts set meaning = 'delivered'$$, 'refused', 'R7.1 only ever added'),
  ('worker', $$delete from data.receipts$$, 'refused', 'R7.1 only ever added')
) as t (voice, statement, expected, because);

select * from tap.finish();
