create or replace function rules.raise_missed(obligation_ids uuid[], at timestamptz) returns setof data.alerts
language sql volatile security invoker set search_path = ''
as $$
  with missed as (
    update data.obligations o set state = 'missed', closed_at = at, remind_at = null
     where o.id = any (obligation_ids) and o.state = 'open' and o.alert_at <= at
    returning o.*),
  raised as (
    insert into data.alerts (member_id, kind, obligation_id, raised_at, next_step_at, facts)
    select m.member_id, 'missed', m.id, at, at + make_interval(mins => first.next_minutes),
           rules.alarm_facts(m.member_id, first.whom, m.time_zone) || jsonb_build_object(
             'due', rules.slot_shape(m),
             'late_by_seconds', case when at > m.alert_at + make_interval(secs => rules.policy('late_server')) then extract(epoch from at - m.alert_at)::integer end)
      from missed m cross join lateral rules.round_due(m.member_id, 0) first
    on conflict on constraint one_alert_per_obligation do nothing
    returning *),
  told as (
    insert into data.notifications (user_id, kind, cause, alert_id, created_at)
    select (c ->> 'id')::uuid, 'missed', r.id::text, r.id, at from raised r, jsonb_array_elements(r.facts -> 'contacts') c
    on conflict on constraint one_notification_per_user_and_cause do nothing)
  select * from raised
$$;
comment on function rules.raise_missed(uuid[], timestamptz) is 'R6.1 closes the obligations whose alert_at has passed as missed, with one alert each and what the Contacts of its first round are told: one statement, all or nothing. A trigger on notifications adds the deliveries.';
grant execute on function rules.raise_missed(uuid[], timestamptz) to pruuf_worker, pruuf_engine;

create or replace function rules.alarm_facts(member uuid, whom text, time_zone text) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
declare
  people record := rules.people_of_round(member, whom);
begin
  return jsonb_build_object(
    'member', rules.person_shape(member),
    'last_heard', (select jsonb_build_object('at', c.received_at, 'local', rules.iso_local(c.received_at, alarm_facts.time_zone))
                     from data.check_ins c where c.member_id = member order by c.received_at desc limit 1),
    'last_seen', rules.last_seen(member, alarm_facts.time_zone),
    'contacts', people.told, 'backups', people.backups);
end;
$$;
comment on function rules.alarm_facts(uuid, text, text) is 'R6.7 what the texts of every alarm say: who, when last heard of, when their phone was last alive (R4.12), who else is told, and (R3.5) who will be if it escalates.';
grant execute on function rules.alarm_facts(uuid, text, text) to pruuf_worker, pruuf_engine;

create or replace function rules.resolve_alert(alert uuid, how text, by uuid, at timestamptz, outcome text default null, note text default null) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  resolved data.alerts;
begin
  update data.alerts a
     set state = 'resolved', resolved_at = at, resolved_by = by, resolved_how = how, outcome = resolve_alert.outcome, note = resolve_alert.note
   where a.id = alert and a.state <> 'resolved'
  returning * into resolved;
  if not found then
    return;
  end if;
  perform rules.withdraw_alarm(resolved.id, at);
  perform rules.tell_all_clear(resolved, at, resolved.id::text);
end;
$$;
comment on function rules.resolve_alert(uuid, text, uuid, timestamptz, text, text) is 'R6.5 ends an alert once; the second call does nothing.';
grant execute on function rules.resolve_alert(uuid, text, uuid, timestamptz, text, text) to pruuf_engine;

create or replace function rules.withdraw_alarm(alert uuid, at timestamptz) returns void
language sql volatile security invoker set search_path = ''
as $$
  select rules.withdraw(array(
    select d.id from data.deliveries d join data.notifications n on n.id = d.notification_id
     where d.alert_id = alert and d.state in ('pending', 'sending') and n.kind <> 'all_clear'), at)
$$;
comment on function rules.withdraw_alarm(uuid, timestamptz) is 'R6.5 what was queued and not yet sent is cancelled; what is in a sender''s hand is not tried again.';
grant execute on function rules.withdraw_alarm(uuid, timestamptz) to pruuf_engine;

