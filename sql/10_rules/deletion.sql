create or replace function rules.stop_schedule(member uuid, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  perform rules.lock_member(member);
  -- A deadline that has passed while no job ran is a miss: nobody dodges one by leaving.
  perform rules.overtake_misses(member, at);
  update data.obligations o set state = 'excused', closed_at = at, remind_at = null where o.member_id = member and o.state = 'open';
  update data.schedules s set superseded_at = at where s.member_id = member and s.superseded_at is null;
end;
$$;
comment on function rules.stop_schedule(uuid, timestamptz) is 'R2.6 nothing is expected any more of whoever deletes their account.';
grant execute on function rules.stop_schedule(uuid, timestamptz) to pruuf_engine;

create or replace function rules.resume_schedule(member uuid, since timestamptz, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  perform rules.lock_member(member);
  update data.schedules s set superseded_at = null where s.member_id = member and s.superseded_at = since;
  if not found then
    return;
  end if;
  -- Back before the time that was excused: it counts again, or today would be watched by nobody.
  update data.obligations o
     set state = 'open', closed_at = null, remind_at = (select r.remind_at from rules.reminder_after(s, o.due_at, o.alert_at, at) r)
    from data.schedules s
   where o.member_id = member and o.state = 'excused' and o.closed_at = since and o.due_at > at and s.id = o.schedule_id;
  if not found then
    perform rules.open_next(member, at);
  end if;
  perform pg_notify('pruuf_work', '');
end;
$$;
comment on function rules.resume_schedule(uuid, timestamptz, timestamptz) is 'R2.6 the schedule that was in force when the account was deleted is in force again, with its next obligation.';
grant execute on function rules.resume_schedule(uuid, timestamptz, timestamptz) to pruuf_engine;

create or replace function rules.tell_account_deleted(person uuid, at timestamptz) returns void
language sql volatile security invoker set search_path = ''
as $$
  with others as (
    select case c.member_id when person then c.contact_id else c.member_id end as reader,
           bool_or(c.member_id = person) as was_member, bool_or(c.contact_id = person) as was_contact
      from data.connections c where person in (c.member_id, c.contact_id) and c.ended_at is null
     group by 1)
  insert into data.notifications (user_id, kind, cause, facts, created_at)
  select o.reader, 'account_deleted', person || ' ' || at, jsonb_build_object(
           'other', rules.person_shape(person), 'was_member', o.was_member, 'was_contact', o.was_contact,
           'alert_stays', o.was_member and exists (select from data.alerts a where a.member_id = person and a.state <> 'resolved'),
           'contacts_left', (select count(*) from data.connections c where c.member_id = o.reader and c.contact_id <> person and c.ended_at is null)),
         at
    from others o
$$;
comment on function rules.tell_account_deleted(uuid, timestamptz) is 'R2.6 whoever is connected is told, and whoever has no Contact left that nobody is.';
grant execute on function rules.tell_account_deleted(uuid, timestamptz) to pruuf_engine;

create or replace function rules.part_ways(person uuid, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  perform rules.lock_people(person);
  perform from data.connections c where person in (c.member_id, c.contact_id) and c.ended_at is null order by c.id for update;
  update data.connections c set ended_at = at, ended_by = person, may_return = true
   where c.ended_at is null
     and (c.contact_id = person
       or c.member_id = person and not exists (select from data.alerts a where a.member_id = person and a.state <> 'resolved'));
  update data.users u
     set is_leaving = exists (select from data.connections c where person in (c.member_id, c.contact_id) and c.ended_at is null)
   where u.id = person;
end;
$$;
comment on function rules.part_ways(uuid, timestamptz) is 'R2.6 ends the connections of a deleted account. Those with the Contacts of a Member with an alert stay until it is resolved: no alert ends in silence, so they go on seeing it and acting on it.';
grant execute on function rules.part_ways(uuid, timestamptz) to pruuf_engine;

create or replace function rules.withdraw_all(person uuid, at timestamptz) returns void
language sql volatile security invoker set search_path = ''
as $$
  update data.invitations i set state = 'revoked', revoked_at = at where i.inviter_id = person and i.state = 'pending';
  select rules.withdraw_invitation(i, at) from data.invitations i where i.inviter_id = person and i.revoked_at = at;
  select rules.withdraw(rules.unsettled_at(rules.places_of(person)), at)
$$;
comment on function rules.withdraw_all(uuid, timestamptz) is 'R2.6 what is queued for a deleted account is cancelled, and so are its invitations that nobody has accepted.';
grant execute on function rules.withdraw_all(uuid, timestamptz) to pruuf_engine;

create or replace function rules.restore_account(person uuid, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  since timestamptz;
  missing jsonb;
begin
  select u.deleted_at into since from data.users u where u.id = person for no key update;
  if since is null then
    return;
  end if;
  perform rules.lock_people(person);
  update data.users u set deleted_at = null, is_leaving = false where u.id = person;
  update data.deliveries d set state = 'cancelled', settled_at = at
    from data.notifications n where n.user_id = person and n.kind = 'goodbye' and d.notification_id = n.id and rules.is_pending(d.state);
  perform rules.resume_schedule(person, since, at);
  missing := rules.reconnect(person, at);
  insert into data.notifications (user_id, kind, cause, facts, created_at)
  select case c.member_id when person then c.contact_id else c.member_id end, 'account_restored', person || ' ' || at,
         jsonb_build_object('other', rules.person_shape(person), 'is_member', bool_or(c.member_id = person), 'is_contact', bool_or(c.contact_id = person)), at
    from data.connections c where person in (c.member_id, c.contact_id) and c.ended_at is null group by 1
  union all
  select person, 'account_restored', person || ' ' || at, jsonb_build_object('missing', missing), at;
  perform audit.append('account.restored', person, person);
end;
$$;
comment on function rules.restore_account(uuid, timestamptz) is 'R2.6 whoever signs in to a deleted account has it back, and all who are connected with it are told. Does nothing for any other account.';
grant execute on function rules.restore_account(uuid, timestamptz) to pruuf_engine;

create or replace function rules.reconnect(person uuid, at timestamptz) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  ended data.connections;
  other uuid;
  missing jsonb := jsonb_build_array();
begin
  for ended in select * from data.connections c where person in (c.member_id, c.contact_id) and c.may_return order by c.id loop
    other := case ended.member_id when person then ended.contact_id else ended.member_id end;
    -- Whoever is deleted too brings it back when they come.
    if exists (select from data.users u where u.id = other and u.deleted_at is not null) or not rules.connect_again(ended, at) then
      missing := missing || jsonb_build_array(rules.person_shape(other));
    end if;
  end loop;
  return missing;
end;
$$;
comment on function rules.reconnect(uuid, timestamptz) is 'R2.6 brings back the connections that ended with an account; gives the people with whom that is not possible.';
grant execute on function rules.reconnect(uuid, timestamptz) to pruuf_engine;

create or replace function rules.connect_again(ended data.connections, at timestamptz) returns boolean
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  is_back boolean;
begin
  perform rules.lock_alarms(ended.member_id);
  perform rules.lock_connections(ended.member_id, ended.contact_id);
  is_back := not exists (select from data.blocks b where b.unblocked_at is null
                            and (b.blocker_id, b.blocked_id) in ((ended.member_id, ended.contact_id), (ended.contact_id, ended.member_id)))
    and not exists (select from data.connections c where c.member_id = ended.member_id and c.contact_id = ended.contact_id and c.ended_at is null)
    and (select count(*) from data.connections c where c.member_id = ended.member_id and c.ended_at is null) < rules.policy('contacts_per_member')
    and (select count(*) from data.connections c where c.contact_id = ended.contact_id and c.ended_at is null) < rules.members_allowed(ended.contact_id, at);
  update data.connections c
     set may_return = false, ended_at = case when not is_back then c.ended_at end, ended_by = case when not is_back then c.ended_by end
   where c.id = ended.id;
  if is_back then
    perform rules.tell_of_open_alerts(ended.member_id, array[ended.contact_id], data.new_id(), at);
    perform audit.append('connection.restored', ended.member_id, ended.id);
    perform audit.append('connection.restored', ended.contact_id, ended.id);
  end if;
  return is_back;
end;
$$;
comment on function rules.connect_again(data.connections, timestamptz) is 'R2.6, R1.3 one that ended with an account is as it was, if the limits leave room for it; it was made by the act of both.';
grant execute on function rules.connect_again(data.connections, timestamptz) to pruuf_engine;
