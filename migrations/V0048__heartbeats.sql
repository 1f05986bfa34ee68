-- R4.12 that a device is alive. No index on any of these columns: a heartbeat writes one page.
alter table data.devices
  add column seen_at timestamptz,
  add column battery_percent smallint constraint battery_is_0_to_100_percent check (battery_percent between 0 and 100),
  add column may_push boolean not null default true,
  add constraint battery_is_of_a_moment check (battery_percent is null or seen_at is not null);
comment on column data.devices.seen_at is 'R4.12 when it last said that it is alive. battery_percent: as it was then, null when it did not say.';
comment on column data.devices.may_push is 'R4.12 whether its user lets it show pushes, as far as it has said. What is sent to it goes there all the same; it covers nobody (R6.10).';
