create or replace function rules.invitation_shape(i data.invitations, at timestamptz) returns jsonb
language sql stable security invoker set search_path = ''
as $$
  select jsonb_build_object(
    'id', i.id, 'invitee_becomes', i.invitee_becomes, 'name', i.name, 'kind', i.kind,
    'sealed', encode(i.sealed, 'base64'), 'lookup', encode(i.lookup, 'base64'), 'code_hash', encode(i.code_hash, 'base64'),
    'state', case when i.state = 'pending' and i.expires_at <= at then 'expired' else i.state end,
    'created_at', i.created_at, 'expires_at', i.expires_at)
$$;
comment on function rules.invitation_shape(data.invitations, timestamptz) is 'An invitation as its sender sees it; the server opens what is sealed and derives the code.';
grant execute on function rules.invitation_shape(data.invitations, timestamptz) to pruuf_user, pruuf_engine;

create or replace function api.create_invitation(invitation_id uuid, invitee_becomes text, name text, kind text, lookup bytea, sealed bytea, code_hash bytea) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
  at timestamptz := rules.clock();
  made data.invitations;
begin
  if exists (select from data.addresses a where a.user_id = me and a.kind = create_invitation.kind and a.lookup = create_invitation.lookup) then
    raise exception 'own-address' using errcode = 'UF422', detail = 'This is your own address. Nobody can watch themselves.';
  end if;
  insert into data.invitations (id, inviter_id, invitee_becomes, name, kind, lookup, sealed, code_hash, created_at, expires_at)
  values (invitation_id, me, create_invitation.invitee_becomes, btrim(create_invitation.name), create_invitation.kind, create_invitation.lookup,
          create_invitation.sealed, create_invitation.code_hash, at, at + make_interval(days => rules.policy('invitation_life')))
  returning * into made;
  insert into data.notifications (kind, cause, facts, address_kind, address_lookup, address_sealed, created_at, expires_at)
  values ('invitation', made.id::text,
          jsonb_build_object('inviter', rules.person_shape(me), 'becomes', made.invitee_becomes, 'name', made.name, 'code_id', made.id,
                             'code_hash', encode(made.code_hash, 'hex'), 'expires_on', (made.expires_at at time zone 'UTC')::date),
          made.kind, made.lookup, made.sealed, at, made.expires_at);
  perform audit.append('invitation.created', me, made.id);
  return rules.invitation_shape(made, at);
end;
$$;
alter function api.create_invitation(uuid, text, text, text, bytea, bytea, bytea) owner to pruuf_engine;
comment on function api.create_invitation(uuid, text, text, text, bytea, bytea, bytea) is 'POST /v1/invitations. R3.1 either side may invite the other; whether the address has an account makes no difference.';
grant execute on function api.create_invitation(uuid, text, text, text, bytea, bytea, bytea) to pruuf_user;

create or replace function api.list_invitations(cursor uuid, size integer) returns jsonb
language sql stable security invoker set search_path = ''
as $$
  select rules.page(array(
    select rules.invitation_shape(i, rules.clock()) from data.invitations i
     where i.inviter_id = rules.signed_in_user_id() and (list_invitations.cursor is null or i.id < list_invitations.cursor)
     order by i.id desc limit size + 1), size)
$$;
comment on function api.list_invitations(uuid, integer) is 'GET /v1/invitations, those the caller sent, the newest first';
grant execute on function api.list_invitations(uuid, integer) to pruuf_user;

create or replace function api.revoke_invitation(invitation_id uuid) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
  at timestamptz := rules.clock();
begin
  update data.invitations i set state = 'revoked', revoked_at = at
   where i.id = revoke_invitation.invitation_id and i.inviter_id = me and i.state = 'pending';
  if not found then
    perform rules.refuse_unknown('pending invitation');
  end if;
  update data.deliveries d set state = 'cancelled', settled_at = at
    from data.notifications n
   where n.kind = 'invitation' and n.user_id is null and n.cause = revoke_invitation.invitation_id::text
     and d.notification_id = n.id and d.state = 'pending';
  perform audit.append('invitation.revoked', me, revoke_invitation.invitation_id);
  return jsonb_build_object();
end;
$$;
alter function api.revoke_invitation(uuid) owner to pruuf_engine;
comment on function api.revoke_invitation(uuid) is 'DELETE /v1/invitations/{id}';
grant execute on function api.revoke_invitation(uuid) to pruuf_user;

create or replace function api.accept_invitation(code_hash bytea) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
  at timestamptz := rules.clock();
  invitation data.invitations;
  connection data.connections;
  nth_last_try timestamptz;
