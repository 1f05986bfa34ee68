create table data.escalation_policies (
  id uuid primary key default data.new_id(),
  member_id uuid constraint one_escalation_policy_per_member unique nulls not distinct references data.users (id) on delete cascade,
  repeat_minutes integer not null default 1440 constraint no_alert_falls_silent check (repeat_minutes between 5 and 1440)
);
comment on table data.escalation_policies is 'R6.3 how alerts escalate: one row without a member_id for everybody, and one for each Member who has their own. After the last of its rounds the same comes again every repeat_minutes, without an end.';

create table data.escalation_rounds (
  policy_id uuid not null references data.escalation_policies (id) on delete cascade,
  after_minutes integer not null constraint round_is_within_a_year check (after_minutes between 0 and 525600),
  whom text not null constraint round_is_for_known_people check (whom in ('primary', 'everyone')),
  has_call boolean not null,
  is_exhausting boolean not null default false,
  primary key (policy_id, after_minutes)
);
comment on table data.escalation_rounds is 'R6.3 a round so many minutes after the alert, as long as nobody has it. Push, e-mail and SMS always (R6.9); has_call: and an automated call. is_exhausting: then it goes to everyone, and operations are alarmed. The round of 0 minutes is the first.';

create table data.escalation_changes (
  id bigint generated always as identity primary key,
  changed_at timestamptz not null,
  changed_by text not null,
  before jsonb,
  after jsonb,
  constraint escalation_change_changes_something check (before is distinct from after)
);
comment on table data.escalation_changes is 'The history of data.escalation_policies and data.escalation_rounds: a row as it was and as it is.';

with new_policy as (
  insert into data.escalation_policies default values returning id)
insert into data.escalation_rounds (policy_id, after_minutes, whom, has_call, is_exhausting)
select p.id, r.after_minutes, r.whom, r.has_call, r.is_exhausting
  from new_policy p, (values
    (0, 'primary', false, false), (10, 'primary', true, false), (20, 'everyone', true, false), (30, 'everyone', true, false), (60, 'everyone', true, true),
    (120, 'everyone', true, false), (180, 'everyone', true, false), (240, 'everyone', true, false), (300, 'everyone', true, false), (360, 'everyone', true, false)
  ) as r (after_minutes, whom, has_call, is_exhausting);

-- The order of these columns is that of a row's life. An alert whose next step nobody has reckoned is due.
alter table data.alerts
  add column round integer not null default 1,
  add column next_step_at timestamptz not null default '-infinity',
  add column resumed_at timestamptz,
  add column owner_asked_at timestamptz,
  add column exhausted_at timestamptz;
comment on column data.alerts.next_step_at is 'R6.3, R6.4 when the next round is told; while somebody has it: when they are asked, or when the asking ends.';
comment on column data.alerts.resumed_at is 'R6.4 since then the rounds run anew, for everyone.';
create index alerts_next_step on data.alerts (next_step_at) where state <> 'resolved';

create table data.alert_rounds (
  alert_id uuid not null references data.alerts (id) on delete cascade,
  number integer not null constraint the_first_round_is_the_alert check (number > 1),
  kind text not null references data.notification_kinds (kind) on delete restrict,
  told_at timestamptz not null,
  whom text not null constraint round_was_for_known_people check (whom in ('primary', 'everyone')),
  has_call boolean not null,
  is_exhausting boolean not null,
  primary key (alert_id, number)
);
comment on table data.alert_rounds is 'R6.3, R6.8 the rounds that were told after the first, which came with the alert.';
create index alert_rounds_kind on data.alert_rounds (kind);

alter table data.notifications add column has_call boolean not null default false;
comment on column data.notifications.has_call is 'R6.3 its reader is called, too.';

alter table data.escalation_policies enable row level security;
alter table data.escalation_policies force row level security;
alter table data.escalation_rounds enable row level security;
alter table data.escalation_rounds force row level security;
alter table data.escalation_changes enable row level security;
alter table data.escalation_changes force row level security;
alter table data.alert_rounds enable row level security;
alter table data.alert_rounds force row level security;

-- The owner itself is bound by the policies of sql/.
alter table data.policies no force row level security;
alter table data.notification_kinds no force row level security;
insert into data.policies (key, value, unit, least, most, about) values
  ('owner_asked_after', 60, 'minutes', 5, 1440, 'R6.4 so long after somebody took an alert they are asked how it stands'),
  ('owner_answers_within', 15, 'minutes', 1, 240, 'R6.4 so long after the asking the alert escalates again');
insert into data.notification_kinds (kind, priority, work_rank, about) values
  ('still_open', 'critical', 35, 'a later round: nobody has the alert'),
  ('owner_asked', 'critical', 35, 'how does the alert stand that you have?');
alter table data.policies force row level security;
alter table data.notification_kinds force row level security;
