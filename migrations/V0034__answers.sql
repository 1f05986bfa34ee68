-- Answers by phone: a text that somebody sends, and a key that is pressed on a call.
alter table data.check_ins
  drop constraint check_in_method_is_known,
  add constraint check_in_method_is_known check (method in ('app', 'sms'));

create table data.received_texts (
  message_sid text primary key constraint message_sid_is_1_to_64_characters check (length(message_sid) between 1 and 64),
  answer text not null constraint text_answer_is_a_code check (answer ~ '^[a-z_]{1,30}$'),
  received_at timestamptz not null
);
comment on table data.received_texts is 'R6.6 which texts were taken, and what was answered: Twilio may bring one twice. Neither the number nor the words are kept.';
alter table data.received_texts enable row level security;
alter table data.received_texts force row level security;
