alter table data.invitations add column token_hash bytea;
-- What was sent before this release counts as sent now.
alter table data.invitations add column sent_at timestamptz not null default now();
alter table data.invitations alter column sent_at drop default;
comment on column data.invitations.token_hash is 'R3.1 hash of the link''s token; null for an invitation from before there were links, which has its code only.';
comment on column data.invitations.sent_at is 'R3.1 when its message was last written.';
create unique index invitation_token_is_one_invitation on data.invitations (token_hash) where token_hash is not null;
create index invitations_code on data.invitations (code_hash);
-- R3.1 how many messages went to one address in a day.
create index notifications_address on data.notifications (address_lookup, created_at) where address_lookup is not null;

alter table data.invitation_tries add column network inet;
comment on column data.invitation_tries.network is 'R3.2 where the try came from: an IPv4 address, or the 64 bits of an IPv6 network, which is one customer''s.';
create index invitation_tries_network on data.invitation_tries (network, tried_at) where network is not null;
create index invitation_tries_age on data.invitation_tries (tried_at);

create table data.blocks (
  id uuid primary key default data.new_id(),
  blocker_id uuid not null references data.users (id) on delete cascade,
  blocked_id uuid not null references data.users (id) on delete cascade,
  blocked_at timestamptz not null,
  unblocked_at timestamptz,
  constraint nobody_blocks_themselves check (blocker_id <> blocked_id)
);
comment on table data.blocks is 'R3.3 who wants nothing to do with whom. A block that was lifted stays: invitations that are older than it stay dead.';
create unique index one_block_per_pair on data.blocks (blocker_id, blocked_id) where unblocked_at is null;
create index blocks_blocker on data.blocks (blocker_id);
create index blocks_blocked on data.blocks (blocked_id);
alter table data.blocks enable row level security;
alter table data.blocks force row level security;

-- The owner is bound by row-level security too, and numbers are changed, not added, in sql/.
alter table data.policies no force row level security;
insert into data.policies (key, value, unit, least, most, about) values
  ('invitation_resend_interval', 10, 'minutes', 0, 1440, 'R3.1 one inviter writes to one address at most every …'),
  ('invitations_per_day', 20, 'invitations', 1, 1000, 'R3.1 invitations of one user in a day'),
  ('invitation_messages_per_day', 10, 'messages', 1, 1000, 'R3.1 invitations that go to one address in a day, from everybody together');
alter table data.policies force row level security;