create or replace function rules.alarmed_by(alert data.alerts) returns setof uuid
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return query
  select p.user_id from data.alarm_places p where p.alert_id = alert.id and p.user_id <> alert.member_id
  union
  -- In a sender's hand: nobody knows.
  select n.user_id from data.deliveries d join data.notifications n on n.id = d.notification_id
   where d.alert_id = alert.id and d.state = 'sending' and n.kind <> 'all_clear' and n.user_id <> alert.member_id;
end;
$$;
comment on function rules.alarmed_by(data.alerts) is 'R6.5 everybody but the Member whom a message of this alert may have reached.';
grant execute on function rules.alarmed_by(data.alerts) to pruuf_engine;

create or replace function rules.tell_all_clear(resolved data.alerts, at timestamptz, cause text) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  readers jsonb;
begin
  with told as (
    insert into data.notifications (user_id, kind, cause, alert_id, facts, created_at)
    select n.user_id, 'all_clear', tell_all_clear.cause, resolved.id,
           jsonb_build_object(
             'how', resolved.resolved_how, 'outcome', resolved.outcome,
             -- Not for whoever has left since (R3.4).
             'note', case when exists (select from data.connections c where c.member_id = resolved.member_id and c.contact_id = n.user_id and c.ended_at is null) then resolved.note end,
             'tapped_local', (select rules.tapped_before(t.device_time, t.received_at, rules.alert_zone(resolved)) from data.check_ins t
                               where resolved.resolved_how = 'checked_in' and t.member_id = resolved.member_id and t.received_at = at
                               order by t.device_time limit 1),
             'at_local', rules.iso_local(at, rules.alert_zone(resolved)),
             'by', (select jsonb_build_object('id', u.id, 'name', u.name) from data.users u where u.id = resolved.resolved_by)),
           at
      from rules.alarmed_by(resolved) as n (user_id)
    on conflict on constraint one_notification_per_user_and_cause do nothing
    returning user_id)
  select coalesce(jsonb_agg(t.user_id), '[]') into readers from told t;
  perform audit.append('alert.all_clear_told', resolved.member_id, resolved.id, jsonb_build_object('told', readers));
end;
$$;
comment on function rules.tell_all_clear(data.alerts, timestamptz, text) is 'R6.5 everybody who was, or may have been, alerted is told that it is over; whoever had heard nothing hears nothing.';
grant execute on function rules.tell_all_clear(data.alerts, timestamptz, text) to pruuf_engine;

create or replace function rules.has_other_alert(alert data.alerts) returns boolean
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return exists (select from data.alerts o where o.member_id = alert.member_id and o.id <> alert.id and o.state <> 'resolved');
end;
$$;
comment on function rules.has_other_alert(data.alerts) is 'R6.5 whether all is not well though this alert is over: a miss may be over while a call for help is not.';
grant execute on function rules.has_other_alert(data.alerts) to pruuf_user, pruuf_worker, pruuf_engine;

create or replace function rules.tg_alerts__record() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  -- One that nobody had is nobody's still: its round is in the trail.
  if tg_op = 'UPDATE' and old.state = 'open' and new.state = 'open' then
    return null;
  end if;
  perform audit.append(case when new.state <> 'open' then 'alert.' || new.state when tg_op = 'INSERT' then 'alert.raised' else 'alert.released' end, new.member_id, new.id,
                       jsonb_strip_nulls(jsonb_build_object('how', new.resolved_how, 'outcome', new.outcome,
                         'told', case tg_op when 'INSERT' then (select jsonb_agg(c -> 'id') from jsonb_array_elements(new.facts -> 'contacts') c) end)));
  return null;
end;
$$;
alter function rules.tg_alerts__record() owner to pruuf_engine;
comment on function rules.tg_alerts__record() is 'R9.2 every step of an alert is in the trail.';

