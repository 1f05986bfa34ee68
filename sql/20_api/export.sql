create or replace function api.export_me() returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
begin
  return jsonb_build_object(
      'exported_at', rules.clock(),
      'profile', (select to_jsonb(u) - '{deleted_at,is_leaving}'::text[] from data.users u where u.id = me),
      'addresses', (select coalesce(jsonb_agg(rules.address_shape(a) || jsonb_build_object('created_at', a.created_at) order by a.id), '[]')
                      from data.addresses a where a.user_id = me))
    || rules.export_access(me) || rules.export_days(me) || rules.export_people(me) || rules.export_alerts(me) || rules.export_billing(me) || rules.export_messages(me);
end;
$$;
alter function api.export_me() owner to pruuf_engine;
comment on function api.export_me() is 'GET /v1/me/export. R2.6 everything that is held about the caller, but for what may be long: that comes page by page (api.export_page). Of others only what the caller may see: names of those they are connected with, beside ids, never an address. Never a hash, a token or what it is made from; the server opens the caller''s own addresses.';
grant execute on function api.export_me() to pruuf_user;

create or replace function rules.export_access(person uuid) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return jsonb_build_object(
    'pin', (select to_jsonb(p) - '{user_id,hash}'::text[] from data.pins p where p.user_id = person),
    'staff_roles', (select coalesce(jsonb_agg(jsonb_build_object('role', r.role, 'added_at', r.added_at, 'removed_at', r.removed_at) order by r.added_at), '[]') from data.staff_roles r where r.user_id = person),
    'devices', (select coalesce(jsonb_agg(to_jsonb(d) - '{user_id,push_token}'::text[] order by d.id), '[]') from data.devices d where d.user_id = person),
    'linked_devices', (select coalesce(jsonb_agg(rules.linked_device_shape(d) order by d.id), '[]') from data.linked_devices d where d.user_id = person),
    'webhooks', (select coalesce(jsonb_agg(rules.webhook_shape(w) order by w.created_at), '[]') from data.webhooks w where w.user_id = person),
    'codes', (select coalesce(jsonb_agg(jsonb_build_object('address_id', a.id, 'created_at', c.created_at, 'expires_at', c.expires_at, 'used_at', c.ticket_used_at) order by c.created_at), '[]')
                from data.addresses a join data.one_time_codes c on c.kind = a.kind and c.lookup = a.lookup
               where a.user_id = person and a.verified_at is not null));
end;
$$;
comment on function rules.export_access(uuid) is 'R2.6 how somebody signs in, from where, and with what.';
grant execute on function rules.export_access(uuid) to pruuf_engine;

create or replace function rules.export_days(person uuid) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return jsonb_build_object(
    'schedules', (select coalesce(jsonb_agg(to_jsonb(s) - '{member_id}'::text[] order by s.created_at), '[]') from data.schedules s where s.member_id = person),
    'breaks', (select coalesce(jsonb_agg(jsonb_build_object('id', b.id, 'first_on', b.first_on, 'last_on', b.last_on, 'confirmed_on', b.confirmed_on, 'created_at', b.created_at) order by b.first_on), '[]')
                 from data.breaks b where b.member_id = person));
end;
$$;
comment on function rules.export_days(uuid) is 'R2.6 a Member''s schedules and breaks.';
grant execute on function rules.export_days(uuid) to pruuf_engine;

