-- R6.5, R9.5 ending an alert must not depend on how long it lasted: where its alarm may have arrived is kept, each place once.
create table data.alarm_places (
  alert_id uuid not null references data.alerts (id) on delete cascade,
  user_id uuid not null references data.users (id) on delete cascade,
  channel text not null constraint alarm_channel_is_known
    check (channel in ('push', 'email', 'sms', 'voice', 'webhook')),
  place_id uuid not null,
  primary key (alert_id, user_id, channel, place_id)
);
comment on table data.alarm_places is 'R6.5 where the messages of an alert may have arrived: whoever is listed here is told of its end, there. place_id: an address, a device or a webhook; without a foreign key, since a place that is removed leaves its reader.';
create index alarm_places_user on data.alarm_places (user_id);
alter table data.alarm_places enable row level security;
alter table data.alarm_places force row level security;

alter table data.deliveries add column alert_id uuid;
comment on column data.deliveries.alert_id is 'R9.5 the alert of its notification, so that what is not settled of an alert is found without reading all that is. No foreign key: the notification has it.';

-- The owner itself is bound by the policies of sql/.
alter table data.deliveries no force row level security;
alter table data.notifications no force row level security;
alter table data.alerts no force row level security;
alter table data.webhook_events no force row level security;
alter table data.alarm_places no force row level security;
update data.deliveries d set alert_id = n.alert_id
  from data.notifications n
 where d.state in ('pending', 'sending') and n.id = d.notification_id and n.alert_id is not null;
insert into data.alarm_places (alert_id, user_id, channel, place_id)
select a.id, n.user_id, d.channel, coalesce(d.address_id, d.device_id, d.id)
  from data.alerts a
  join data.notifications n on n.alert_id = a.id and n.user_id is not null
  join data.deliveries d on d.notification_id = n.id
 where (a.state <> 'resolved' or a.resolved_at > now() - interval '3 days')
   and (d.may_have_arrived or d.state in ('accepted', 'delivered', 'confirmed'))
union
select a.id, n.user_id, 'webhook', e.webhook_id
  from data.alerts a
  join data.notifications n on n.alert_id = a.id and n.user_id is not null
  join data.webhook_events e on e.notification_id = n.id and e.attempts > 0
 where a.state <> 'resolved' or a.resolved_at > now() - interval '3 days';
alter table data.deliveries force row level security;
alter table data.notifications force row level security;
alter table data.alerts force row level security;
alter table data.webhook_events force row level security;
alter table data.alarm_places force row level security;

create index deliveries_unsettled_alert on data.deliveries (alert_id)
  where alert_id is not null and state in ('pending', 'sending');
create index deliveries_unsettled_place on data.deliveries (coalesce(address_id, device_id))
  where state in ('pending', 'sending');
-- What one address got lately, without what it got in years.
create index deliveries_of_address on data.deliveries (address_id, created_at) where address_id is not null;
drop index data.deliveries_address;

-- Whom an alert has told, and what lately.
create index notifications_alert_reader on data.notifications (alert_id, user_id, created_at) where alert_id is not null;
drop index data.notifications_alert;

create index alerts_unresolved_since on data.alerts (raised_at) where state <> 'resolved';

-- R9.5 a message takes no lock on the place that it goes to, and a place that is removed rewrites no years of deliveries. A
-- delivery whose place is gone is cancelled when it is claimed.
alter table data.deliveries drop constraint deliveries_address_id_fkey;
alter table data.deliveries drop constraint deliveries_device_id_fkey;
drop index data.deliveries_device;

-- An alert whose reach nobody has checked is due: one range of the index, instead of two.
alter table data.alerts alter column reach_check_at set default '-infinity';
alter table data.alerts no force row level security;
update data.alerts set reach_check_at = '-infinity' where state <> 'resolved' and reach_check_at is null;
alter table data.alerts force row level security;
drop index data.alerts_reach_check;
create index alerts_reach_check on data.alerts (reach_check_at) where state <> 'resolved';
