create or replace function jobs.receive_twilio_key(delivery uuid, key text) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  return rules.take_key(delivery, key);
end;
$$;
comment on function jobs.receive_twilio_key(uuid, text) is 'POST /webhooks/twilio/voice. R6.6 a key that was pressed on a call.';
grant execute on function jobs.receive_twilio_key(uuid, text) to pruuf_worker;

create or replace function jobs.receive_twilio_message(message_sid text, lookups bytea[], words text) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  return rules.take_text(message_sid, lookups, words);
end;
$$;
comment on function jobs.receive_twilio_message(text, bytea[], text) is 'POST /webhooks/twilio/messages. R6.6 a text that came to our number.';
grant execute on function jobs.receive_twilio_message(text, bytea[], text) to pruuf_worker;
