create table data.alerts (
  id uuid primary key default data.new_id(),
  member_id uuid not null references data.users (id) on delete cascade,
  kind text not null constraint alert_kind_is_known check (kind in ('missed')),
  obligation_id uuid not null constraint one_alert_per_obligation unique references data.obligations (id) on delete cascade,
  state text not null default 'open' constraint alert_state_is_known check (state in ('open', 'acknowledged', 'resolved')),
  raised_at timestamptz not null,
  facts jsonb not null,
  acknowledged_at timestamptz,
  acknowledged_by uuid references data.users (id) on delete set null,
  arrives_at timestamptz,
  resolved_at timestamptz,
  resolved_by uuid references data.users (id) on delete set null,
  resolved_how text constraint alert_resolution_is_known check (resolved_how in ('checked_in', 'closed')),
  outcome text constraint alert_outcome_is_known check (outcome in ('safe', 'false_alarm', 'got_help', 'other')),
  note text constraint alert_note_is_1_to_1000_characters check (length(note) between 1 and 1000),
  constraint alert_acknowledged_is_whole check (state <> 'acknowledged' or acknowledged_at is not null),
  constraint alert_resolved_is_whole check ((state = 'resolved') = (resolved_at is not null) and (resolved_at is null) = (resolved_how is null)),
  constraint alert_outcome_is_of_a_closing check (resolved_how is distinct from 'closed' or outcome is not null)
);
comment on table data.alerts is 'R6.1 one for each missed obligation, by a unique key. facts: what was known when it was raised, for the texts (R6.7).';
create index alerts_member on data.alerts (member_id, id desc);
create index alerts_unresolved on data.alerts (member_id) where state <> 'resolved';
create index alerts_acknowledged_by on data.alerts (acknowledged_by);
create index alerts_resolved_by on data.alerts (resolved_by);

create table data.alert_actions (
  id uuid primary key default data.new_id(),
  alert_id uuid not null references data.alerts (id) on delete cascade,
  user_id uuid not null references data.users (id) on delete cascade,
  action text not null constraint alert_action_is_known check (action in ('acknowledge', 'close')),
  taken_at timestamptz not null,
  arrives_at timestamptz,
  outcome text constraint closing_outcome_is_known check (outcome in ('safe', 'false_alarm', 'got_help', 'other')),
  note text constraint closing_note_is_1_to_1000_characters check (length(note) between 1 and 1000),
  constraint only_an_acknowledgement_has_an_arrival check (action = 'acknowledge' or arrives_at is null),
  constraint a_closing_has_an_outcome check ((action = 'close') = (outcome is not null)),
  constraint only_a_closing_has_a_note check (action = 'close' or note is null)
);
comment on table data.alert_actions is 'R6.4, R6.5 what a person did about an alert; a trigger draws the consequences.';
create index alert_actions_alert on data.alert_actions (alert_id, id);
create index alert_actions_user on data.alert_actions (user_id);

alter table data.alerts enable row level security;
alter table data.alerts force row level security;
alter table data.alert_actions enable row level security;
alter table data.alert_actions force row level security;
