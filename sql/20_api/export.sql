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
comment on function api.export_me() is 'GET /v1/me/export. R2.6 everything that is held about the caller. Of others only what the caller may see: names of those they are connected with, beside ids, never an address. Never a hash, a token or what it is made from; the server opens the caller''s own addresses.';
grant execute on function api.export_me() to pruuf_user;

create or replace function rules.export_access(person uuid) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return jsonb_build_object(
    'pin', (select to_jsonb(p) - '{user_id,hash}'::text[] from data.pins p where p.user_id = person),
    'sessions', (select coalesce(jsonb_agg(to_jsonb(s) - '{user_id}'::text[] order by s.id), '[]') from data.sessions s where s.user_id = person),
    'staff_roles', (select coalesce(jsonb_agg(jsonb_build_object('role', r.role, 'added_at', r.added_at, 'removed_at', r.removed_at) order by r.added_at), '[]') from data.staff_roles r where r.user_id = person),
    'devices', (select coalesce(jsonb_agg(to_jsonb(d) - '{user_id,push_token}'::text[] order by d.id), '[]') from data.devices d where d.user_id = person),
    'linked_devices', (select coalesce(jsonb_agg(rules.linked_device_shape(d) order by d.id), '[]') from data.linked_devices d where d.user_id = person),
    'webhooks', (select coalesce(jsonb_agg(rules.webhook_shape(w) order by w.created_at), '[]') from data.webhooks w where w.user_id = person),
    'codes', (select coalesce(jsonb_agg(jsonb_build_object('address_id', a.id, 'created_at', c.created_at, 'expires_at', c.expires_at, 'used_at', c.ticket_used_at) order by c.created_at), '[]')
                from data.addresses a join data.one_time_codes c on c.kind = a.kind and c.lookup = a.lookup
               where a.user_id = person and a.verified_at is not null),
    'trail', (select coalesce(jsonb_agg(jsonb_build_object('at', e.at, 'action', e.action, 'by_you', e.actor_user_id = person, 'about_you', e.subject_user_id = person,
                       'object_id', e.object_id, 'details', e.details, 'request_id', e.request_id,
                       -- Where somebody else acted from is theirs.
                       'ip', case when coalesce(e.actor_user_id, person) = person then host(e.ip) end) order by e.at, e.id), '[]')
                from audit.trail_of_user(person) e));
end;
$$;
comment on function rules.export_access(uuid) is 'R2.6 how somebody signs in, from where, and the trail of what they did and what was done about them.';
grant execute on function rules.export_access(uuid) to pruuf_engine;

create or replace function rules.export_days(person uuid) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return jsonb_build_object(
    'schedules', (select coalesce(jsonb_agg(to_jsonb(s) - '{member_id}'::text[] order by s.created_at), '[]') from data.schedules s where s.member_id = person),
    'obligations', (select coalesce(jsonb_agg(to_jsonb(o) - '{member_id}'::text[] order by o.due_at), '[]') from data.obligations o where o.member_id = person),
    'breaks', (select coalesce(jsonb_agg(jsonb_build_object('id', b.id, 'first_on', b.first_on, 'last_on', b.last_on, 'confirmed_on', b.confirmed_on, 'created_at', b.created_at) order by b.first_on), '[]')
                 from data.breaks b where b.member_id = person),
    'check_ins', (select coalesce(jsonb_agg(to_jsonb(c) - '{member_id}'::text[] || jsonb_build_object(
                           'signature', rules.signature_of(c.id),
                           'met', array(select m.obligation_id from data.obligations_met m where m.check_in_id = c.id)) order by c.received_at), '[]')
                    from data.check_ins c where c.member_id = person),
    'positions', (select coalesce(jsonb_agg(rules.position_shape(p) order by p.received_at), '[]') from data.positions p where p.member_id = person));
end;
$$;
comment on function rules.export_days(uuid) is 'R2.6 a Member''s schedules and breaks, what was expected, every tap with what it met, and the positions that are not erased yet.';
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
    'welfare_card_looks', (select coalesce(jsonb_agg(jsonb_build_object('of', rules.person_shape(l.member_id), 'by', rules.person_shape(l.looked_by), 'at', l.looked_at) order by l.id), '[]')
                             from data.welfare_card_looks l where person in (l.member_id, l.looked_by)),
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
    'alerts', (select coalesce(jsonb_agg(rules.alert_shape(a) || jsonb_build_object('obligation_id', a.obligation_id) order by a.id), '[]')
                 from data.alerts a where a.member_id = person),
    'help_requests', (select coalesce(jsonb_agg(to_jsonb(h) - 'member_id' order by h.id), '[]') from data.help_requests h where h.member_id = person),
    'attestations', (select coalesce(jsonb_agg(to_jsonb(t) - case when t.member_id = person then 'member_id' else 'contact_id' end order by t.id), '[]')
                       from data.attestations t where person in (t.member_id, t.contact_id)),
    'escalation', (select jsonb_build_object('repeat_minutes', p.repeat_minutes,
                             'rounds', (select coalesce(jsonb_agg(to_jsonb(r) - 'policy_id' order by r.after_minutes), '[]') from data.escalation_rounds r where r.policy_id = p.id))
                     from data.escalation_policies p where p.member_id = person),
    'alert_actions', (select coalesce(jsonb_agg(to_jsonb(t) - '{user_id}'::text[] order by t.id), '[]') from data.alert_actions t where t.user_id = person),
    'alerts_held', (select coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'acknowledged_by_you', a.acknowledged_by = person, 'acknowledged_at', a.acknowledged_at,
                             'arrives_at', a.arrives_at, 'resolved_by_you', a.resolved_by = person, 'resolved_at', a.resolved_at, 'outcome', a.outcome) order by a.id), '[]')
                 from data.alerts a where a.member_id <> person and person in (a.acknowledged_by, a.resolved_by)));
end;
$$;
comment on function rules.export_alerts(uuid) is 'R2.6 the alerts about somebody, and what they did about those of others.';
grant execute on function rules.export_alerts(uuid) to pruuf_engine;

create or replace function rules.export_messages(person uuid) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return jsonb_build_object(
    'preferences', (select to_jsonb(p) - 'user_id' from data.preferences p where p.user_id = person),
    'notifications', (
      select coalesce(jsonb_agg(jsonb_build_object(
               'id', n.id, 'kind', n.kind, 'alert_id', n.alert_id, 'facts', n.facts, 'created_at', n.created_at, 'expires_at', n.expires_at,
               'read_at', n.read_at, 'hidden_at', n.hidden_at,
               'deliveries', (select coalesce(jsonb_agg(jsonb_build_object(
                                       'channel', d.channel, 'address_id', d.address_id, 'device_id', d.device_id, 'state', d.state, 'attempts', d.attempts,
                                       'created_at', d.created_at, 'settled_at', d.settled_at, 'failure', d.failure) order by d.id), '[]')
                                from data.deliveries d where d.notification_id = n.id)) order by n.id), '[]')
        from data.notifications n where n.user_id = person));
end;
$$;
comment on function rules.export_messages(uuid) is 'R2.6 what somebody chose about messages, what they were told, and how it reached them.';
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
