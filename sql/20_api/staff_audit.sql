create or replace function rules.event_shape(e audit.events, reader uuid default null) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return jsonb_build_object(
    'id', (extract(epoch from e.at) * 1000000)::bigint || '-' || e.id, 'at', e.at, 'actor', e.actor, 'actor_user_id', e.actor_user_id,
    'subject_user_id', e.subject_user_id, 'action', e.action, 'object_id', e.object_id, 'request_id', e.request_id,
    'ip', case when reader is null or coalesce(e.actor_user_id, e.subject_user_id) = reader then host(e.ip) end, 'details', e.details);
end;
$$;
comment on function rules.event_shape(audit.events, uuid) is 'R9.2 a row of the trail; for a user as its reader, from where others acted is left out.';
grant execute on function rules.event_shape(audit.events, uuid) to pruuf_engine;

create or replace function rules.event_before(cursor text, out at timestamptz, out id bigint)
language plpgsql immutable parallel safe security invoker set search_path = ''
as $$
begin
  -- The end of time for no cursor: every row lies before it.
  at := coalesce(timestamptz 'epoch' + split_part(cursor, '-', 1)::bigint * interval '1 microsecond', timestamptz 'infinity');
  id := coalesce(split_part(cursor, '-', 2)::bigint, 0);
end;
$$;
comment on function rules.event_before(text) is 'Where a page of the trail goes on: the id that rules.event_shape gave to its last row.';
grant execute on function rules.event_before(text) to pruuf_engine;

create or replace function audit.trail_of_user(person uuid, cursor text default null, most integer default null) returns setof audit.events
language plpgsql stable security invoker set search_path = ''
as $$
declare
  before record := rules.event_before(cursor);
begin
  return query
  select * from (
    (select * from audit.events e where e.subject_user_id = person and e.at <= before.at and (e.at, e.id) < (before.at, before.id) order by e.at desc, e.id desc limit most)
    union all
    (select * from audit.events e where e.actor_user_id = person and e.subject_user_id is distinct from person
        and e.at <= before.at and (e.at, e.id) < (before.at, before.id) order by e.at desc, e.id desc limit most)) as e
   order by e.at desc, e.id desc limit most;
end;
$$;
comment on function audit.trail_of_user(uuid, text, integer) is 'R9.2 what somebody did and what was done to them, the newest first; all of it without a number.';
grant execute on function audit.trail_of_user(uuid, text, integer) to pruuf_engine;

create or replace function audit.trail_of_alert(alert uuid, cursor text default null, most integer default null) returns setof audit.events
language plpgsql stable security invoker set search_path = ''
as $$
declare
  before record := rules.event_before(cursor);
begin
  return query
  select e.* from audit.events e
   where e.object_id in (
           select alert union all select n.id from data.notifications n where n.alert_id = alert
           union all select d.id from data.notifications n join data.deliveries d on d.notification_id = n.id where n.alert_id = alert)
     and e.at <= before.at and (e.at, e.id) < (before.at, before.id)
   order by e.at desc, e.id desc limit most;
end;
$$;
comment on function audit.trail_of_alert(uuid, text, integer) is 'R9.2 all that happened with an alert, its notifications and their deliveries, the newest first; all of it without a number.';
grant execute on function audit.trail_of_alert(uuid, text, integer) to pruuf_engine;

create or replace function api.get_user_audit(person uuid, cursor text, size integer) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  staff uuid := rules.require_staff('support');
  items jsonb[] := array(select rules.event_shape(e) from audit.trail_of_user(person, get_user_audit.cursor, size + 1) e);
begin
  perform audit.append('staff.trail_read', person, staff);
  return rules.page(items, size);
end;
$$;
alter function api.get_user_audit(uuid, text, integer) owner to pruuf_engine;
comment on function api.get_user_audit(uuid, text, integer) is 'GET /v1/staff/users/{user_id}/audit. R1.4; also of a user who is gone.';
grant execute on function api.get_user_audit(uuid, text, integer) to pruuf_staff;

