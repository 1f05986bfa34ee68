create table data.invitations (
  id uuid primary key,
  inviter_id uuid not null references data.users (id) on delete cascade,
  invitee_becomes text not null constraint invitee_role_is_known check (invitee_becomes in ('member', 'contact')),
  name text not null constraint invitee_name_is_1_to_80_characters check (length(name) between 1 and 80 and name = btrim(name)),
  kind text not null constraint invitation_address_kind_is_known check (kind in ('email', 'phone')),
  lookup bytea not null,
  sealed bytea not null,
  code_hash bytea not null,
  state text not null default 'pending' constraint invitation_state_is_known check (state in ('pending', 'accepted', 'revoked')),
  created_at timestamptz not null,
  expires_at timestamptz not null,
  accepted_by uuid references data.users (id) on delete set null,
  accepted_at timestamptz,
  revoked_at timestamptz,
  constraint invitation_accepted_is_whole check ((state = 'accepted') = (accepted_at is not null)),
  constraint invitation_revoked_is_whole check ((state = 'revoked') = (revoked_at is not null))
);
create index invitations_inviter on data.invitations (inviter_id, id);
create index invitations_accepted_by on data.invitations (accepted_by);
create unique index invitation_code_is_free on data.invitations (code_hash) where state = 'pending';

create table data.invitation_tries (
  id bigint generated always as identity primary key,
  user_id uuid not null references data.users (id) on delete cascade,
  tried_at timestamptz not null
);
comment on table data.invitation_tries is 'R3.2 wrong invitation codes, to count them.';
create index invitation_tries_user on data.invitation_tries (user_id, tried_at);

create table data.connections (
  id uuid primary key default data.new_id(),
  member_id uuid not null references data.users (id) on delete cascade,
  contact_id uuid not null references data.users (id) on delete cascade,
  invitation_id uuid references data.invitations (id) on delete set null,
  tier text not null default 'primary' constraint tier_is_known check (tier in ('primary', 'backup')),
  connected_at timestamptz not null,
  ended_at timestamptz,
  ended_by uuid references data.users (id) on delete set null,
  constraint nobody_watches_themselves check (member_id <> contact_id)
);
create unique index one_connection_per_pair on data.connections (member_id, contact_id) where ended_at is null;
create index connections_contact on data.connections (contact_id) where ended_at is null;
create index connections_invitation on data.connections (invitation_id);
create index connections_ended_by on data.connections (ended_by);
create index connections_member_ever on data.connections (member_id);
create index connections_contact_ever on data.connections (contact_id);

alter table data.invitations enable row level security;
alter table data.invitations force row level security;
alter table data.invitation_tries enable row level security;
alter table data.invitation_tries force row level security;
alter table data.connections enable row level security;
alter table data.connections force row level security;
