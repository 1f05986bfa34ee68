create or replace function rules.sign_in_shape(person uuid, at timestamptz) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
declare
  pin data.pins;
begin
  select * into pin from data.pins p where p.user_id = person;
  return jsonb_build_object(
    'failed_tries', coalesce(pin.failed_since_success, 0),
    'is_locked', rules.sign_in_refusal(pin, at) is not null,
    'locked_until', rules.sign_in_refusal(pin, at) -> 'facts' -> 'locked_until');
end;
$$;
comment on function rules.sign_in_shape(uuid, timestamptz) is 'R1.4 what staff sees of a sign-in. Locked without an end: only a recovery by code opens it.';
grant execute on function rules.sign_in_shape(uuid, timestamptz) to pruuf_engine;

create or replace function rules.known_user(person uuid) returns data.users
language plpgsql stable security invoker set search_path = ''
as $$
declare
  known data.users;
begin
  select * into known from data.users u where u.id = person;
  if not found then
    perform rules.refuse_unknown('user');
  end if;
  return known;
end;
$$;
comment on function rules.known_user(uuid) is 'A user, or a refusal.';
grant execute on function rules.known_user(uuid) to pruuf_engine;

create or replace function api.find_user(kind text, lookup bytea, other_lookups bytea[] default '{}') returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  staff uuid := rules.require_staff('support');
  person uuid := rules.account_of_any(kind, array_prepend(lookup, other_lookups));
begin
  if person is null then
    perform audit.append('staff.user_not_found', null);
    return rules.refusal('not-found', 'No account has this address.');
  end if;
  perform audit.append('staff.user_found', person, staff);
  return rules.person_shape(person) || jsonb_build_object('state', case when (rules.sign_in_shape(person, rules.clock()) ->> 'is_locked')::boolean then 'locked' else 'active' end);
end;
$$;
alter function api.find_user(text, bytea, bytea[]) owner to pruuf_engine;
comment on function api.find_user(text, bytea, bytea[]) is 'POST /v1/staff/users/find. R1.4 who has this verified address; also that nobody has it is in the trail.';
grant execute on function api.find_user(text, bytea, bytea[]) to pruuf_staff;

create or replace function rules.support_places(person uuid) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return jsonb_build_object(
    'addresses', array(select rules.address_shape(a) from data.addresses a where a.user_id = person order by a.id),
    'devices', array(
      select jsonb_build_object('platform', d.platform, 'registered_at', d.registered_at, 'off_at', d.off_at, 'off_reason', d.off_reason)
        from data.devices d where d.user_id = person order by d.registered_at),
    'sessions', (select count(*) from data.sessions s where s.user_id = person and s.revoked_at is null));
end;
$$;
comment on function rules.support_places(uuid) is 'R1.4 where messages reach somebody; the server opens the addresses and masks them.';
grant execute on function rules.support_places(uuid) to pruuf_engine;

create or replace function rules.support_connections(person uuid) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return to_jsonb(array(
    select jsonb_build_object('is', case when c.member_id = person then 'contact' else 'member' end, 'user_id', u.id, 'name', u.name, 'tier', c.tier, 'connected_at', c.connected_at)
      from data.connections c join data.users u on u.id = case when c.member_id = person then c.contact_id else c.member_id end
     where person in (c.member_id, c.contact_id) and c.ended_at is null order by c.connected_at, c.id));
end;
$$;
comment on function rules.support_connections(uuid) is 'R1.4 with whom somebody is connected, and what the other one is to them.';
grant execute on function rules.support_connections(uuid) to pruuf_engine;

create or replace function rules.support_delivery(d data.deliveries) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return (
    select jsonb_build_object('id', d.id, 'kind', n.kind, 'alert_id', n.alert_id, 'channel', d.channel, 'state', d.state, 'attempts', d.attempts,
                              'failure', d.failure, 'created_at', d.created_at, 'settled_at', d.settled_at, 'resend_of', d.resend_of)
      from data.notifications n where n.id = d.notification_id);
end;
$$;
comment on function rules.support_delivery(data.deliveries) is 'R1.4 what became of a message; nothing of what it says, nor to which address it goes.';
grant execute on function rules.support_delivery(data.deliveries) to pruuf_engine;

create or replace function api.get_user(person uuid) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  at timestamptz := rules.clock();
  staff uuid := rules.require_staff('support');
  known data.users := rules.known_user(person);
begin
  perform audit.append('staff.user_read', known.id, staff);
  -- Who is connected is named here: that is read of them, too.
  perform audit.append('staff.name_read', (c ->> 'user_id')::uuid, staff) from jsonb_array_elements(rules.support_connections(known.id)) c;
  return jsonb_build_object(
      'id', known.id, 'name', known.name, 'language', known.language, 'created_at', known.created_at,
      'sign_in', rules.sign_in_shape(known.id, at),
      'schedule', (select rules.schedule_shape(s) from data.schedules s where s.member_id = known.id and s.superseded_at is null),
      'today', rules.day_shape(known.id, at),
      'connections', rules.support_connections(known.id),
      'deliveries', array(
        select rules.support_delivery(d) from data.notifications n join data.deliveries d on d.notification_id = n.id
         where n.user_id = known.id order by d.id desc limit 20))
    || rules.support_places(known.id);