create or replace function api.get_alert_audit(alert_id uuid, cursor text, size integer) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  staff uuid := rules.require_staff('support');
  items jsonb[] := array(select rules.event_shape(e) from audit.trail_of_alert(get_alert_audit.alert_id, get_alert_audit.cursor, size + 1) e);
begin
  -- Of everybody whose acts are shown. Its object is the reader: reading an alert's trail is no step of the alert.
  perform audit.append('staff.alert_trail_read', r.person, staff, jsonb_build_object('alert', get_alert_audit.alert_id))
     from (select (i ->> 'subject_user_id')::uuid as person from unnest(items) i union select (i ->> 'actor_user_id')::uuid from unnest(items) i) r
    where r.person is not null;
  return rules.page(items, size);
end;
$$;
alter function api.get_alert_audit(uuid, text, integer) owner to pruuf_engine;
comment on function api.get_alert_audit(uuid, text, integer) is 'GET /v1/staff/alerts/{alert_id}/audit. R1.4; also of an alert that is gone.';
grant execute on function api.get_alert_audit(uuid, text, integer) to pruuf_staff;

create or replace function api.get_audit_verification(from_place bigint, places integer, known_place bigint, known_hash text) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  staff uuid := rules.require_staff('admin');
  head audit.seals;
  to_place bigint := from_place + places - 1;
begin
  select * into head from audit.seals s order by s.place desc limit 1;
  perform audit.append('staff.trail_verified', null, staff, jsonb_build_object('from', from_place, 'to', to_place));
  return jsonb_build_object(
    'head', case when head.place is not null then jsonb_build_object('place', head.place, 'hash', encode(head.hash, 'hex')) end,
    'findings', (select coalesce(jsonb_agg(to_jsonb(v)), '[]') from audit.verify(from_place, to_place, known_place, decode(get_audit_verification.known_hash, 'hex')) v),
    'next_place', case when to_place < head.place then to_place + 1 end);
end;
$$;
alter function api.get_audit_verification(bigint, integer, bigint, text) owner to pruuf_engine;
comment on function api.get_audit_verification(bigint, integer, bigint, text) is 'GET /v1/staff/audit/verification. R9.2 a range of the trail, and whether it is still what it was when somebody noted a place and its hash.';
grant execute on function api.get_audit_verification(bigint, integer, bigint, text) to pruuf_staff;

create or replace function api.list_staff_roles() returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  staff uuid := rules.require_staff('admin');
  answer jsonb := rules.staff();
begin
  perform audit.append('staff.role_read', (s ->> 'user_id')::uuid, staff) from jsonb_array_elements(answer -> 'items') s;
  return answer;
end;
$$;
alter function api.list_staff_roles() owner to pruuf_engine;
comment on function api.list_staff_roles() is 'GET /v1/staff/roles. R1.4';
grant execute on function api.list_staff_roles() to pruuf_staff;

create or replace function api.set_staff_role(person uuid, role text) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
begin
  return rules.give_staff_role(person, set_staff_role.role, rules.require_staff('admin'));
end;
$$;
alter function api.set_staff_role(uuid, text) owner to pruuf_engine;
comment on function api.set_staff_role(uuid, text) is 'PUT /v1/staff/roles/{user_id}. R1.4';
grant execute on function api.set_staff_role(uuid, text) to pruuf_staff;

create or replace function api.remove_staff_role(person uuid) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
begin
  perform rules.end_staff_role(person, rules.require_staff('admin'));
  return jsonb_build_object();
end;
$$;
alter function api.remove_staff_role(uuid) owner to pruuf_engine;
comment on function api.remove_staff_role(uuid) is 'DELETE /v1/staff/roles/{user_id}. R1.4';
grant execute on function api.remove_staff_role(uuid) to pruuf_staff;