create or replace function rules.export_people(person uuid) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return jsonb_build_object(
    -- By name, not whole: a row belongs to both sides.
    'connections', (select coalesce(jsonb_agg(jsonb_build_object(
                             'id', c.id, 'you_are', case c.member_id when person then 'member' else 'contact' end,
                             'other', case when c.ended_at is null then rules.person_shape(case c.member_id when person then c.contact_id else c.member_id end)
                                           else jsonb_build_object('id', case c.member_id when person then c.contact_id else c.member_id end) end,
                             'tier', c.tier, 'connected_at', c.connected_at, 'ended_at', c.ended_at, 'ended_by_you', c.ended_by = person, 'may_return', c.may_return) order by c.id), '[]')
                      from data.connections c where person in (c.member_id, c.contact_id)),
    'invitations_sent', (select coalesce(jsonb_agg(jsonb_build_object(
                             'id', i.id, 'invitee_becomes', i.invitee_becomes, 'name', i.name, 'kind', i.kind, 'state', i.state, 'created_at', i.created_at,
                             'expires_at', i.expires_at, 'accepted_by', i.accepted_by, 'accepted_at', i.accepted_at, 'revoked_at', i.revoked_at) order by i.created_at), '[]')
                           from data.invitations i where i.inviter_id = person),
    'invitations_accepted', (select coalesce(jsonb_agg(jsonb_build_object(
                             'id', i.id, 'you_became', i.invitee_becomes, 'from', i.inviter_id, 'created_at', i.created_at, 'accepted_at', i.accepted_at) order by i.accepted_at), '[]')
                           from data.invitations i where i.accepted_by = person),
    'watch_settings', (select coalesce(jsonb_agg(to_jsonb(w) - '{contact_id,member_id}'::text[] || jsonb_build_object('member', rules.person_shape(w.member_id)) order by w.member_id), '[]')
                         from data.watch_settings w where w.contact_id = person),
    'blocks', (select coalesce(jsonb_agg(jsonb_build_object('user', rules.person_shape(b.blocked_id), 'blocked_at', b.blocked_at, 'unblocked_at', b.unblocked_at) order by b.id), '[]')
                 from data.blocks b where b.blocker_id = person),
    'drills', (select coalesce(jsonb_agg(to_jsonb(d) - '{user_id}'::text[] order by d.id), '[]') from data.drills d where d.user_id = person),
    'coverage', (select to_jsonb(v) - '{member_id}'::text[] from data.coverage v where v.member_id = person),
    'welfare_card', (select rules.welfare_card_shape(w) || '{"looks": []}' from data.welfare_cards w where w.user_id = person),
    'wrong_invitation_codes', (select coalesce(jsonb_agg(t.tried_at order by t.tried_at), '[]') from data.invitation_tries t where t.user_id = person));
end;
$$;
comment on function rules.export_people(uuid) is 'R2.6 who somebody is or was connected with, their invitations, and what they keep about others and for others.';
grant execute on function rules.export_people(uuid) to pruuf_engine;

create or replace function rules.export_alerts(person uuid) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return jsonb_build_object(
    'help_requests', (select coalesce(jsonb_agg(to_jsonb(h) - 'member_id' order by h.id), '[]') from data.help_requests h where h.member_id = person),
    'escalation', (select jsonb_build_object('repeat_minutes', p.repeat_minutes,
                             'rounds', (select coalesce(jsonb_agg(to_jsonb(r) - 'policy_id' order by r.after_minutes), '[]') from data.escalation_rounds r where r.policy_id = p.id))
                     from data.escalation_policies p where p.member_id = person),
    'alerts_held', (select coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'acknowledged_by_you', a.acknowledged_by = person, 'acknowledged_at', a.acknowledged_at,
                             'arrives_at', a.arrives_at, 'resolved_by_you', a.resolved_by = person, 'resolved_at', a.resolved_at, 'outcome', a.outcome) order by a.id), '[]')
                 from data.alerts a where a.member_id <> person and person in (a.acknowledged_by, a.resolved_by)));
end;
$$;
comment on function rules.export_alerts(uuid) is 'R2.6 the calls for help of somebody, how their alerts escalate, and the alerts of others that they have or had.';
grant execute on function rules.export_alerts(uuid) to pruuf_engine;

create or replace function rules.export_messages(person uuid) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return jsonb_build_object(
    'preferences', (select to_jsonb(p) - 'user_id' from data.preferences p where p.user_id = person));
end;
$$;
comment on function rules.export_messages(uuid) is 'R2.6 what somebody chose about messages.';
grant execute on function rules.export_messages(uuid) to pruuf_engine;

