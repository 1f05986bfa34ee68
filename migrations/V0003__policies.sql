create table data.policies (
  key text primary key constraint policy_key_is_a_name check (key ~ '^[a-z][a-z0-9_]*$'),
  value integer not null,
  unit text not null,
  least integer not null default 0,
  most integer not null,
  about text not null,
  constraint policy_is_in_its_range check (value between least and most)
);
comment on table data.policies is 'The numbers in [brackets] of the product''s rules. Changed with api.set_policy; every change is kept in data.policy_changes.';

create table data.policy_changes (
  id bigint generated always as identity primary key,
  key text not null references data.policies (key) on delete restrict,
  old_value integer not null,
  new_value integer not null,
  changed_at timestamptz not null,
  changed_by text not null,
  reason text not null constraint policy_change_has_a_reason check (length(reason) between 3 and 500)
);
create index policy_changes_key on data.policy_changes (key, id);

insert into data.policies (key, value, unit, least, most, about) values
  ('code_life', 10, 'minutes', 1, 60, 'R2.1 how long a one-time code is good'),
  ('code_tries', 5, 'tries', 1, 20, 'R2.1 how often one code may be tried'),
  ('code_interval', 60, 'seconds', 0, 3600, 'R2.1 a new code to one address at most every …'),
  ('codes_per_hour', 5, 'codes', 1, 100, 'R2.1 codes to one address in an hour'),
  ('ticket_life', 15, 'minutes', 1, 120, 'how long the ticket of a verified code is good'),
  ('pin_tries', 5, 'tries', 1, 20, 'R2.3 wrong PINs until the sign-in is locked'),
  ('pin_lock', 30, 'minutes', 1, 1440, 'R2.3 how long it is locked'),
  ('pin_tries_until_recovery', 15, 'tries', 1, 100, 'R2.3 wrong PINs without a success until only a code helps'),
  ('refresh_token_life', 90, 'days', 1, 365, 'R2.4 how long a refresh token lives'),
  ('refresh_retry_window', 30, 'seconds', 0, 300, 'R2.4 a second use of a refresh token within it is a lost answer, not theft'),
  ('invitation_life', 30, 'days', 1, 365, 'R3.1 how long an invitation is good'),
  ('invitation_tries_per_hour', 10, 'tries', 1, 1000, 'R3.2 wrong invitation codes of one user in an hour'),
  ('contacts_per_member', 10, 'Contacts', 1, 100, 'R1.3 Contacts of one Member'),
  ('members_per_contact', 50, 'Members', 1, 1000, 'R1.3 Members one Contact may watch'),
  ('devices_per_user', 10, 'devices', 1, 100, 'R7.6 push devices of one user'),
  ('default_grace', 10, 'minutes', 0, 240, 'R4.1 grace of a schedule that names none'),
  ('reminder_lead', 30, 'minutes', 1, 240, 'R4.1 the first reminder comes so long before the time'),
  ('double_tap', 30, 'seconds', 0, 600, 'R4.6 a tap so soon after one that met something is the same tap'),
  ('clock_difference_told', 60, 'minutes', 1, 1440, 'R4.5 a device clock further off than this is told to the client'),
  ('late_server', 60, 'seconds', 5, 3600, 'R6.7 an alert raised so long after its time says that the server was late'),
  ('high_fallback', 120, 'seconds', 5, 3600, 'R7.2 e-mail follows a push of high priority that was not confirmed in …'),
  ('idempotency_life', 24, 'hours', 1, 168, 'R9.4 how long the answer to an Idempotency-Key is kept');

alter table data.policies enable row level security;
alter table data.policies force row level security;
alter table data.policy_changes enable row level security;
alter table data.policy_changes force row level security;
