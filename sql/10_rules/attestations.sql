create or replace function rules.attested_obligation(member uuid, at timestamptz) returns data.obligations
language plpgsql stable security invoker set search_path = ''
as $$
declare
  found_one data.obligations;
begin
  select o.* into found_one
    from data.obligations o
   where o.member_id = member and o.due_at > at - interval '2 days'
     and (o.state = 'open' and o.opens_at <= at
       or o.local_on = (at at time zone o.time_zone)::date and (o.state = 'missed' or exists (select from data.attestations t where t.obligation_id = o.id)))
   order by exists (select from data.alerts a where a.obligation_id = o.id and a.state <> 'resolved') desc, o.state = 'open' desc, o.due_at desc
   limit 1;
  return found_one;
end;
$$;
comment on function rules.attested_obligation(uuid, timestamptz) is 'R4.9 what a Contact''s word is about now: a miss of today with its alert, else the check-in that is awaited, else what was closed today; null on other days and on a break.';
grant execute on function rules.attested_obligation(uuid, timestamptz) to pruuf_engine;

create or replace function rules.tg_attestations__close() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
declare
  at timestamptz := rules.clock();
  seen data.obligations;
begin
  perform rules.lock_member(new.member_id);
  perform rules.overtake_misses(new.member_id, at);
  seen := rules.attested_obligation(new.member_id, at);
  if seen.state = 'open' and exists (select from data.alerts a join data.obligations o on o.id = a.obligation_id
              where a.member_id = new.member_id and a.state <> 'resolved' and o.local_on <> (at at time zone o.time_zone)::date) then
    -- They may mean the alert that is open, and would excuse the day after it.
    raise exception 'nothing-to-attest' using errcode = 'UF409', detail = 'An alert of another day is still open. Close it.';
  elsif seen.id is null or new.obligation_id <> seen.id then
    raise exception 'nothing-to-attest' using errcode = 'UF409', detail = 'No check-in is awaited now, and none was missed today.';
  elsif seen.state = 'open' then
    perform rules.excuse_attested(seen, new.contact_id, at);
  elsif seen.state = 'missed' then
    perform rules.resolve_alert(a.id, 'attested', new.contact_id, at, null, new.note)
       from data.alerts a join data.obligations o on o.id = a.obligation_id
      where a.member_id = new.member_id and a.state <> 'resolved' and o.local_on = seen.local_on;
  end if;
  new.obligation_id := seen.id;
  new.attested_at := at;
  perform audit.append('member.attested', new.member_id, seen.id);
  return new;
end;
$$;
alter function rules.tg_attestations__close() owner to pruuf_engine;
comment on function rules.tg_attestations__close() is 'R4.9 a Contact''s word ends the alerts of today''s misses, which stay misses, or else excuses the check-in that is awaited: it is never the Member''s own.';

create or replace function rules.excuse_attested(expected data.obligations, contact uuid, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  update data.obligations o set state = 'excused', closed_at = at, remind_at = null where o.id = expected.id;
  perform rules.open_next(expected.member_id, at);
  perform rules.withdraw_reminders(expected, at);
  insert into data.notifications (user_id, kind, cause, member_id, facts, created_at, expires_at)
  values (expected.member_id, 'attested', expected.id::text, expected.member_id,
          jsonb_build_object('by', rules.person_shape(contact), 'due', rules.slot_shape(expected)), at, expected.alert_at + interval '12 hours');
end;
$$;
comment on function rules.excuse_attested(data.obligations, uuid, timestamptz) is 'R4.9 the awaited check-in is asked for no more, and the Member is told on whose word.';
grant execute on function rules.excuse_attested(data.obligations, uuid, timestamptz) to pruuf_engine;

create or replace function rules.attestations_of(obligation uuid) returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
declare
  me uuid := rules.current_user_id();
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object('at', t.attested_at, 'by', jsonb_build_object('id', u.id, 'name', u.name), 'note', t.note) order by t.id), '[]')
      from data.attestations t join data.users u on u.id = t.contact_id
     where t.obligation_id = obligation
       and (t.member_id = me or exists (select from data.connections c where c.member_id = t.member_id and c.contact_id = me and c.ended_at is null)));
end;
$$;
alter function rules.attestations_of(uuid) owner to pruuf_engine;
comment on function rules.attestations_of(uuid) is 'R4.9 whose word there is about a check-in, by name: security definer, since Contacts cannot see each other''s rows.';
grant execute on function rules.attestations_of(uuid) to pruuf_user, pruuf_engine;