create or replace function rules.tg_alert_actions__stamp() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  new.taken_at := rules.clock();
  -- What can be refused is refused before a lock is taken, and the Member is locked before the row refers to the alert.
  if new.arrives_at not between new.taken_at - interval '5 minutes' and new.taken_at + interval '24 hours' then
    raise exception 'invalid' using errcode = 'UF422', detail = 'The arrival must lie within the next 24 hours.';
  end if;
  -- A closing that a constraint will refuse locks nobody.
  if rules.may_act_on(new.alert_id, new.user_id)
    and (new.action = 'close') = (new.outcome is not null)
    and coalesce(new.outcome in ('safe', 'false_alarm', 'got_help', 'other'), true)
    and coalesce(length(new.note) between 1 and 1000, true) then
    perform rules.lock_actor(new.alert_id, new.user_id);
  end if;
  -- Twice at one moment is once: the owner has said so already.
  if new.action = 'acknowledge' and exists (
    select from data.alerts a where a.id = new.alert_id and a.state = 'acknowledged'
       and a.acknowledged_by = new.user_id and a.owner_asked_at is null) then
    return null;
  end if;
  return new;
end;
$$;
alter function rules.tg_alert_actions__stamp() owner to pruuf_engine;
comment on function rules.tg_alert_actions__stamp() is 'R6.4 the server''s clock says when somebody acted; acts on the alerts of one Member come one after the other.';

create or replace function rules.may_act_on(alert uuid, person uuid) returns boolean
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return exists (
    select from data.alerts a
     where a.id = alert and (a.member_id = person or exists (
       select from data.connections c where c.member_id = a.member_id and c.contact_id = person and c.ended_at is null)));
end;
$$;
comment on function rules.may_act_on(uuid, uuid) is 'R6.4 whether somebody is the Member of an alert, or watches them now.';
grant execute on function rules.may_act_on(uuid, uuid) to pruuf_engine;

create or replace function rules.lock_actor(alert uuid, person uuid) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  member uuid := (select a.member_id from data.alerts a where a.id = alert);
begin
  -- Whoever is just becoming a Contact is told first, or sees what is done here.
  perform rules.lock_member(member);
  -- An end of the connection that is just being made is waited for, and waits for this.
  perform from data.connections c where c.member_id = member and c.contact_id = person and c.ended_at is null for share;
  if not found and person <> member then
    perform rules.refuse_unknown('alert');
  end if;
end;
$$;
comment on function rules.lock_actor(uuid, uuid) is 'R6.4 whoever acts on an alert is still its Member or a Contact of theirs, and is so until it is done: nobody who has left may have it.';
grant execute on function rules.lock_actor(uuid, uuid) to pruuf_engine;

create or replace function rules.tg_alert_actions__act() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
declare
  alert data.alerts;
begin
  if not rules.may_act_on(new.alert_id, new.user_id) then
    perform rules.refuse_unknown('alert');
  end if;
  select * into strict alert from data.alerts a where a.id = new.alert_id for no key update;
  if alert.state = 'resolved' then
    raise exception 'alert-is-over' using errcode = 'UF409', detail = 'This alert is already over.';
  elsif new.action = 'close' then
    perform rules.resolve_alert(alert.id, 'closed', new.user_id, new.taken_at, new.outcome, new.note);
  elsif new.action = 'cancel' then
    perform rules.resolve_alert(alert.id, 'cancelled', new.user_id, new.taken_at);
  elsif new.action = 'needs_more_help' then
    if alert.state = 'acknowledged' or alert.resumed_at is null or rules.may_tell_again(alert, new.taken_at) then
      perform rules.resume_escalation(alert, 'needs_more_help', new.user_id, new.taken_at);
    end if;
  elsif alert.state = 'acknowledged' and alert.acknowledged_by is distinct from new.user_id then
    raise exception 'alert-has-an-owner' using errcode = 'UF409', detail = 'Somebody else already has this alert.';
  else
    update data.alerts a
       set state = 'acknowledged', acknowledged_at = new.taken_at, acknowledged_by = new.user_id, arrives_at = new.arrives_at,
           owner_asked_at = null, next_step_at = new.taken_at + make_interval(mins => rules.policy('owner_asked_after'))
     where a.id = alert.id;
    -- Whoever was asked and still has it tells nobody anything new.
    if alert.state = 'open' then
      perform rules.tell_acknowledged(alert, new);
    end if;
  end if;
  return null;
