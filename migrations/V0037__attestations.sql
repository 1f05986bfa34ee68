create table data.attestations (
  id uuid primary key default data.new_id(),
  member_id uuid not null references data.users (id) on delete cascade,
  contact_id uuid not null references data.users (id) on delete cascade,
  obligation_id uuid not null references data.obligations (id) on delete cascade,
  attested_at timestamptz not null,
  note text constraint attestation_note_is_1_to_1000_characters check (length(note) between 1 and 1000)
);
comment on table data.attestations is 'R4.9 the word of a Contact who has seen or spoken to a Member. A trigger finds what it closes.';
create index attestations_member on data.attestations (member_id, id desc);
create index attestations_contact on data.attestations (contact_id);
create index attestations_obligation on data.attestations (obligation_id);
alter table data.attestations enable row level security;
alter table data.attestations force row level security;

alter table data.alerts
  drop constraint alert_resolution_is_known,
  add constraint alert_resolution_is_known check (resolved_how in ('checked_in', 'closed', 'cancelled', 'attested')),
  add constraint only_a_miss_is_attested check (resolved_how <> 'attested' or kind = 'missed');

-- The owner itself is bound by the policies of sql/.
alter table data.notification_kinds no force row level security;
insert into data.notification_kinds (kind, priority, work_rank, about) values
  ('attested', 'normal', 60, 'a Contact says that they have seen or spoken to the Member, whose check-in is not asked for any more');
alter table data.notification_kinds force row level security;