create or replace function rules.export_billing(person uuid) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return jsonb_build_object('billing', (
    select jsonb_build_object('trial_ends_at', a.trial_ends_at, 'grandfathered_at', a.grandfathered_at, 'entitlement', a.entitlement, 'since_at', a.since_at,
             'customer_id', (select k.id from billing.customers k where k.user_id = person),
             'subscriptions', (select coalesce(jsonb_agg(to_jsonb(s) - 'customer_id' order by s.id), '[]')
                                 from billing.customers k join billing.subscriptions s on s.customer_id = k.id where k.user_id = person))
      from billing.accounts a where a.user_id = person));
end;
$$;
comment on function rules.export_billing(uuid) is 'R2.6 what somebody is entitled to and pays for.';
grant execute on function rules.export_billing(uuid) to pruuf_engine;

create or replace function rules.place_in_export(at timestamptz, id text) returns text
language sql immutable parallel safe security invoker set search_path = ''
as $$
  select (extract(epoch from at) * 1000000)::bigint || ' ' || id
$$;
comment on function rules.place_in_export(timestamptz, text) is
  'Where a page of an export ends whose rows are ordered by time and id.';
grant execute on function rules.place_in_export(timestamptz, text) to pruuf_engine;

create or replace function rules.time_in_export(place text) returns timestamptz
language sql immutable parallel safe security invoker set search_path = ''
as $$
  select coalesce(timestamptz 'epoch' + split_part(place, ' ', 1)::bigint * interval '1 microsecond',
                  '-infinity')
$$;
comment on function rules.time_in_export(text) is
  'The time of rules.place_in_export; the beginning of time for no place.';
grant execute on function rules.time_in_export(text) to pruuf_engine;

create or replace function rules.export_trail(person uuid, place text, size integer)
returns table (after text, item jsonb)
language plpgsql stable security invoker set search_path = ''
as $$
declare
  since timestamptz := rules.time_in_export(place);
  last bigint := coalesce(split_part(place, ' ', 2)::bigint, 0);
begin
  return query
  select rules.place_in_export(event.at, event.id::text),
         jsonb_build_object(
           'at', event.at, 'action', event.action, 'by_you', event.actor_user_id = person,
           'about_you', event.subject_user_id = person, 'object_id', event.object_id,
           'details', event.details, 'request_id', event.request_id,
           -- Where somebody else acted from is theirs.
           'ip', case when coalesce(event.actor_user_id, person) = person then host(event.ip) end)
    from ((select * from audit.events about
            where about.subject_user_id = person and about.at >= since and (about.at, about.id) > (since, last)
            order by about.at, about.id limit size)
          union all
          (select * from audit.events done
            where done.actor_user_id = person and done.subject_user_id is distinct from person
              and done.at >= since and (done.at, done.id) > (since, last)
            order by done.at, done.id limit size)) as event
   order by event.at, event.id limit size;
end;
$$;
comment on function rules.export_trail(uuid, text, integer) is
  'R2.6 a page of what somebody did and what was done about them.';
grant execute on function rules.export_trail(uuid, text, integer) to pruuf_engine;

create or replace function rules.export_sessions(person uuid, place text, size integer)
returns table (after text, item jsonb)
language sql stable security invoker set search_path = ''
as $$
  select session.id::text, to_jsonb(session) - '{user_id}'::text[]
    from data.sessions session
   where session.user_id = person and (place is null or session.id > place::uuid)
   order by session.id limit size
$$;
comment on function rules.export_sessions(uuid, text, integer) is
  'R2.6 a page of where somebody is and was signed in.';
grant execute on function rules.export_sessions(uuid, text, integer) to pruuf_engine;

create or replace function rules.export_obligations(person uuid, place text, size integer)
returns table (after text, item jsonb)
language sql stable security invoker set search_path = ''
as $$
  select rules.place_in_export(obligation.due_at, obligation.id::text),
         to_jsonb(obligation) - '{member_id}'::text[]
    from data.obligations obligation
   where obligation.member_id = person and obligation.due_at >= rules.time_in_export(place)
     and (place is null
          or (obligation.due_at, obligation.id)
             > (rules.time_in_export(place), split_part(place, ' ', 2)::uuid))
   order by obligation.due_at, obligation.id limit size
