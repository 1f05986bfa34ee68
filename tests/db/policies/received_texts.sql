-- Who may touch data.received_texts, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select from data.received_texts$$, 'refused', ''),
  ('contact', $$select from data.received_texts$$, 'refused', ''),
  ('former', $$select from data.received_texts$$, 'refused', ''),
  ('stranger', $$select from data.received_texts$$, 'refused', ''),
  ('nobody', $$select from data.received_texts$$, 'refused', ''),
  ('visitor', $$select from data.received_texts$$, 'refused', ''),
  ('staff', $$select from data.received_texts$$, 'refused', ''),
  ('billing', $$select from data.received_texts$$, 'refused', ''),
  ('server', $$select from data.received_texts$$, 'refused', ''),
  ('worker', $$select from data.received_texts$$, 'refused', 'only rules.take_text writes here'),
  ('worker', $$insert into data.received_texts (message_sid, answer, received_at) values ('SM2', 'none', now())$$, 'refused', ''),
  ('worker', $$update data.received_texts set answer = 'none'$$, 'refused', ''),
  ('worker', $$delete from data.received_texts$$, 'refused', ''),
  ('owner', $$insert into data.received_texts (message_sid, answer, received_at) values ('SM2', 'none', now())$$, 'refused', ''),
  ('contact', $$insert into data.received_texts (message_sid, answer, received_at) values ('SM2', 'none', now())$$, 'refused', ''),
  ('former', $$insert into data.received_texts (message_sid, answer, received_at) values ('SM2', 'none', now())$$, 'refused', ''),
  ('stranger', $$insert into data.received_texts (message_sid, answer, received_at) values ('SM2', 'none', now())$$, 'refused', ''),
  ('nobody', $$insert into data.received_texts (message_sid, answer, received_at) values ('SM2', 'none', now())$$, 'refused', ''),
  ('owner', $$update data.received_texts set answer = 'none'$$, 'refused', ''),
  ('contact', $$update data.received_texts set answer = 'none'$$, 'refused', ''),
  ('former', $$update data.received_texts set answer = 'none'$$, 'refused', ''),
  ('stranger', $$update data.received_texts set answer = 'none'$$, 'refused', ''),
  ('nobody', $$update data.received_texts set answer = 'none'$$, 'refused', ''),
  ('owner', $$delete from data.received_texts$$, 'refused', ''),
  ('contact', $$delete from data.received_texts$$, 'refused', ''),
  ('former', $$delete from data.received_texts$$, 'refused', ''),
  ('stranger', $$delete from data.received_texts$$, 'refused', ''),
  ('nobody', $$delete from data.received_texts$$, 'refused', ''),
  ('owner', $$select jobs.receive_twilio_key(:delivery, '1')$$, 'refused', 'R6.6 only Twilio brings keys'),
  ('contact', $$select jobs.receive_twilio_key(:delivery, '1')$$, 'refused', 'R6.6 only Twilio brings keys'),
  ('former', $$select jobs.receive_twilio_key(:delivery, '1')$$, 'refused', 'R6.6 only Twilio brings keys'),
  ('stranger', $$select jobs.receive_twilio_key(:delivery, '1')$$, 'refused', 'R6.6 only Twilio brings keys'),
  ('nobody', $$select jobs.receive_twilio_key(:delivery, '1')$$, 'refused', 'R6.6 only Twilio brings keys'),
  ('contact', $$select rules.take_key(:delivery, '1')$$, 'refused', ''),
  ('owner', $$select jobs.receive_twilio_message('SM3', array['\x00'::bytea], 'OK')$$, 'refused', 'only Twilio brings texts'),
  ('contact', $$select jobs.receive_twilio_message('SM3', array['\x00'::bytea], 'OK')$$, 'refused', 'only Twilio brings texts'),
  ('former', $$select jobs.receive_twilio_message('SM3', array['\x00'::bytea], 'OK')$$, 'refused', 'only Twilio brings texts'),
  ('stranger', $$select jobs.receive_twilio_message('SM3', array['\x00'::bytea], 'OK')$$, 'refused', 'only Twilio brings texts'),
  ('nobody', $$select jobs.receive_twilio_message('SM3', array['\x00'::bytea], 'OK')$$, 'refused', 'only Twilio brings texts'),
  ('owner', $$select rules.take_text('SM3', array['\x00'::bytea], 'OK')$$, 'refused', ''),
  ('worker', $$select jobs.receive_twilio_message('SM3', array['\x00'::bytea], 'OK')$$, '1 rows', '')
) as t (voice, statement, expected, because);

select * from tap.finish();
