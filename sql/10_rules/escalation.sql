create or replace function rules.round_due(member uuid, minutes integer, out whom text, out has_call boolean, out has_exhausted boolean, out next_minutes integer)
language plpgsql stable security invoker set search_path = ''
as $$
declare
  policy data.escalation_policies;
  last integer;
  every integer;
begin
  select p.* into policy from data.escalation_policies p
   where p.member_id = member and exists (select from data.escalation_rounds r where r.policy_id = p.id);
  if not found then
    select p.* into policy from data.escalation_policies p
     where p.member_id is null and exists (select from data.escalation_rounds r where r.policy_id = p.id);
  end if;
  select r.whom, r.has_call into whom, has_call from data.escalation_rounds r
   where r.policy_id = policy.id and r.after_minutes <= round_due.minutes order by r.after_minutes desc limit 1;
  select min(r.after_minutes) filter (where r.after_minutes > round_due.minutes), max(r.after_minutes),
         bool_or(r.is_exhausting and r.after_minutes <= round_due.minutes)
    into next_minutes, last, has_exhausted
    from data.escalation_rounds r where r.policy_id = policy.id;
  if next_minutes is null then
    -- Whoever has deleted all of them has still not made anybody fall silent.
    last := coalesce(last, 0);
    every := coalesce(policy.repeat_minutes, 60);
    next_minutes := last + every * ((round_due.minutes - last) / every + 1);
  end if;
  whom := coalesce(whom, 'everyone');
  has_call := coalesce(has_call, round_due.minutes > 0);
  has_exhausted := coalesce(has_exhausted, round_due.minutes >= 60);
end;
$$;
comment on function rules.round_due(uuid, integer) is 'R6.3 which round of a Member''s escalation is due so many minutes after its begin, by their own policy or the one of all; whether it is exhausted by then; and after how many minutes the next one comes, for ever.';
grant execute on function rules.round_due(uuid, integer) to pruuf_worker, pruuf_engine;

create or replace function rules.people_of_round(member uuid, whom text, out told jsonb, out backups jsonb)
language plpgsql stable security invoker set search_path = ''
as $$
begin
  select coalesce(jsonb_agg(p.person order by p.connected_at, p.id) filter (where p.is_told), '[]'),
         coalesce(jsonb_agg(p.person order by p.connected_at, p.id) filter (where not p.is_told), '[]')
    into told, backups
    from (
      select jsonb_build_object('id', u.id, 'name', u.name) as person, c.connected_at, c.id,
             people_of_round.whom = 'everyone' or c.tier = 'primary' or not bool_or(c.tier = 'primary') over () as is_told
        from data.connections c join data.users u on u.id = c.contact_id
       where c.member_id = member and c.ended_at is null) as p;
end;
$$;
comment on function rules.people_of_round(uuid, text) is 'R3.5 the Contacts whom a round tells, and those whom it does not: backups. Where nobody is primary it tells everyone.';
grant execute on function rules.people_of_round(uuid, text) to pruuf_worker, pruuf_engine;

create or replace function rules.due_alert_steps(at timestamptz, most integer) returns uuid[]
language sql volatile security definer set search_path = ''
as $$
  select array(
    select a.id from data.alerts a
     where a.state <> 'resolved' and a.next_step_at <= at
       and not exists (select from data.set_asides s where s.job = 'escalate' and s.row_id = a.id)
     order by a.next_step_at limit most for no key update skip locked)
$$;
alter function rules.due_alert_steps(timestamptz, integer) owner to pruuf_engine;
comment on function rules.due_alert_steps(timestamptz, integer) is 'R6.3 the alerts whose next step is due, locked: those that nobody else holds. security definer: the worker may not lock an alert.';
grant execute on function rules.due_alert_steps(timestamptz, integer) to pruuf_worker;

create or replace function rules.lock_alerts(ids uuid[]) returns uuid[]
language plpgsql volatile security definer set search_path = ''
as $$
begin
  return array(select a.id from data.alerts a where a.id = any (ids) order by a.id for no key update skip locked);
end;
$$;
alter function rules.lock_alerts(uuid[]) owner to pruuf_engine;
comment on function rules.lock_alerts(uuid[]) is 'R9.5 locks those of these alerts that no other session holds, and gives them. security definer: the worker may not lock an alert.';
grant execute on function rules.lock_alerts(uuid[]) to pruuf_worker;

