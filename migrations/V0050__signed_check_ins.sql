-- R4.11
alter table data.devices
  add column public_key bytea constraint public_key_is_an_uncompressed_point check (octet_length(public_key) = 65 and get_byte(public_key, 0) = 4);
comment on column data.devices.public_key is 'R4.11 of ECDSA on P-256, as an uncompressed point (SEC 1, 2.3.3): what this device signs its check-ins with.';

create table data.signatures (
  check_in_id uuid primary key references data.check_ins (id) on delete cascade,
  device_id uuid references data.devices (id) on delete set null,
  signed_at timestamptz,
  signed_on date,
  state text not null constraint signature_state_is_known check (state in ('verified', 'unverified', 'wrong'))
);
comment on table data.signatures is 'R4.11 what became of the signature of a check-in; one without has no row. verified: by a key of the Member''s, for the day it counts for, and not used before. unverified: right, but for another day, or used before. wrong: of no key that is registered, or of something else. The check-in counts in any case.';
create index signatures_device on data.signatures (device_id, signed_at);
alter table data.signatures enable row level security;
alter table data.signatures force row level security;