begin
  perform pg_advisory_xact_lock(hashtextextended('invitation tries ' || me, 0));
  select t.tried_at into nth_last_try from data.invitation_tries t where t.user_id = me and t.tried_at > at - interval '1 hour'
   order by t.tried_at desc offset rules.policy('invitation_tries_per_hour') - 1 limit 1;
  if found then
    raise exception 'too-many-tries' using errcode = 'UF429', hint = ceil(extract(epoch from nth_last_try + interval '1 hour' - at))::integer::text,
      detail = 'Too many wrong codes. Try again in an hour.';
  end if;
  select * into invitation from data.invitations i
   where i.code_hash = accept_invitation.code_hash
     and (i.state = 'pending' and i.expires_at > at and i.inviter_id <> me or i.state = 'accepted' and i.accepted_by = me)
   order by i.state = 'pending' desc, i.id desc limit 1 for update;
  if not found then
    insert into data.invitation_tries (user_id, tried_at) values (me, at);
    perform audit.append('invitation.wrong_code', me);
    return rules.refusal('invitation-unknown', 'No open invitation has this code.');
  end if;
  if invitation.state = 'pending' then
    update data.invitations i set state = 'accepted', accepted_by = me, accepted_at = at where i.id = invitation.id;
    connection := rules.connect(invitation, me, at);
  else
    select * into connection from data.connections c where c.invitation_id = invitation.id and c.ended_at is null;
    if not found then
      return rules.refusal('invitation-unknown', 'No open invitation has this code.');
    end if;
  end if;
  return jsonb_build_object('you_are', case when connection.member_id = me then 'member' else 'contact' end,
                            'other', rules.person_shape(invitation.inviter_id), 'connected_at', connection.connected_at);
end;
$$;
alter function api.accept_invitation(bytea) owner to pruuf_engine;
comment on function api.accept_invitation(bytea) is 'POST /v1/invitations/accept. R3.1 the only way to a connection, and the same answer when it is asked again; R3.2 wrong codes are counted.';
grant execute on function api.accept_invitation(bytea) to pruuf_user;

create or replace function rules.connect(invitation data.invitations, invitee uuid, at timestamptz) returns data.connections
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  member uuid := case invitation.invitee_becomes when 'member' then invitee else invitation.inviter_id end;
  contact uuid := case invitation.invitee_becomes when 'member' then invitation.inviter_id else invitee end;
  made data.connections;
begin
  perform pg_advisory_xact_lock(k) from (
    select hashtextextended('connections ' || p, 0) as k from unnest(array[member, contact]) as p order by k) as locks;
  select * into made from data.connections c where c.member_id = member and c.contact_id = contact and c.ended_at is null;
  if found then
    return made;
  elsif exists (select from data.users u where u.id in (member, contact) and u.deleted_at is not null) then
    raise exception 'not-signed-in' using errcode = 'UF401', detail = 'This account is gone. Sign in again.';
  elsif (select count(*) from data.connections c where c.member_id = member and c.ended_at is null) >= rules.policy('contacts_per_member') then
    raise exception 'too-many-contacts' using errcode = 'UF409', detail = format('A Member has at most %s Contacts.', rules.policy('contacts_per_member'));
  elsif (select count(*) from data.connections c where c.contact_id = contact and c.ended_at is null) >= rules.policy('members_per_contact') then
    raise exception 'too-many-members' using errcode = 'UF409', detail = format('A Contact watches at most %s Members.', rules.policy('members_per_contact'));
  end if;
  insert into data.connections (member_id, contact_id, invitation_id, connected_at) values (member, contact, invitation.id, at) returning * into made;
  insert into data.notifications (user_id, kind, cause, facts, created_at)
  select reader, 'connected', made.id::text, jsonb_build_object('other', rules.person_shape(other), 'becomes', becomes), at
    from (values (member, contact, 'member'), (contact, member, 'contact')) as sides (reader, other, becomes);
  perform rules.tell_of_open_alerts(member, array[contact], made.id, at);
  perform audit.append('connection.made', member, made.id);
  perform audit.append('connection.made', contact, made.id);
  return made;
end;
$$;
comment on function rules.connect(data.invitations, uuid, timestamptz) is 'R3.1, R1.3 makes a connection, within the limits, and tells both.';
grant execute on function rules.connect(data.invitations, uuid, timestamptz) to pruuf_engine;

create or replace function rules.tg_connections__end() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
declare
  at timestamptz := rules.clock();
begin
  new.ended_at := at;
  -- One that ends with an account is told of with it (R2.6).
  if not new.may_return then
    insert into data.notifications (user_id, kind, cause, facts, created_at)
    values (case new.ended_by when new.member_id then new.contact_id else new.member_id end, 'connection_ended', new.id::text,
            jsonb_build_object('other', rules.person_shape(new.ended_by)), at);
  end if;
  -- What a former Contact has not been told yet is no longer theirs to hear.
  update data.deliveries d set state = case when d.state = 'pending' then 'cancelled' else d.state end, is_withdrawn = true,
         settled_at = case when d.state = 'pending' then at else d.settled_at end
    from data.notifications n join data.alerts a on a.id = n.alert_id
   where n.user_id = new.contact_id and a.member_id = new.member_id and a.state <> 'resolved'
     and d.notification_id = n.id and d.state in ('pending', 'sending');
  perform rules.release_alerts(new.member_id, new.contact_id, new.id, at);
  perform audit.append('connection.ended', new.member_id, new.id);
  perform audit.append('connection.ended', new.contact_id, new.id);
  return new;