$$;
comment on function rules.export_obligations(uuid, text, integer) is
  'R2.6 a page of the check-ins that were expected of somebody.';
grant execute on function rules.export_obligations(uuid, text, integer) to pruuf_engine;

create or replace function rules.export_check_ins(person uuid, place text, size integer)
returns table (after text, item jsonb)
language sql stable security invoker set search_path = ''
as $$
  select rules.place_in_export(tap.received_at, tap.id::text),
         to_jsonb(tap) - '{member_id}'::text[] || jsonb_build_object(
           'signature', rules.signature_of(tap.id),
           'met', array(select met.obligation_id from data.obligations_met met
                         where met.check_in_id = tap.id))
    from data.check_ins tap
   where tap.member_id = person and tap.received_at >= rules.time_in_export(place)
     and (place is null
          or (tap.received_at, tap.id)
             > (rules.time_in_export(place), split_part(place, ' ', 2)::uuid))
   order by tap.received_at, tap.id limit size
$$;
comment on function rules.export_check_ins(uuid, text, integer) is
  'R2.6 a page of somebody''s taps, each with what it met.';
grant execute on function rules.export_check_ins(uuid, text, integer) to pruuf_engine;

create or replace function rules.export_positions(person uuid, place text, size integer)
returns table (after text, item jsonb)
language sql stable security invoker set search_path = ''
as $$
  select rules.place_in_export(known.received_at, known.id::text), rules.position_shape(known)
    from data.positions known
   where known.member_id = person and known.received_at >= rules.time_in_export(place)
     and (place is null
          or (known.received_at, known.id)
             > (rules.time_in_export(place), split_part(place, ' ', 2)::uuid))
   order by known.received_at, known.id limit size
$$;
comment on function rules.export_positions(uuid, text, integer) is
  'R2.6 a page of the positions that are not erased yet; the server opens them.';
grant execute on function rules.export_positions(uuid, text, integer) to pruuf_engine;

create or replace function rules.export_welfare_card_looks(person uuid, place text, size integer)
returns table (after text, item jsonb)
language sql stable security invoker set search_path = ''
as $$
  select look.id::text,
         jsonb_build_object('of', rules.person_shape(look.member_id),
                            'by', rules.person_shape(look.looked_by), 'at', look.looked_at)
    from data.welfare_card_looks look
   where person in (look.member_id, look.looked_by) and (place is null or look.id > place::uuid)
   order by look.id limit size
$$;
comment on function rules.export_welfare_card_looks(uuid, text, integer) is
  'R2.6 a page of who looked at somebody''s card, and at whose they looked.';
grant execute on function rules.export_welfare_card_looks(uuid, text, integer) to pruuf_engine;

create or replace function rules.export_own_alerts(person uuid, place text, size integer)
returns table (after text, item jsonb)
language sql stable security invoker set search_path = ''
as $$
  select alert.id::text,
         rules.alert_shape(alert) || jsonb_build_object('obligation_id', alert.obligation_id)
    from data.alerts alert
   where alert.member_id = person and (place is null or alert.id > place::uuid)
   order by alert.id limit size
$$;
comment on function rules.export_own_alerts(uuid, text, integer) is
  'R2.6 a page of the alerts about somebody.';
grant execute on function rules.export_own_alerts(uuid, text, integer) to pruuf_engine;

create or replace function rules.export_alert_actions(person uuid, place text, size integer)
returns table (after text, item jsonb)
language sql stable security invoker set search_path = ''
as $$
  select act.id::text, to_jsonb(act) - '{user_id}'::text[]
    from data.alert_actions act
   where act.user_id = person and (place is null or act.id > place::uuid)
   order by act.id limit size
$$;
comment on function rules.export_alert_actions(uuid, text, integer) is
  'R2.6 a page of what somebody did about alerts.';
