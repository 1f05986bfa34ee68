create or replace function rules.invitation_shape(i data.invitations, at timestamptz) returns jsonb
language sql stable security invoker set search_path = ''
as $$
  select jsonb_build_object(
    'id', i.id, 'invitee_becomes', i.invitee_becomes, 'name', i.name, 'kind', i.kind,
    'sealed', encode(i.sealed, 'base64'), 'lookup', encode(i.lookup, 'base64'), 'code_hash', encode(i.code_hash, 'base64'),
    'state', case when i.state = 'pending' and i.expires_at <= at then 'expired' else i.state end,
    'created_at', i.created_at, 'sent_at', i.sent_at, 'expires_at', i.expires_at)
$$;
comment on function rules.invitation_shape(data.invitations, timestamptz) is 'An invitation as its sender sees it; the server opens what is sealed and derives the code.';
grant execute on function rules.invitation_shape(data.invitations, timestamptz) to pruuf_user, pruuf_engine;

create or replace function rules.lock_invitations(inviter uuid, lookup bytea) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('invitations of ' || inviter, 0));
  perform pg_advisory_xact_lock(hashtextextended('invitations to ' || encode(lookup, 'hex'), 0));
end;
$$;
comment on function rules.lock_invitations(uuid, bytea) is 'R3.1 one message after the other of one inviter, and to one address, whatever server sends it: what is counted stays true until the commit.';
grant execute on function rules.lock_invitations(uuid, bytea) to pruuf_engine;