end;
$$;
alter function api.get_user(uuid) owner to pruuf_engine;
comment on function api.get_user(uuid) is 'GET /v1/staff/users/{user_id}. R1.4 how somebody''s account stands: no PIN, token or code, no text of a message, note or mood, no welfare card.';
grant execute on function api.get_user(uuid) to pruuf_staff;

create or replace function api.unlock_user(person uuid) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  staff uuid := rules.require_staff('support');
  known data.users := rules.known_user(person);
begin
  if exists (select from data.pins p where p.user_id = known.id and p.failed_since_success >= rules.policy('pin_tries_until_recovery')) then
    raise exception 'only-a-code-unlocks' using errcode = 'UF409', detail = 'After so many wrong PINs only a recovery by code opens this sign-in.';
  end if;
  update data.pins p set failed_tries = 0, locked_until = null where p.user_id = known.id;
  perform audit.append('staff.unlocked', known.id, staff);
  return rules.sign_in_shape(known.id, rules.clock());
end;
$$;
alter function api.unlock_user(uuid) owner to pruuf_engine;
comment on function api.unlock_user(uuid) is 'POST /v1/staff/users/{user_id}/unlock. R1.4 ends the lock of half an hour; what only a code opens (R2.3) staff does not open, and tries go on being counted.';
grant execute on function api.unlock_user(uuid) to pruuf_staff;

create or replace function rules.why_not_resent(d data.deliveries, n data.notifications, at timestamptz) returns text
language plpgsql stable security invoker set search_path = ''
as $$
declare
  watched uuid := (select a.member_id from data.alerts a where a.id = n.alert_id);
begin
  return case
    when d.state <> 'failed' then 'Only what has failed can be sent again.'
    when n.user_id is null or n.kind = 'one_time_code' then 'Codes and invitations are not sent again here: who wants one asks for a new one.'
    when d.expires_at <= at then 'It says what is over.'
    when n.hidden_at is not null or n.read_at is not null then 'It has been read.'
    when n.kind <> 'all_clear' and exists (select from data.alerts a where a.id = n.alert_id and a.state = 'resolved') then 'The alert is over.'
    when n.kind <> 'all_clear' and watched <> n.user_id and not exists (
      select from data.connections c where c.member_id = watched and c.contact_id = n.user_id and c.ended_at is null) then 'The reader is no Contact of the Member any more.'
    when not exists (select from data.addresses a where a.id = d.address_id and a.verified_at is not null and a.off_at is null)
     and not exists (select from data.devices v where v.id = d.device_id and v.off_at is null) then 'The address is off, or gone.'
  end;
end;
$$;
comment on function rules.why_not_resent(data.deliveries, data.notifications, timestamptz) is 'R1.4 why staff may not send a delivery again; null when they may. Nobody hears what is over or not theirs to hear any more.';
grant execute on function rules.why_not_resent(data.deliveries, data.notifications, timestamptz) to pruuf_engine, pruuf_worker;

create or replace function api.resend_delivery(delivery_id uuid) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  at timestamptz := rules.clock();
  failed data.deliveries;
  notification data.notifications;
  again data.deliveries;
  reason text;
begin
  perform rules.require_staff('support');
  select * into failed from data.deliveries d where d.id = resend_delivery.delivery_id for update;
  if not found then
    perform rules.refuse_unknown('delivery');
  end if;
  select * into notification from data.notifications n where n.id = failed.notification_id;
  select * into again from data.deliveries d where d.resend_of = failed.id;
  if not found then
    reason := rules.why_not_resent(failed, notification, at);
    if reason is not null then
      raise exception 'not-to-be-resent' using errcode = 'UF409', detail = reason;
    end if;
    insert into data.deliveries (notification_id, alert_id, channel, address_id, device_id, work_rank, next_attempt_at, expires_at, created_at, resend_of)
    values (failed.notification_id, notification.alert_id, failed.channel, failed.address_id, failed.device_id, failed.work_rank, at, failed.expires_at, at, failed.id)
    returning * into again;
    perform pg_notify('pruuf_work', '');
  end if;
  perform audit.append('staff.resent', notification.user_id, again.id, jsonb_build_object('resend_of', failed.id));
  return rules.support_delivery(again);
end;
$$;
alter function api.resend_delivery(uuid) owner to pruuf_engine;
comment on function api.resend_delivery(uuid) is 'POST /v1/staff/deliveries/{delivery_id}/resend. R1.4 what failed is sent once more, by a delivery of its own; asked twice it is the same one.';
grant execute on function api.resend_delivery(uuid) to pruuf_staff;
