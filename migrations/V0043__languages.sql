-- R7.7 Spanish beside English; whoever has no account is written to in the language of whoever asked for the message.
alter table data.users
  drop constraint user_language_is_known,
  add constraint user_language_is_known check (language in ('en', 'es'));

alter table data.notifications
  add column language text constraint notification_language_is_known check (language in ('en', 'es')),
  add constraint only_strangers_are_told_in_a_language_of_the_message check (user_id is null or language is null);
comment on column data.notifications.language is 'R7.7 of a message to an address without its account: others read the language of theirs.';