create or replace function rules.step_alert(alert uuid, at timestamptz) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  due data.alerts;
begin
  select * into due from data.alerts a
   where a.id = step_alert.alert and a.state <> 'resolved' and a.next_step_at <= at for no key update;
  return case when found then rules.take_step(due, at) else jsonb_build_object() end;
end;
$$;
alter function rules.step_alert(uuid, timestamptz) owner to pruuf_engine;
comment on function rules.step_alert(uuid, timestamptz) is 'R6.3, R6.4 takes the step of an alert whose step is due. security definer: the worker may not touch an alert.';
grant execute on function rules.step_alert(uuid, timestamptz) to pruuf_worker;

create or replace function rules.take_step(alert data.alerts, at timestamptz) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  began_at timestamptz := coalesce(alert.resumed_at, alert.raised_at);
  due record;
  exhausts boolean;
  told integer;
begin
  if alert.state = 'acknowledged' and alert.owner_asked_at is null and alert.acknowledged_by is not null then
    perform rules.ask_owner(alert, at);
    return jsonb_build_object('step', 'owner_asked', 'told', 1);
  elsif alert.state = 'acknowledged' then
    return jsonb_build_object('step', 'resumed', 'told', rules.resume_escalation(alert, 'still_open', null, at));
  end if;
  -- A round that was missed in an outage is not made up for: the one that is due now says all.
  due := rules.round_due(alert.member_id, floor(extract(epoch from at - began_at) / 60)::integer);
  exhausts := due.has_exhausted and alert.exhausted_at is null;
  update data.alerts a
     set round = a.round + 1, next_step_at = began_at + make_interval(mins => due.next_minutes),
         exhausted_at = case when exhausts then at else a.exhausted_at end
   where a.id = alert.id;
  told := rules.tell_round(alert, 'still_open', case when exhausts or alert.resumed_at is not null then 'everyone' else due.whom end,
                           due.has_call, exhausts, null, at);
  return jsonb_build_object('step', 'round', 'told', told, 'exhausted', exhausts);
end;
$$;
comment on function rules.take_step(data.alerts, timestamptz) is 'R6.3 the next round of an open alert; R6.4 of one that somebody has: they are asked, and if nothing follows it is open again.';
grant execute on function rules.take_step(data.alerts, timestamptz) to pruuf_engine;

create or replace function rules.tell_round(alert data.alerts, kind text, whom text, has_call boolean, is_exhausting boolean, by uuid, at timestamptz) returns integer
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  number integer := alert.round + 1;
  people jsonb := (rules.people_of_round(alert.member_id, whom)).told;
  readers uuid[] := array(select (p ->> 'id')::uuid from jsonb_array_elements(people) p where p ->> 'id' is distinct from by::text);
begin
  insert into data.alert_rounds (alert_id, number, kind, told_at, whom, has_call, is_exhausting)
  values (alert.id, number, tell_round.kind, at, tell_round.whom, tell_round.has_call, tell_round.is_exhausting);
  -- What still waits from the rounds before would say the same beside it; what is in a sender's hand is not tried again.
  -- What another session has locked just now stays: twice is better than late.
  perform rules.withdraw(array(
    select d.id from data.deliveries d join data.notifications n on n.id = d.notification_id
     where d.alert_id = alert.id and d.state in ('pending', 'sending')
       and n.user_id = any (readers) and n.kind not in ('all_clear', 'acknowledged', 'owner_asked')
     order by d.id for no key update of d skip locked), at);
  insert into data.notifications (user_id, kind, cause, alert_id, facts, has_call, created_at)
  select reader, tell_round.kind, alert.id || ':' || number, alert.id,
         jsonb_build_object('round', number, 'contacts', people, 'is_exhausting', tell_round.is_exhausting, 'open_for_seconds', extract(epoch from at - alert.raised_at)::integer,
                            'by', rules.named_in(alert, tell_round.by), 'had_by', rules.named_in(alert, alert.acknowledged_by)),
         tell_round.has_call, at
    from unnest(readers) as reader;
  perform audit.append('alert.round_told', alert.member_id, alert.id,
                       jsonb_build_object('round', number, 'told', to_jsonb(readers), 'is_exhausting', tell_round.is_exhausting));
  return cardinality(readers);
end;
$$;
comment on function rules.tell_round(data.alerts, text, text, boolean, boolean, uuid, timestamptz) is 'R6.3 a round after the first: each of its people once, everywhere. by: who set it off needs not be told. alert: as it was before the round. Gives how many are told.';
grant execute on function rules.tell_round(data.alerts, text, text, boolean, boolean, uuid, timestamptz) to pruuf_engine;