end;
$$;
alter function rules.tg_connections__end() owner to pruuf_engine;
comment on function rules.tg_connections__end() is 'R3.3 either side ends a connection at any time; the other side is told.';

create or replace function rules.end_connection(member uuid, contact uuid) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  update data.connections c set ended_by = rules.signed_in_user_id(), ended_at = rules.clock()
   where c.member_id = member and c.contact_id = contact and c.ended_at is null;
  if not found then
    perform rules.refuse_unknown('connection');
  end if;
  return jsonb_build_object();
end;
$$;
comment on function rules.end_connection(uuid, uuid) is 'R3.3 ends the caller''s connection, from whichever side.';
grant execute on function rules.end_connection(uuid, uuid) to pruuf_user;

create or replace function api.list_contacts() returns jsonb
language sql stable security invoker set search_path = ''
as $$
  select jsonb_build_object('items', coalesce(jsonb_agg(
           jsonb_build_object('user_id', c.contact_id, 'name', u.name, 'tier', c.tier, 'connected_at', c.connected_at) order by c.connected_at, c.id), '[]'))
    from data.connections c join data.users u on u.id = c.contact_id
   where c.member_id = rules.signed_in_user_id() and c.ended_at is null
$$;
comment on function api.list_contacts() is 'GET /v1/me/contacts; at most [10], so one page';
grant execute on function api.list_contacts() to pruuf_user;

create or replace function api.remove_contact(contact_id uuid) returns jsonb
language sql volatile security invoker set search_path = ''
as $$ select rules.end_connection(rules.signed_in_user_id(), contact_id) $$;
comment on function api.remove_contact(uuid) is 'DELETE /v1/me/contacts/{user_id}';
grant execute on function api.remove_contact(uuid) to pruuf_user;

create or replace function rules.member_shape(c data.connections, at timestamptz) returns jsonb
language sql stable security invoker set search_path = ''
as $$
  select jsonb_build_object('user_id', u.id, 'name', u.name, 'connected_at', c.connected_at) || rules.day_shape(c.member_id, at)
    from data.users u where u.id = c.member_id
$$;
comment on function rules.member_shape(data.connections, timestamptz) is 'R3.4 what a Contact sees of a Member: name, today''s status, open alerts.';
grant execute on function rules.member_shape(data.connections, timestamptz) to pruuf_user;

create or replace function api.list_members() returns jsonb
language sql stable security invoker set search_path = ''
as $$
  select jsonb_build_object('items', coalesce(jsonb_agg(rules.member_shape(c, rules.clock()) order by c.connected_at, c.id), '[]'))
    from data.connections c where c.contact_id = rules.signed_in_user_id() and c.ended_at is null
$$;
comment on function api.list_members() is 'GET /v1/members; at most [50], so one page';
grant execute on function api.list_members() to pruuf_user;

create or replace function rules.watched_connection(member uuid) returns data.connections
language plpgsql stable security invoker set search_path = ''
as $$
declare
  connection data.connections;
begin
  select * into connection from data.connections c where c.member_id = member and c.contact_id = rules.signed_in_user_id() and c.ended_at is null;
  if not found then
    perform rules.refuse_unknown('Member');
  end if;
  return connection;
end;
$$;
comment on function rules.watched_connection(uuid) is 'The caller''s connection to a Member they watch, or a refusal.';
grant execute on function rules.watched_connection(uuid) to pruuf_user;

create or replace function api.get_member(member_id uuid) returns jsonb
language sql stable security invoker set search_path = ''
as $$ select rules.member_shape(rules.watched_connection(member_id), rules.clock()) $$;
comment on function api.get_member(uuid) is 'GET /v1/members/{user_id}';
grant execute on function api.get_member(uuid) to pruuf_user;

create or replace function api.get_member_history(member_id uuid, cursor uuid, size integer) returns jsonb
language sql stable security invoker set search_path = ''
as $$ select rules.history_shape((rules.watched_connection(member_id)).member_id, get_member_history.cursor, size) $$;
comment on function api.get_member_history(uuid, uuid, integer) is 'GET /v1/members/{user_id}/history';
grant execute on function api.get_member_history(uuid, uuid, integer) to pruuf_user;

create or replace function api.leave_member(member_id uuid) returns jsonb
language sql volatile security invoker set search_path = ''
as $$ select rules.end_connection(member_id, rules.signed_in_user_id()) $$;
comment on function api.leave_member(uuid) is 'DELETE /v1/members/{user_id}';
grant execute on function api.leave_member(uuid) to pruuf_user;
