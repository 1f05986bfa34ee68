create table data.staff_roles (
  id uuid primary key default data.new_id(),
  user_id uuid not null references data.users (id) on delete cascade,
  role text not null constraint staff_role_is_known check (role in ('support', 'admin')),
  added_at timestamptz not null,
  added_by uuid references data.users (id) on delete set null,
  removed_at timestamptz,
  removed_by uuid references data.users (id) on delete set null,
  constraint staff_role_is_removed_by_somebody_at_some_time check (removed_by is null or removed_at is not null)
);
comment on table data.staff_roles is 'R1.4 who is staff, and who was. Somebody without added_by or removed_by did it on the command line.';
create unique index one_staff_role_per_user on data.staff_roles (user_id) where removed_at is null;
create index staff_roles_user on data.staff_roles (user_id);
create index staff_roles_added_by on data.staff_roles (added_by);
create index staff_roles_removed_by on data.staff_roles (removed_by);

alter table data.staff_roles enable row level security;
alter table data.staff_roles force row level security;

-- R1.4 what staff sends again is a delivery of its own: a state only moves up (R7.1), and a failure stays on record.
alter table data.deliveries add column resend_of uuid references data.deliveries (id) on delete cascade;
comment on column data.deliveries.resend_of is 'R1.4 the failed delivery that staff sent again by this one.';
create unique index one_resend_per_delivery on data.deliveries (resend_of) where resend_of is not null;
drop index data.one_delivery_per_place;
create unique index one_delivery_per_place on data.deliveries (notification_id, channel, address_id, device_id) where resend_of is null;