create or replace function rules.pace_invitations(inviter uuid, kind text, lookup bytea, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  newest timestamptz;
  nth_last timestamptz;
  seconds integer;
begin
  select max(i.sent_at) into newest from data.invitations i
   where i.inviter_id = inviter and i.kind = pace_invitations.kind and i.lookup = pace_invitations.lookup;
  select n.created_at into nth_last from data.notifications n
   where n.kind = 'invitation' and n.address_kind = pace_invitations.kind and n.address_lookup = pace_invitations.lookup and n.created_at > at - interval '1 day'
   order by n.created_at desc offset rules.policy('invitation_messages_per_day') - 1 limit 1;
  seconds := ceil(extract(epoch from greatest(newest + make_interval(mins => rules.policy('invitation_resend_interval')), nth_last + interval '1 day') - at));
  if seconds > 0 then
    raise exception 'too-many-invitations' using errcode = 'UF429', hint = seconds::text,
      detail = format('An invitation went to this address not long ago. Write to it again in %s seconds.', seconds);
  end if;
end;
$$;
comment on function rules.pace_invitations(uuid, text, bytea, timestamptz) is 'R3.1 refuses a message that follows too soon: of this inviter to this address, revoked invitations included, or of everybody together.';
grant execute on function rules.pace_invitations(uuid, text, bytea, timestamptz) to pruuf_engine;

create or replace function rules.invitation_facts(i data.invitations) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return jsonb_build_object('inviter', rules.person_shape(i.inviter_id), 'becomes', i.invitee_becomes, 'name', i.name, 'code_id', i.id,
    'code_hash', encode(i.code_hash, 'hex'), 'token_hash', encode(i.token_hash, 'hex'), 'expires_on', (i.expires_at at time zone 'UTC')::date);
end;
$$;
comment on function rules.invitation_facts(data.invitations) is 'R3.1 what an invitation''s message and page say; the server derives code and token.';
grant execute on function rules.invitation_facts(data.invitations) to pruuf_engine;

create or replace function rules.is_barred(i data.invitations, person uuid) returns boolean
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return exists (
    select from data.blocks b
     where (b.blocker_id = person and b.blocked_id = i.inviter_id or b.blocker_id = i.inviter_id and b.blocked_id = person)
       and (b.unblocked_at is null or b.blocked_at >= i.created_at));
end;
$$;
comment on function rules.is_barred(data.invitations, uuid) is 'R3.3 whether a block stands between the inviter and this person, or stood and came after the invitation: those died of it.';
grant execute on function rules.is_barred(data.invitations, uuid) to pruuf_engine;

create or replace function rules.withdraw_invitation(i data.invitations, at timestamptz) returns void
language sql volatile security invoker set search_path = ''
as $$
  update data.deliveries d
     set state = case when d.state = 'pending' then 'cancelled' else d.state end,
         settled_at = case when d.state = 'pending' then at else d.settled_at end, is_withdrawn = true
    from data.notifications n join data.invitations now_is on now_is.id = i.id and now_is.lookup = n.address_lookup
   where n.kind = 'invitation' and n.facts ->> 'code_id' = i.id::text
     and d.notification_id = n.id and rules.is_unsettled(d.state)
$$;
comment on function rules.withdraw_invitation(data.invitations, timestamptz) is 'R3.1 what was queued of an invitation and not yet sent is cancelled; what is in a sender''s hand is not tried again. Looks its lookup up anew: `pruuf keys rotate` may have changed it since.';
grant execute on function rules.withdraw_invitation(data.invitations, timestamptz) to pruuf_engine;

create or replace function rules.send_invitation(i data.invitations, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  insert into data.notifications (kind, cause, language, facts, address_kind, address_lookup, address_sealed, created_at, expires_at)
  values ('invitation', i.id || case when at > i.created_at then ':' || extract(epoch from at) else '' end, rules.language_at(i.kind, i.lookup), rules.invitation_facts(i),
          i.kind, i.lookup, i.sealed, at, i.expires_at);
  -- R3.3 to whom a block stands between nothing goes; to the inviter it looks, and takes as long, as if it did.
  perform rules.withdraw_invitation(i, at) from data.addresses a
    where a.kind = i.kind and a.lookup = i.lookup and a.verified_at is not null and rules.is_barred(i, a.user_id);
end;
$$;
comment on function rules.send_invitation(data.invitations, timestamptz) is 'R3.1 the message of an invitation, to an address that may have no account.';
grant execute on function rules.send_invitation(data.invitations, timestamptz) to pruuf_engine;

create or replace function api.create_invitation(
  invitation_id uuid, invitee_becomes text, name text, kind text, lookup bytea, sealed bytea, code_hash bytea, token_hash bytea default null,
  other_lookups bytea[] default '{}', other_sealeds bytea[] default '{}', other_code_hashes bytea[] default '{}') returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
  at timestamptz := rules.clock();
  nth_last timestamptz;
  made data.invitations;
begin
  select k.lookup, k.sealed into lookup, sealed from rules.known_address(kind, array_prepend(lookup, other_lookups), array_prepend(sealed, other_sealeds)) as k;
  if exists (select from data.addresses a where a.user_id = me and a.kind = create_invitation.kind and a.lookup = create_invitation.lookup) then
    raise exception 'own-address' using errcode = 'UF422', detail = 'This is your own address. Nobody can watch themselves.';
  end if;
  perform rules.lock_invitations(me, create_invitation.lookup);
  if exists (select from data.invitations i where i.inviter_id = me and i.state = 'pending' and i.expires_at > at
                and i.invitee_becomes = create_invitation.invitee_becomes and i.kind = create_invitation.kind and i.lookup = create_invitation.lookup) then
    raise exception 'already-invited' using errcode = 'UF409', detail = 'Your invitation to this address is still open. Send it again instead.';
  end if;
  perform rules.pace_invitations(me, create_invitation.kind, create_invitation.lookup, at);
  select i.created_at into nth_last from data.invitations i where i.inviter_id = me and i.created_at > at - interval '1 day'
   order by i.created_at desc offset rules.policy('invitations_per_day') - 1 limit 1;
  if found then
    raise exception 'too-many-invitations' using errcode = 'UF429', hint = ceil(extract(epoch from nth_last + interval '1 day' - at))::integer::text,
      detail = format('At most %s invitations a day.', rules.policy('invitations_per_day'));
  end if;
  if exists (select from data.invitations i where i.code_hash = any (other_code_hashes) and i.state = 'pending') then
    raise unique_violation using constraint = 'invitation_code_is_free';
  end if;
  insert into data.invitations (id, inviter_id, invitee_becomes, name, kind, lookup, sealed, code_hash, token_hash, created_at, sent_at, expires_at)
  values (invitation_id, me, create_invitation.invitee_becomes, btrim(create_invitation.name), create_invitation.kind, create_invitation.lookup,
          create_invitation.sealed, create_invitation.code_hash, create_invitation.token_hash, at, at, at + make_interval(days => rules.policy('invitation_life')))
  returning * into made;
  perform rules.send_invitation(made, at);
  perform audit.append('invitation.created', me, made.id);
  return rules.invitation_shape(made, at);
end;
$$;
alter function api.create_invitation(uuid, text, text, text, bytea, bytea, bytea, bytea, bytea[], bytea[], bytea[]) owner to pruuf_engine;
comment on function api.create_invitation(uuid, text, text, text, bytea, bytea, bytea, bytea, bytea[], bytea[], bytea[]) is 'POST /v1/invitations. R3.1 either side may invite the other; whether the address has an account makes no difference.';
grant execute on function api.create_invitation(uuid, text, text, text, bytea, bytea, bytea, bytea, bytea[], bytea[], bytea[]) to pruuf_user;

create or replace function api.resend_invitation(invitation_id uuid) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
  at timestamptz := rules.clock();
  invitation data.invitations;
begin
  select * into invitation from data.invitations i
   where i.id = resend_invitation.invitation_id and i.inviter_id = me and i.state = 'pending' and i.expires_at > at for update;
  if not found then
    perform rules.refuse_unknown('pending invitation');
  end if;
  perform rules.lock_invitations(me, invitation.lookup);
  perform rules.pace_invitations(me, invitation.kind, invitation.lookup, at);
  perform rules.withdraw_invitation(invitation, at);
  update data.invitations i set sent_at = at where i.id = invitation.id returning * into invitation;
  perform rules.send_invitation(invitation, at);
  perform audit.append('invitation.resent', me, invitation.id);
  return rules.invitation_shape(invitation, at);
end;
$$;
alter function api.resend_invitation(uuid) owner to pruuf_engine;
comment on function api.resend_invitation(uuid) is 'POST /v1/invitations/{id}/resend. R3.1 the same code and link once more, at most once every [10] minutes.';
grant execute on function api.resend_invitation(uuid) to pruuf_user;

create or replace function api.show_invitation(token_hash bytea) returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
declare
  invitation data.invitations;
begin
  select * into invitation from data.invitations i
   where i.token_hash = show_invitation.token_hash and i.state = 'pending' and i.expires_at > rules.clock();
  if not found then
    return rules.refusal('invitation-unknown', 'No open invitation has this link.');
  end if;
  -- Not of the address it went to: whoever invited might see that it has an account.
  return rules.invitation_facts(invitation)
    || jsonb_build_object('language', coalesce(rules.caller_language(), (select u.language from data.users u where u.id = invitation.inviter_id)));
end;
$$;
alter function api.show_invitation(bytea) owner to pruuf_engine;
comment on function api.show_invitation(bytea) is 'GET /i/{token}. R3.1 what the page of a link shows to whoever has it; it changes nothing, since mail scanners follow links.';
grant execute on function api.show_invitation(bytea) to pruuf_anon;

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
  invitation data.invitations;
begin
  update data.invitations i set state = 'revoked', revoked_at = at
   where i.id = revoke_invitation.invitation_id and i.inviter_id = me and i.state = 'pending' returning * into invitation;
  if not found then
    perform rules.refuse_unknown('pending invitation');
  end if;
  perform rules.withdraw_invitation(invitation, at);
  perform audit.append('invitation.revoked', me, invitation.id);
  return jsonb_build_object();
end;
$$;
alter function api.revoke_invitation(uuid) owner to pruuf_engine;
comment on function api.revoke_invitation(uuid) is 'DELETE /v1/invitations/{id}';
grant execute on function api.revoke_invitation(uuid) to pruuf_user;

create or replace function rules.refuse_guesser(person uuid, place inet, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  most integer := rules.policy('invitation_tries_per_hour');
  free_at timestamptz;
begin
  perform pg_advisory_xact_lock(hashtextextended('invitation tries ' || person, 0));
  -- No lock without a place: the function is strict.
  perform pg_advisory_xact_lock(hashtextextended('invitation tries from ' || host(place), 0));
  select max(l.tried_at) + interval '1 hour' into free_at from (
    (select t.tried_at from data.invitation_tries t where t.user_id = person and t.tried_at > at - interval '1 hour'
      order by t.tried_at desc offset most - 1 limit 1)
    union all
    (select t.tried_at from data.invitation_tries t where t.network = place and t.tried_at > at - interval '1 hour'
      order by t.tried_at desc offset most - 1 limit 1)) as l;
  if free_at is not null then
    raise exception 'too-many-tries' using errcode = 'UF429', hint = ceil(extract(epoch from free_at - at))::integer::text,
      detail = 'Too many wrong codes. Try again in an hour.';
  end if;
end;
$$;
comment on function rules.refuse_guesser(uuid, inet, timestamptz) is 'R3.2 at most [10] wrong codes an hour of one user and from one place, counted in the database: one after the other, whatever server is asked.';
grant execute on function rules.refuse_guesser(uuid, inet, timestamptz) to pruuf_engine;

create or replace function rules.find_invitation(person uuid, code_hashes bytea[], token_hash bytea, at timestamptz) returns data.invitations
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  invitation data.invitations;
begin
  select * into invitation from data.invitations i
   where (i.code_hash = any (code_hashes) or i.token_hash = find_invitation.token_hash)
     and (i.state = 'pending' and i.expires_at > at and i.inviter_id <> person or i.state = 'accepted' and i.accepted_by = person)
   order by i.state = 'pending' desc, i.id desc limit 1;
  return invitation;
end;
$$;
comment on function rules.find_invitation(uuid, bytea[], bytea, timestamptz) is 'R3.1 the invitation that somebody may accept, or has accepted, by its code or its token.';
grant execute on function rules.find_invitation(uuid, bytea[], bytea, timestamptz) to pruuf_engine;

create or replace function api.accept_invitation(code_hash bytea, token_hash bytea default null, other_code_hashes bytea[] default '{}') returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
  at timestamptz := rules.clock();
  invitation data.invitations;
  connection data.connections;
begin
  perform rules.refuse_guesser(me, rules.caller_network(), at);
  invitation := rules.find_invitation(me, array_prepend(accept_invitation.code_hash, other_code_hashes), token_hash, at);
  if invitation.state = 'pending' then
    -- People before the invitation (docs/architecture.md); then as it is now.
    perform rules.lock_alarms(case invitation.invitee_becomes when 'member' then me else invitation.inviter_id end);
    perform rules.lock_connections(me, invitation.inviter_id);
    perform from data.invitations i where i.id = invitation.id for update;
    invitation := rules.find_invitation(me, array_prepend(accept_invitation.code_hash, other_code_hashes), token_hash, at);
  end if;
  if invitation.state = 'pending' then
    connection := rules.connect(invitation, me, at);
  else
    select * into connection from data.connections c where c.invitation_id = invitation.id and c.ended_at is null;
  end if;
  -- Unknown, ended, or barred by a block (R3.3): one answer, and each counts, so that nothing can be told from it.
  if connection.id is null then
    insert into data.invitation_tries (user_id, network, tried_at) values (me, rules.caller_network(), at);
    perform audit.append('invitation.wrong_code', me);
    return rules.refusal('invitation-unknown', 'No open invitation has this code.');
  end if;
  if invitation.state = 'pending' then
    update data.invitations i set state = 'accepted', accepted_by = me, accepted_at = at where i.id = invitation.id;
    perform rules.withdraw_invitation(invitation, at);
  end if;
  return jsonb_build_object('you_are', case when connection.member_id = me then 'member' else 'contact' end,
                            'other', rules.person_shape(invitation.inviter_id), 'connected_at', connection.connected_at);
end;
$$;
alter function api.accept_invitation(bytea, bytea, bytea[]) owner to pruuf_engine;
comment on function api.accept_invitation(bytea, bytea, bytea[]) is 'POST /v1/invitations/accept. R3.1 the only way to a connection, and the same answer when it is asked again; R3.2 wrong codes are counted.';
grant execute on function api.accept_invitation(bytea, bytea, bytea[]) to pruuf_user;

create or replace function rules.lock_own_connection(member uuid, contact uuid) returns void
language plpgsql volatile security definer set search_path = ''
as $$
begin
  if rules.current_user_id() in (member, contact) then
    perform rules.lock_member(member);
    perform rules.lock_connections(member, contact);
  end if;
end;
$$;
alter function rules.lock_own_connection(uuid, uuid) owner to pruuf_engine;
comment on function rules.lock_own_connection(uuid, uuid) is 'R3.3 before a connection of the caller is changed: the Member''s day, then both sides'' connections (docs/architecture.md). security definer: nobody locks what is others''.';
grant execute on function rules.lock_own_connection(uuid, uuid) to pruuf_user;

create or replace function rules.lock_people(person uuid) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  members uuid[] := array(
    select person union select c.member_id from data.connections c
     where c.contact_id = person and (c.ended_at is null or c.may_return));
begin
  perform pg_advisory_xact_lock(k) from (
    select hashtextextended('member ' || m, 0) as k from unnest(members) as m order by k) as locks;
  perform pg_advisory_xact_lock(k) from (
    select hashtextextended('connections ' || p, 0) as k
      from (select unnest(members) union
            select c.contact_id from data.connections c where c.member_id = person and (c.ended_at is null or c.may_return)) as people (p)
     order by k) as locks;
end;
$$;
comment on function rules.lock_people(uuid) is 'R2.6 before all connections of somebody are changed at once: the days of the Members among them, then everybody''s connections, each in one order (docs/architecture.md).';
grant execute on function rules.lock_people(uuid) to pruuf_engine;

create or replace function rules.lock_connections(one uuid, other uuid) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  perform pg_advisory_xact_lock(k) from (
    select hashtextextended('connections ' || p, 0) as k from unnest(array[one, other]) as p order by k) as locks;
end;
$$;
comment on function rules.lock_connections(uuid, uuid) is 'R1.3, R3.3, R3.5 one change of somebody''s connections after the other; always before a row is locked.';
grant execute on function rules.lock_connections(uuid, uuid) to pruuf_user, pruuf_engine;

create or replace function rules.connect(invitation data.invitations, invitee uuid, at timestamptz) returns data.connections
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  member uuid := case invitation.invitee_becomes when 'member' then invitee else invitation.inviter_id end;
  contact uuid := case invitation.invitee_becomes when 'member' then invitation.inviter_id else invitee end;
  made data.connections;
begin
  perform rules.lock_alarms(member);
  perform rules.lock_connections(member, contact);
  if rules.is_barred(invitation, invitee) then
    return null;
  end if;
  select * into made from data.connections c where c.member_id = member and c.contact_id = contact and c.ended_at is null;
  if found then
    return made;
  elsif exists (select from data.users u where u.id in (member, contact) and u.deleted_at is not null) then
    raise exception 'not-signed-in' using errcode = 'UF401', detail = 'This account is gone. Sign in again.';
  elsif (select count(*) from data.connections c where c.member_id = member and c.ended_at is null) >= rules.policy('contacts_per_member') then
    raise exception 'too-many-contacts' using errcode = 'UF409', detail = format('A Member has at most %s Contacts.', rules.policy('contacts_per_member'));
  elsif (select count(*) from data.connections c where c.contact_id = contact and c.ended_at is null) >= rules.members_allowed(contact, at) then
    raise exception 'too-many-members' using errcode = 'UF409', detail = format('A Contact%s watches at most %s Members.', case when rules.entitlement(contact, at) = 'trialing' then ' on a trial' else '' end, rules.members_allowed(contact, at));
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
comment on function rules.connect(data.invitations, uuid, timestamptz) is 'R3.1, R1.3 makes a connection, within the limits, and tells both; null where a block stands between them (R3.3).';
grant execute on function rules.connect(data.invitations, uuid, timestamptz) to pruuf_engine;

create or replace function rules.contacts_beside(connection data.connections) returns integer
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return (select count(*) from data.connections c where c.member_id = connection.member_id and c.id <> connection.id and c.ended_at is null);
end;
$$;
comment on function rules.contacts_beside(data.connections) is 'R3.3 how many Contacts a Member has beside this one: with none left, they must hear of it.';
grant execute on function rules.contacts_beside(data.connections) to pruuf_engine;

create or replace function rules.tg_connections__end() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
declare
  at timestamptz := rules.clock();
begin
  perform rules.lock_connections(new.member_id, new.contact_id);
  new.ended_at := at;
  -- One that ends with an account is told of with it (R2.6).
  if not new.may_return then
    insert into data.notifications (user_id, kind, cause, facts, created_at)
    values (case new.ended_by when new.member_id then new.contact_id else new.member_id end, 'connection_ended', new.id::text,
            jsonb_build_object('other', rules.person_shape(new.ended_by),
                               'contacts_left', case new.ended_by when new.contact_id then rules.contacts_beside(new) end), at);
  end if;
  -- What a former Contact has not been told yet is no longer theirs to hear.
  perform rules.withdraw(array(
    select d.id from data.alerts a
      join data.deliveries d on d.alert_id = a.id and d.state in ('pending', 'sending')
      join data.notifications n on n.id = d.notification_id and n.user_id = new.contact_id
     where a.member_id = new.member_id and a.state <> 'resolved'), at);
  perform rules.withdraw_routine(new.contact_id, new.member_id, at);
  perform rules.release_alerts(new.member_id, new.contact_id, new.id, at);
  delete from data.watch_settings w where w.contact_id = new.contact_id and w.member_id = new.member_id;
  -- A Member who deletes their account leaves all of them at once; they come back as they were.
  if not (new.may_return and new.ended_by = new.member_id) then
    perform rules.keep_a_primary(new.member_id, new.id);
  end if;
  perform audit.append('connection.ended', new.member_id, new.id);
  perform audit.append('connection.ended', new.contact_id, new.id);
  return new;
end;
$$;
alter function rules.tg_connections__end() owner to pruuf_engine;
comment on function rules.tg_connections__end() is 'R3.3 either side ends a connection at any time; the other side is told.';

create or replace function rules.withdraw_routine(reader uuid, member uuid, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  perform rules.withdraw(array(
    select d.id from unnest(rules.unsettled_at(rules.places_of(reader))) as waiting
      join data.deliveries d on d.id = waiting and rules.is_pending(d.state)
      join data.notifications n on n.id = d.notification_id and n.member_id = member
      join data.notification_kinds k on k.kind = n.kind and k.priority <> 'critical'), at);
end;
$$;
comment on function rules.withdraw_routine(uuid, uuid, timestamptz) is 'R3.4, R7.5 what waits for the end of quiet hours and tells of a Member''s days is not a former Contact''s to hear.';
grant execute on function rules.withdraw_routine(uuid, uuid, timestamptz) to pruuf_engine;

create or replace function rules.keep_a_primary(member uuid, leaving uuid) returns void
language sql volatile security invoker set search_path = ''
as $$
  with promoted as (
    update data.connections c set tier = 'primary'
     where c.member_id = member and c.ended_at is null and c.id <> leaving
       and not exists (select from data.connections p where p.member_id = member and p.ended_at is null and p.id <> leaving and p.tier = 'primary')
    returning c.id)
  select audit.append('contact.tier_changed', member, p.id, jsonb_build_object('tier', 'primary')) from promoted p
$$;
comment on function rules.keep_a_primary(uuid, uuid) is 'R3.5 when the last primary Contact leaves, those who remain are primary: somebody must be told at once.';
grant execute on function rules.keep_a_primary(uuid, uuid) to pruuf_engine;

create or replace function rules.end_connection(member uuid, contact uuid) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  perform rules.lock_own_connection(member, contact);
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
