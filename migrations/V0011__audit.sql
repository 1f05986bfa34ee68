create table audit.events (
  id bigint generated always as identity,
  at timestamptz not null,
  actor text not null,
  actor_user_id uuid,
  subject_user_id uuid,
  action text not null constraint audit_action_is_a_name check (action ~ '^[a-z][a-z0-9_.]*$'),
  object_id uuid,
  request_id text,
  ip inet,
  details jsonb not null default '{}'
) partition by range (at);
comment on table audit.events is 'R9.2 who did what to whom, when, from where. Ids only: no name, address, PIN, code, token or text. No foreign keys: the trail outlives what it speaks of.';
create index events_subject on audit.events (subject_user_id, at);
create index events_actor on audit.events (actor_user_id, at);
create index events_object on audit.events (object_id);

create table audit.events_else partition of audit.events default;
do $$
declare
  month date;
begin
  for month in select generate_series(date '2026-01-01', date '2031-12-01', interval '1 month')::date loop
    execute format('create table audit.%I partition of audit.events for values from (%L) to (%L)',
      'events_' || to_char(month, 'YYYY_MM'), month || ' 00:00+00', (month + interval '1 month')::date || ' 00:00+00');
  end loop;
end;
$$;

alter table audit.events enable row level security;
alter table audit.events force row level security;
do $$
declare
  part regclass;
begin
  for part in select inhrelid from pg_inherits where inhparent = 'audit.events'::regclass loop
    execute format('alter table %s enable row level security', part);
    execute format('alter table %s force row level security', part);
  end loop;
end;
$$;