create or replace function rules.resume_escalation(alert data.alerts, kind text, by uuid, at timestamptz) returns integer
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  update data.alerts a
     set state = 'open', acknowledged_at = null, acknowledged_by = null, arrives_at = null, owner_asked_at = null, exhausted_at = null,
         round = a.round + 1, resumed_at = at, next_step_at = at + make_interval(mins => (rules.round_due(a.member_id, 0)).next_minutes)
   where a.id = alert.id;
  return rules.tell_round(alert, kind, 'everyone', true, false, by, at);
end;
$$;
comment on function rules.resume_escalation(data.alerts, text, uuid, timestamptz) is 'R6.4 nobody has it any more: a round at once for everyone, and from now on the rounds run anew.';
grant execute on function rules.resume_escalation(data.alerts, text, uuid, timestamptz) to pruuf_engine;

create or replace function rules.ask_owner(alert data.alerts, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  goes_on_at timestamptz := at + make_interval(mins => rules.policy('owner_answers_within'));
begin
  update data.alerts a set owner_asked_at = at, next_step_at = goes_on_at where a.id = alert.id;
  insert into data.notifications (user_id, kind, cause, alert_id, facts, created_at)
  values (alert.acknowledged_by, 'owner_asked', alert.id || ':' || at, alert.id,
          jsonb_build_object('had_for_seconds', extract(epoch from at - alert.acknowledged_at)::integer,
                             'answers_within_seconds', extract(epoch from goes_on_at - at)::integer), at);
  perform audit.append('alert.owner_asked', alert.member_id, alert.id, jsonb_build_object('told', jsonb_build_array(alert.acknowledged_by)));
end;
$$;
comment on function rules.ask_owner(data.alerts, timestamptz) is 'R6.4 whoever has had an alert for [60] minutes is asked how it stands; [15] minutes later it goes on.';
grant execute on function rules.ask_owner(data.alerts, timestamptz) to pruuf_engine;

create or replace function rules.tell_new_primaries(member uuid) returns void
language plpgsql volatile security definer set search_path = ''
as $$
begin
  insert into data.notifications (user_id, kind, cause, alert_id, created_at)
  select c.contact_id, a.kind, a.id::text, a.id, rules.clock()
    from data.alerts a join data.connections c on c.member_id = a.member_id
   where a.member_id = member and a.state <> 'resolved' and c.tier = 'primary' and c.ended_at is null
     and not exists (select from data.notifications n where n.alert_id = a.id and n.user_id = c.contact_id and n.kind not in ('acknowledged', 'all_clear'))
  on conflict on constraint one_notification_per_user_and_cause do nothing;
end;
$$;
alter function rules.tell_new_primaries(uuid) owner to pruuf_engine;
comment on function rules.tell_new_primaries(uuid) is 'R3.5 whoever is primary and has not been told of an alert that is open is told at once. security definer: the worker may not tell of a call for help.';
grant execute on function rules.tell_new_primaries(uuid) to pruuf_worker;

create or replace function rules.tg_connections__catch_up() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  perform rules.tell_new_primaries(new.member_id);
  -- An alert that is raised before this is committed tells those who were primary: jobs.follow_coverage looks again.
  perform rules.mark_coverage(new.member_id);
  return null;
end;
$$;
alter function rules.tg_connections__catch_up() owner to pruuf_engine;
comment on function rules.tg_connections__catch_up() is 'R3.5 a backup who becomes primary while an alert is open, also because the last primary left, is told of it at once.';

create or replace function rules.tg_escalation_rounds__record() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  insert into data.escalation_changes (changed_at, changed_by, before, after)
  values (rules.clock(), session_user, case when tg_op <> 'INSERT' then to_jsonb(old) end, case when tg_op <> 'DELETE' then to_jsonb(new) end);
  return null;
end;
$$;
alter function rules.tg_escalation_rounds__record() owner to pruuf_engine;
comment on function rules.tg_escalation_rounds__record() is 'R6.3 every change of a round is kept.';

create or replace function rules.tg_escalation_policies__record() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  insert into data.escalation_changes (changed_at, changed_by, before, after)
  values (rules.clock(), session_user, case when tg_op <> 'INSERT' then to_jsonb(old) end, case when tg_op <> 'DELETE' then to_jsonb(new) end);
  return null;
end;
$$;
alter function rules.tg_escalation_policies__record() owner to pruuf_engine;
comment on function rules.tg_escalation_policies__record() is 'R6.3 every change of an escalation policy is kept.';