grant execute on function rules.export_alert_actions(uuid, text, integer) to pruuf_engine;

create or replace function rules.export_attestations(person uuid, place text, size integer)
returns table (after text, item jsonb)
language sql stable security invoker set search_path = ''
as $$
  select word.id::text,
         to_jsonb(word) - case when word.member_id = person then 'member_id' else 'contact_id' end
    from data.attestations word
   where person in (word.member_id, word.contact_id) and (place is null or word.id > place::uuid)
   order by word.id limit size
$$;
comment on function rules.export_attestations(uuid, text, integer) is
  'R2.6 a page of what Contacts said about somebody, and somebody about others.';
grant execute on function rules.export_attestations(uuid, text, integer) to pruuf_engine;

create or replace function rules.export_notifications(person uuid, place text, size integer)
returns table (after text, item jsonb)
language sql stable security invoker set search_path = ''
as $$
  select told.id::text,
         jsonb_build_object(
           'id', told.id, 'kind', told.kind, 'alert_id', told.alert_id, 'facts', told.facts,
           'created_at', told.created_at, 'expires_at', told.expires_at, 'read_at', told.read_at,
           'hidden_at', told.hidden_at,
           'deliveries', (
             select coalesce(jsonb_agg(jsonb_build_object(
                      'channel', delivery.channel, 'address_id', delivery.address_id,
                      'device_id', delivery.device_id, 'state', delivery.state,
                      'attempts', delivery.attempts, 'created_at', delivery.created_at,
                      'settled_at', delivery.settled_at, 'failure', delivery.failure)
                      order by delivery.id), '[]')
               from data.deliveries delivery where delivery.notification_id = told.id))
    from data.notifications told
   where told.user_id = person and (place is null or told.id > place::uuid)
   order by told.id limit size
$$;
comment on function rules.export_notifications(uuid, text, integer) is
  'R2.6 a page of what somebody was told, and how it reached them.';
grant execute on function rules.export_notifications(uuid, text, integer) to pruuf_engine;

create or replace function rules.export_rows(part text, person uuid, place text, size integer)
returns table (after text, item jsonb)
language plpgsql stable security invoker set search_path = ''
as $$
begin
  case part
    when 'trail' then return query select * from rules.export_trail(person, place, size);
    when 'sessions' then return query select * from rules.export_sessions(person, place, size);
    when 'obligations' then return query select * from rules.export_obligations(person, place, size);
    when 'check_ins' then return query select * from rules.export_check_ins(person, place, size);
    when 'positions' then return query select * from rules.export_positions(person, place, size);
    when 'welfare_card_looks' then
      return query select * from rules.export_welfare_card_looks(person, place, size);
    when 'alerts' then return query select * from rules.export_own_alerts(person, place, size);
    when 'alert_actions' then
      return query select * from rules.export_alert_actions(person, place, size);
    when 'attestations' then return query select * from rules.export_attestations(person, place, size);
    when 'notifications' then
      return query select * from rules.export_notifications(person, place, size);
  end case;
end;
$$;
comment on function rules.export_rows(text, uuid, text, integer) is
  'R2.6 a page of one of the long parts of an export, each row with the place where it ends.';
grant execute on function rules.export_rows(text, uuid, text, integer) to pruuf_engine;

create or replace function api.export_page(part text, place text, size integer) returns jsonb
language sql stable security definer set search_path = ''
as $$
  select jsonb_build_object(
           'items', coalesce(jsonb_agg(page.item order by page.nth), '[]'),
           'after', case when count(*) = size then (array_agg(page.after order by page.nth desc))[1] end)
    from rules.export_rows(part, rules.signed_in_user_id(), place, size)
         with ordinality as page (after, item, nth)
$$;
alter function api.export_page(text, text, integer) owner to pruuf_engine;
comment on function api.export_page(text, text, integer) is
  'GET /v1/me/export. R2.6, R9.9 one page of a part that may be long, and where the next one begins.';
grant execute on function api.export_page(text, text, integer) to pruuf_user;
