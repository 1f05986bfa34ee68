create or replace function rules.is_not_after(obligation uuid, asked uuid) returns boolean
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return exists (select from data.obligations o join data.obligations q on q.id = asked and q.member_id = o.member_id where o.id = obligation and o.due_at <= q.due_at);
end;
$$;
comment on function rules.is_not_after(uuid, uuid) is 'R4.8 whether an obligation is the one that was asked for, or one before it.';
grant execute on function rules.is_not_after(uuid, uuid) to pruuf_engine;

create or replace function rules.asked_by(n data.notifications) returns uuid
language plpgsql immutable parallel safe security invoker set search_path = ''
as $$
begin
  return case when n.kind = 'reminder' and n.cause ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}:' then left(n.cause, 36)::uuid end;
end;
$$;
comment on function rules.asked_by(data.notifications) is 'R4.8 the obligation that a reminder asks for; null for anything else.';
grant execute on function rules.asked_by(data.notifications) to pruuf_user, pruuf_worker, pruuf_engine;

create or replace function rules.is_awaited(o data.obligations, at timestamptz) returns boolean
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return o.state = 'open' and o.opens_at <= at
      or o.state = 'missed' and (o.local_on = (at at time zone o.time_zone)::date
                                 or exists (select from data.alerts a where a.obligation_id = o.id and a.state <> 'resolved'));
end;
$$;
comment on function rules.is_awaited(data.obligations, timestamptz) is 'R4.8 whether an answer to its message still does something: it is open, was missed today, or its alert goes on.';
grant execute on function rules.is_awaited(data.obligations, timestamptz) to pruuf_user, pruuf_engine;

create or replace function rules.asked_last(person uuid, at timestamptz) returns uuid
language plpgsql stable security invoker set search_path = ''
as $$
declare
  reminder data.notifications;
  missed data.obligations;
  heard_at timestamptz;
begin
  select max(c.received_at) into heard_at from data.check_ins c where c.member_id = person;
  select n.* into reminder from data.notifications n
   where n.user_id = person and n.created_at > at - interval '2 days' and n.kind = 'reminder' and rules.asked_by(n) is not null order by n.id desc limit 1;
  select o.* into missed from data.obligations o where o.member_id = person and o.state = 'missed' order by o.due_at desc limit 1;
  if missed.closed_at > coalesce(reminder.created_at, '-infinity') then
    return case when (heard_at >= missed.closed_at) is not true then missed.id end;
  end if;
  return case when (heard_at >= reminder.created_at) is not true then rules.asked_by(reminder) end;
end;
$$;
comment on function rules.asked_last(uuid, timestamptz) is 'R4.8 what a text without a word of its date answers: what was asked or missed last, if nothing was heard since. A carrier may bring yesterday''s text today: it must not close today. Null: nothing waits for an answer, so it is a tap of this moment.';
grant execute on function rules.asked_last(uuid, timestamptz) to pruuf_engine;

create or replace function rules.say_ok(person uuid, way text, asked uuid) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  tap data.check_ins;
  expected data.obligations;
  has_met boolean;
  has_ended boolean;
begin
  insert into data.check_ins (member_id, method, obligation_id) values (person, way, asked) returning * into tap;
  select o.* into expected from data.obligations o where o.member_id = person and o.state = 'open';
  has_met := exists (select from data.obligations_met m where m.check_in_id = tap.id);
  has_ended := exists (select from data.alerts a where a.member_id = person and a.resolved_at = tap.received_at and a.resolved_how = 'checked_in');
  return jsonb_build_object(
    'answer', case when not has_met and asked is not null and expected.opens_at <= tap.received_at then 'still_awaited'
                   when has_met or has_ended then 'checked_in' else 'not_awaited' end,
    'facts', jsonb_build_object(
      'has_ended', has_ended, 'next', case when expected.id is not null then rules.slot_shape(expected) end,
      -- Whoever is a Contact too may have meant the alert.
      'watched', (select a.facts -> 'member' from data.alerts a join data.connections c on c.member_id = a.member_id and c.contact_id = person and c.ended_at is null
                   where a.state <> 'resolved' order by a.id desc limit 1)));
end;
$$;
comment on function rules.say_ok(uuid, text, uuid) is 'R4.8 a Member says by phone that they are well; asked: what they answer, null for a tap of this moment. The answer says what it did, and when the next is due.';
grant execute on function rules.say_ok(uuid, text, uuid) to pruuf_engine;

create or replace function rules.answer_reminder(reminder data.notifications, key text) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  asked data.obligations;
begin
  if key <> '1' then
    return jsonb_build_object('answer', 'unknown_key');
  end if;
  perform rules.lock_member(reminder.user_id);
  select o.* into asked from data.obligations o where o.id = rules.asked_by(reminder) and o.member_id = reminder.user_id;
  if asked.id is null or not rules.is_awaited(asked, rules.clock()) then
    return jsonb_build_object('answer', 'not_awaited');
  end if;
  return rules.say_ok(reminder.user_id, 'call', asked.id);
end;
$$;
comment on function rules.answer_reminder(data.notifications, text) is 'R4.8 a key on the call that asks a Member: 1 is a check-in for what the call asked, and for nothing later.';
grant execute on function rules.answer_reminder(data.notifications, text) to pruuf_engine;

create or replace function rules.check_in_of_link(delivery uuid) returns data.obligations
language plpgsql stable security definer set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
  at timestamptz := rules.clock();
  told data.notifications;
  asked data.obligations;
begin
  select n.* into told from data.deliveries d join data.notifications n on n.id = d.notification_id join data.users u on u.id = n.user_id
   where d.id = delivery and n.user_id = me and u.deleted_at is null;
  select o.* into asked from data.obligations o where o.id = rules.asked_by(told) and o.member_id = me;
  if asked.id is null then
    perform rules.refuse_unknown('link');
  elsif told.created_at < at - make_interval(days => rules.policy('link_life'))
     or not rules.is_awaited(asked, at) and asked.local_on <> (at at time zone asked.time_zone)::date then
    raise exception 'link-is-over' using errcode = 'UF410', detail = 'This link works no more.';
  end if;
  return asked;
end;
$$;
alter function rules.check_in_of_link(uuid) owner to pruuf_engine;
comment on function rules.check_in_of_link(uuid) is 'R4.8 the obligation that a reminder to the caller asked for, while an answer to it does something, and to the end of its day; security definer: deliveries are not open to users.';
grant execute on function rules.check_in_of_link(uuid) to pruuf_user;

create or replace function rules.check_in_by_link(delivery uuid) returns void
language plpgsql volatile security definer set search_path = ''
as $$
declare
  asked data.obligations;
begin
  perform rules.lock_member(rules.signed_in_user_id());
  asked := rules.check_in_of_link(delivery);
  if rules.is_awaited(asked, rules.clock()) then
    perform rules.say_ok(asked.member_id, 'link', asked.id);
  end if;
end;
$$;
alter function rules.check_in_by_link(uuid) owner to pruuf_engine;
comment on function rules.check_in_by_link(uuid) is 'R4.8 the button of the page that a reminder links to: pressed twice it is one check-in. security definer: how a check-in came is not the user''s to say.';
grant execute on function rules.check_in_by_link(uuid) to pruuf_user;
