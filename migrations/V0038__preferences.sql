create table data.preferences (
  user_id uuid primary key references data.users (id) on delete cascade,
  high_channels text[] not null default '{push,email,sms}'
    constraint high_messages_have_a_channel check (cardinality(high_channels) >= 1 and high_channels <@ '{push,email,sms}'),
  normal_channels text[] not null default '{push,email,sms}'
    constraint normal_messages_have_a_channel check (cardinality(normal_channels) >= 1 and normal_channels <@ '{push,email,sms}'),
  quiet_from time,
  quiet_until time,
  time_zone text,
  has_weekly_summary boolean not null default true,
  constraint quiet_hours_begin_and_end check ((quiet_from is null) = (quiet_until is null)),
  constraint quiet_hours_have_a_length check (quiet_from <> quiet_until),
  constraint quiet_hours_are_times_of_day check (quiet_from < '24:00' and quiet_until < '24:00')
);
comment on table data.preferences is 'R7.5 what somebody has chosen about messages that are not critical; none is the default of everything. Channels: which may be used, in the order of R7.2; where none of them reaches, the others are. Quiet hours that end before they begin span midnight. time_zone: where they are read; without one, the zone of the schedule.';
alter table data.preferences enable row level security;
alter table data.preferences force row level security;

-- The owner itself is bound by the policies of sql/.
alter table data.notification_kinds no force row level security;
alter table data.notification_kinds add column is_urgent boolean not null default false;
comment on column data.notification_kinds.is_urgent is 'R7.5 no quiet hours hold it back, though it is not critical.';
-- A reminder that comes late is a false alert; who has an open alert must be known; a PIN that somebody else changed, too.
update data.notification_kinds set is_urgent = true where kind in ('reminder', 'acknowledged', 'pin_changed');
alter table data.notification_kinds force row level security;