end;
$$;
alter function rules.tg_alert_actions__act() owner to pruuf_engine;
comment on function rules.tg_alert_actions__act() is 'R6.4 the first acknowledgement wins, under the alert''s row lock, and needing more help tells everyone; R6.5, R6.2 a closing or the Member''s own cancelling ends it.';

create or replace function rules.tell_acknowledged(alert data.alerts, action data.alert_actions) returns void
language sql volatile security invoker set search_path = ''
as $$
  insert into data.notifications (user_id, kind, cause, alert_id, member_id, facts, created_at)
  select reader, 'acknowledged', alert.id || ':' || action.id, alert.id, alert.member_id,
         jsonb_build_object(
           'by', (select jsonb_build_object('id', u.id, 'name', u.name) from data.users u where u.id = action.user_id),
           'arrives_local', rules.iso_local(action.arrives_at, rules.alert_zone(alert))),
         action.taken_at
    from (select c.contact_id from data.connections c where c.member_id = alert.member_id and c.ended_at is null
          union select alert.member_id) as readers (reader)
   where reader <> action.user_id
  on conflict on constraint one_notification_per_user_and_cause do nothing
$$;
comment on function rules.tell_acknowledged(data.alerts, data.alert_actions) is 'R6.4 all other Contacts and the Member are told who has it.';
grant execute on function rules.tell_acknowledged(data.alerts, data.alert_actions) to pruuf_engine;

create or replace function rules.tell_of_open_alerts(member uuid, readers uuid[], occasion uuid, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  insert into data.notifications (user_id, kind, cause, alert_id, created_at)
  select reader, a.kind, a.id || ':' || occasion, a.id, at
    from data.alerts a, unnest(readers) as reader
   where a.member_id = member and a.state <> 'resolved'
  on conflict on constraint one_notification_per_user_and_cause do nothing;
  perform audit.append('alert.told', member, a.id, jsonb_build_object('told', to_jsonb(readers)))
     from data.alerts a where a.member_id = member and a.state <> 'resolved';
end;
$$;
comment on function rules.tell_of_open_alerts(uuid, uuid[], uuid, timestamptz) is 'R6.4 who joins while an alert is open, or is left with one whose owner went, is told of it.';
grant execute on function rules.tell_of_open_alerts(uuid, uuid[], uuid, timestamptz) to pruuf_engine;

create or replace function rules.release_alerts(member uuid, contact uuid, occasion uuid, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  update data.alerts a
     set state = 'open', acknowledged_at = null, acknowledged_by = null, arrives_at = null, owner_asked_at = null, exhausted_at = null,
         resumed_at = at, next_step_at = at + make_interval(mins => (rules.round_due(member, 0)).next_minutes)
   where a.member_id = member and a.state = 'acknowledged' and a.acknowledged_by = contact;
  if found then
    perform rules.tell_of_open_alerts(member, array(
      select c.contact_id from data.connections c where c.member_id = member and c.contact_id <> contact and c.ended_at is null), occasion, at);
  end if;
end;
$$;
comment on function rules.release_alerts(uuid, uuid, uuid, timestamptz) is 'R6.4 an alert whose owner is no Contact any more is nobody''s: it is open again, the others are told, and its rounds run anew.';
grant execute on function rules.release_alerts(uuid, uuid, uuid, timestamptz) to pruuf_engine;

create or replace function rules.tell_late_check_in(obligation uuid, tap data.check_ins) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  alert data.alerts;
begin
  select * into alert from data.alerts a where a.obligation_id = obligation and a.resolved_how in ('closed', 'attested');
  if found then
    alert.resolved_how := 'checked_in';
    alert.resolved_by := tap.member_id;
    alert.note := tap.note;
    perform rules.tell_all_clear(alert, tap.received_at, alert.id || ':checked_in');
  end if;
end;
$$;
comment on function rules.tell_late_check_in(uuid, data.check_ins) is 'R7.2 a check-in after a Contact has ended the alert: whoever was told that none had come is told that it came.';
grant execute on function rules.tell_late_check_in(uuid, data.check_ins) to pruuf_engine;
