create or replace function rules.slot_shape(o data.obligations) returns jsonb
language plpgsql stable parallel safe security invoker set search_path = ''
as $$
begin
  return jsonb_build_object(
    'local_on', case when o.postponed_minutes is null then o.local_on else (o.due_at at time zone o.time_zone)::date end,
    'local_time', case when o.postponed_minutes is null then o.local_time else (o.due_at at time zone o.time_zone)::time end,
    'time_zone', o.time_zone, 'at', o.due_at);
end;
$$;
comment on function rules.slot_shape(data.obligations) is 'What was due, in the words of an alert''s facts; R4.10 if it was put off, by the time that it was put off to.';
grant execute on function rules.slot_shape(data.obligations) to pruuf_user, pruuf_worker, pruuf_engine;

create or replace function rules.obligation_shape(o data.obligations) returns jsonb
language plpgsql stable parallel safe security invoker set search_path = ''
as $$
begin
  return case when o.id is not null then jsonb_build_object(
    'id', o.id, 'local_on', o.local_on, 'local_time', to_char(o.local_time, 'HH24:MI'), 'time_zone', o.time_zone,
    'opens_at', o.opens_at, 'due_at', o.due_at, 'alert_at', o.alert_at, 'state', o.state, 'postponed_minutes', o.postponed_minutes) end;
end;
$$;
comment on function rules.obligation_shape(data.obligations) is 'An obligation as the API shows it.';
grant execute on function rules.obligation_shape(data.obligations) to pruuf_user, pruuf_engine;

create or replace function rules.schedule_shape(s data.schedules) returns jsonb
language sql stable parallel safe security invoker set search_path = ''
as $$
  select jsonb_build_object(
    'local_times', (select jsonb_agg(to_char(t, 'HH24:MI') order by t) from unnest(s.local_times) as t),
    'time_zone', s.time_zone, 'weekdays', to_jsonb(s.weekdays), 'grace_minutes', s.grace_minutes,
    'reminders', to_jsonb(s.reminders), 'created_at', s.created_at)
$$;
comment on function rules.schedule_shape(data.schedules) is 'A schedule as the API shows it.';
grant execute on function rules.schedule_shape(data.schedules) to pruuf_user, pruuf_engine;

create or replace function rules.person_shape(person uuid) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return (select jsonb_build_object('id', u.id, 'name', u.name) from data.users u where u.id = person);
end;
$$;
comment on function rules.person_shape(uuid) is 'Another user as far as the caller may see them; null beyond that.';
grant execute on function rules.person_shape(uuid) to pruuf_user, pruuf_worker, pruuf_engine;

create or replace function rules.check_in_shape(c data.check_ins) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return jsonb_build_object(
    'id', c.id, 'received_at', c.received_at, 'method', c.method, 'device_time', c.device_time, 'note', c.note, 'mood', c.mood,
    'met', coalesce((select jsonb_agg(rules.obligation_shape(o) order by o.due_at)
                       from data.obligations_met m join data.obligations o on o.id = m.obligation_id
                      where m.check_in_id = c.id), '[]'));
end;
$$;
comment on function rules.check_in_shape(data.check_ins) is 'A check-in and what it met.';
grant execute on function rules.check_in_shape(data.check_ins) to pruuf_user, pruuf_engine;

create or replace function rules.tapped_before(device_time timestamptz, received_at timestamptz, time_zone text) returns text
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return case when device_time < received_at - make_interval(mins => rules.policy('clock_difference_told')) then rules.iso_local(device_time, tapped_before.time_zone) end;
end;
$$;
comment on function rules.tapped_before(timestamptz, timestamptz, text) is 'R4.5 when a check-in that waited in a queue was made, by the device''s clock; null when it came at once. It counts when it comes, and whoever hears of it hears this.';
grant execute on function rules.tapped_before(timestamptz, timestamptz, text) to pruuf_worker, pruuf_engine;

create or replace function rules.alert_shape(a data.alerts) returns jsonb
language sql stable security invoker set search_path = ''
as $$
  select jsonb_build_object(
    'id', a.id, 'kind', a.kind, 'state', a.state, 'raised_at', a.raised_at,
    'member', a.facts -> 'member', 'due', a.facts -> 'due', 'last_heard', a.facts -> 'last_heard', 'last_seen', a.facts -> 'last_seen', 'contacts', a.facts -> 'contacts',
    'backups', coalesce(a.facts -> 'backups', '[]'), 'round', a.round, 'next_round_at', case when a.state = 'open' and isfinite(a.next_step_at) then a.next_step_at end, 'exhausted_at', a.exhausted_at,
    'obligation_id', a.obligation_id, 'late_by_seconds', a.facts -> 'late_by_seconds',
    'acknowledged_at', a.acknowledged_at, 'acknowledged_by', rules.named_in(a, a.acknowledged_by), 'arrives_at', a.arrives_at,
    'resolved_at', a.resolved_at, 'resolved_by', rules.named_in(a, a.resolved_by), 'resolved_how', a.resolved_how,
    'outcome', a.outcome, 'note', a.note)
$$;
comment on function rules.alert_shape(data.alerts) is 'An alert as the Member and the Contacts see it.';
grant execute on function rules.alert_shape(data.alerts) to pruuf_user, pruuf_engine;

create or replace function rules.named_in(a data.alerts, person uuid) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return case when person is not null then coalesce(
    (select c from jsonb_array_elements(a.facts -> 'contacts' || coalesce(a.facts -> 'backups', '[]') || (a.facts -> 'member')) as c where c ->> 'id' = person::text limit 1),
    rules.person_shape(person)) end;
end;
$$;
comment on function rules.named_in(data.alerts, uuid) is 'Who acted on an alert: named as the alert knows them, since Contacts cannot see each other''s rows.';
grant execute on function rules.named_in(data.alerts, uuid) to pruuf_user, pruuf_worker, pruuf_engine;

create or replace function rules.page(items jsonb[], size integer) returns jsonb
language sql immutable parallel safe security invoker set search_path = ''
as $$
  select jsonb_build_object(
    'items', coalesce(to_jsonb(items[1:size]), '[]'),
    'next_cursor', case when cardinality(items) > size then items[size] -> 'id' end)
$$;
comment on function rules.page(jsonb[], integer) is 'A page of a list from one item more than it holds; the cursor is the id of its last item.';
grant execute on function rules.page(jsonb[], integer) to pruuf_user, pruuf_engine;
