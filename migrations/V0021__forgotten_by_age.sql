-- Its beginning is notifications_address.
drop index data.notifications_stranger;
-- What is forgotten by its age.
create index refresh_tokens_age on data.refresh_tokens (expires_at) where used_at is not null;

-- The owner itself is bound by the policies of sql/.
alter table data.policies no force row level security;
insert into data.policies (key, value, unit, least, most, about) values
  ('one_time_code_kept', 24, 'hours', 3, 8760, 'R2.1 how long a code is kept, as its hash: limits count those of an hour, and its ticket lives up to two'),
  ('used_refresh_token_kept', 30, 'days', 0, 3650, 'R2.4 how long a used refresh token is kept after its end: until then theft is seen by it, after it the trail still says whose it was'),
  ('stranger_message_kept', 30, 'days', 2, 3650, 'R9.3 how long a message to an address without an account is kept: limits count those of a day');
alter table data.policies force row level security;
