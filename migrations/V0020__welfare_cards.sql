create table data.welfare_cards (
  user_id uuid primary key references data.users (id) on delete cascade,
  sealed bytea not null constraint welfare_card_is_at_most_64_kib check (octet_length(sealed) <= 65536),
  is_always_shown boolean not null default false,
  changed_at timestamptz not null
);
comment on table data.welfare_cards is 'R1.5 what Contacts need to get in and to help, as one ciphertext (R9.3) that opens only for this user_id. Shown while an alert is open, or always.';

create table data.welfare_card_looks (
  id uuid primary key default data.new_id(),
  member_id uuid not null references data.welfare_cards (user_id) on delete cascade,
  looked_by uuid not null references data.users (id) on delete cascade,
  looked_at timestamptz not null,
  constraint a_look_is_somebody_elses check (member_id <> looked_by)
);
comment on table data.welfare_card_looks is 'R1.5 every look of a Contact at a welfare card; a trigger writes it into the trail.';
create index welfare_card_looks_member on data.welfare_card_looks (member_id, id desc);
create index welfare_card_looks_looked_by on data.welfare_card_looks (looked_by);

alter table data.welfare_cards enable row level security;
alter table data.welfare_cards force row level security;
alter table data.welfare_card_looks enable row level security;
alter table data.welfare_card_looks force row level security;
