alter table data.alerts
  alter column obligation_id drop not null,
  drop constraint alert_kind_is_known,
  add constraint alert_kind_is_known check (kind in ('missed', 'help')),
  add constraint a_missed_alert_has_its_obligation check ((kind = 'missed') = (obligation_id is not null)),
  drop constraint alert_resolution_is_known,
  add constraint alert_resolution_is_known check (resolved_how in ('checked_in', 'closed', 'cancelled')),
  add constraint only_help_is_cancelled check (resolved_how <> 'cancelled' or kind = 'help');
comment on table data.alerts is 'R6.1 one for each missed obligation, by a unique key; R6.2 one at a time for a Member who asks for help. facts: what was known when it was raised, for the texts (R6.7).';
create unique index one_open_call_for_help_per_member on data.alerts (member_id) where kind = 'help' and state <> 'resolved';

alter table data.alert_actions
  drop constraint alert_action_is_known,
  add constraint alert_action_is_known check (action in ('acknowledge', 'needs_more_help', 'close', 'cancel'));
comment on table data.alert_actions is 'R6.2, R6.4, R6.5 what a person did about an alert; a trigger draws the consequences.';

create table data.help_requests (
  id uuid primary key default data.new_id(),
  member_id uuid not null references data.users (id) on delete cascade,
  alert_id uuid not null references data.alerts (id) on delete cascade,
  requested_at timestamptz not null
);
comment on table data.help_requests is 'R6.2 every press of "I need help". A trigger raises its alert, or adds to the one that is open.';
create index help_requests_member on data.help_requests (member_id, id desc);
create index help_requests_alert on data.help_requests (alert_id);
alter table data.help_requests enable row level security;
alter table data.help_requests force row level security;

-- The owner itself is bound by the policies of sql/.
alter table data.policies no force row level security;
alter table data.notification_kinds no force row level security;
insert into data.policies (key, value, unit, least, most, about) values
  ('told_again_after', 60, 'seconds', 0, 600, 'R6.2, R6.4 who asks for help, or for more, again within it tells nobody a second time: it is one act');
insert into data.notification_kinds (kind, priority, work_rank, about) values
  ('help', 'critical', 10, 'a watched Member asks for help'),
  ('needs_more_help', 'critical', 10, 'a Contact says that a Member needs more help');
alter table data.policies force row level security;
alter table data.notification_kinds force row level security;
