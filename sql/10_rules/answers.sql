create or replace function rules.speak_as(person uuid) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  perform set_config('pruuf.user_id', person::text, true);
end;
$$;
comment on function rules.speak_as(uuid) is 'R9.2 what follows in this transaction was done by somebody who answered by phone: the trail says so.';
grant execute on function rules.speak_as(uuid) to pruuf_engine;

create or replace function rules.answer_alert(person uuid, alert uuid, action text) returns text
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  known data.alerts;
begin
  select a.* into known
    from data.alerts a join data.connections c on c.member_id = a.member_id and c.contact_id = person and c.ended_at is null
   where a.id = alert;
  if known.id is null or known.state = 'resolved' then
    return 'over';
  elsif action = 'acknowledge' and known.state = 'acknowledged' then
    return case when known.acknowledged_by = person then 'acknowledged' else 'has_an_owner' end;
  end if;
  if action = 'safe' then
    perform rules.say_safe(known, person);
  else
    insert into data.alert_actions (alert_id, user_id, action) values (known.id, person, answer_alert.action);
  end if;
  return case action when 'acknowledge' then 'acknowledged' when 'safe' then 'ended' else 'more_help' end;
exception when sqlstate 'UF409' then
  -- Somebody was faster.
  return case sqlerrm when 'alert-is-over' then 'over' else 'has_an_owner' end;
end;
$$;
comment on function rules.answer_alert(uuid, uuid, text) is 'R6.6 a Contact acts on an alert without the app: what the app would write, and in a word what came of it.';
grant execute on function rules.answer_alert(uuid, uuid, text) to pruuf_engine;

create or replace function rules.say_safe(alert data.alerts, person uuid) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  if alert.kind = 'missed' and (rules.attested_obligation(alert.member_id, rules.clock())).id = alert.obligation_id then
    insert into data.attestations (member_id, contact_id, obligation_id) values (alert.member_id, person, alert.obligation_id);
  else
    insert into data.alert_actions (alert_id, user_id, action, outcome) values (alert.id, person, 'close', 'safe');
  end if;
end;
$$;
comment on function rules.say_safe(data.alerts, uuid) is 'R6.6 a Contact who has seen or spoken to the Member ends the alert: a miss of today by attesting it (R4.9), any other by closing it.';
grant execute on function rules.say_safe(data.alerts, uuid) to pruuf_engine;

create or replace function rules.take_key(delivery uuid, key text) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  at timestamptz := rules.clock();
  told data.notifications;
  answer text;
  said jsonb := jsonb_build_object();
begin
  select n.* into told from data.deliveries d join data.notifications n on n.id = d.notification_id where d.id = delivery and d.channel = 'voice';
  if told.user_id is null then
    return jsonb_build_object('answer', 'over', 'language', 'en', 'facts', '{}'::jsonb);
  end if;
  perform rules.speak_as(told.user_id);
  if told.kind = 'reminder' then
    said := rules.answer_reminder(told, key);
  end if;
  answer := case
    when told.kind = 'reminder' then said ->> 'answer'
    when told.alert_id is null or told.kind = 'all_clear' then 'heard'
    when key = '1' then rules.answer_alert(told.user_id, told.alert_id, 'acknowledge')
    when key = '2' then rules.answer_alert(told.user_id, told.alert_id, 'needs_more_help')
    when key = '3' then rules.answer_alert(told.user_id, told.alert_id, 'safe')
    else 'unknown_key' end;
  -- Deliveries are locked last (docs/architecture.md).
  update data.deliveries d set state = 'confirmed', settled_at = coalesce(d.settled_at, at), lease_until = null, failure = null
   where d.id = delivery and rules.delivery_may_become(d.state, 'confirmed');
  if found then
    perform audit.append('delivery.confirmed', told.user_id, delivery);
  end if;
  return jsonb_build_object('answer', answer, 'language', (select u.language from data.users u where u.id = told.user_id), 'facts', rules.notification_facts(told) || coalesce(said -> 'facts', jsonb_build_object()) || jsonb_build_object('kind', told.kind));
end;
$$;
alter function rules.take_key(uuid, text) owner to pruuf_engine;
comment on function rules.take_key(uuid, text) is 'R6.6 a key that was pressed on a call: there is a person, so the call has arrived; 1 acknowledges, 2 asks for more help, 3 ends it; on a call that reminds a Member 1 is a check-in (R4.8). security definer: the worker may not act for anybody.';
grant execute on function rules.take_key(uuid, text) to pruuf_worker;

create or replace function rules.take_text(message_sid text, lookups bytea[], words text) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  at timestamptz := rules.clock();
  plain text := translate(left(words, 200), 'áéíóúüñÁÉÍÓÚÜÑ', 'aeiouunAEIOUUN');
  word text := upper(btrim(regexp_replace(plain, '[^[:alnum:]]+', ' ', 'g')));
  phone data.addresses;
  said jsonb;
begin
  -- Taken in the same transaction as what it sets off: one that comes at the same moment waits for it here.
  insert into data.received_texts (message_sid, answer, received_at) values (take_text.message_sid, 'none', at) on conflict do nothing;
  if not found then
    select jsonb_build_object('answer', t.answer) into said from data.received_texts t where t.message_sid = take_text.message_sid;
  else
    select a.* into phone from data.addresses a join data.users u on u.id = a.user_id
     where a.kind = 'phone' and a.lookup = any (lookups) and a.verified_at is not null and u.deleted_at is null;
    perform rules.speak_as(phone.user_id) where phone.id is not null;
    said := case
      when word in ('STOP', 'STOPALL', 'UNSUBSCRIBE', 'CANCEL', 'END', 'QUIT') then rules.stop_texts(lookups, at)
      when word in ('START', 'UNSTOP') then rules.start_texts(lookups)
      when phone.id is null then jsonb_build_object('answer', 'unknown_number')
      else rules.answer_text(phone.user_id, word) end;
    update data.received_texts t set answer = said ->> 'answer' where t.message_sid = take_text.message_sid;
  end if;
  return jsonb_build_object('language', coalesce((select u.language from data.users u where u.id = phone.user_id), 'en'), 'facts', '{}'::jsonb) || said;
end;
$$;
alter function rules.take_text(text, bytea[], text) owner to pruuf_engine;
comment on function rules.take_text(text, bytea[], text) is 'R6.6 a text that came to our number, once however often Twilio brings it. security definer: the worker may not act for anybody.';
grant execute on function rules.take_text(text, bytea[], text) to pruuf_worker;

create or replace function rules.stop_texts(lookups bytea[], at timestamptz) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  update data.addresses a set off_at = at, off_reason = 'stopped' where a.kind = 'phone' and a.lookup = any (lookups) and a.off_at is null;
  with waiting as (
    select rules.unsettled_at(array(select a.id from data.addresses a where a.kind = 'phone' and a.lookup = any (lookups))) as ids),
  failed as (
    update data.deliveries d set state = 'failed', failure = 'address-off', settled_at = at
      from waiting w where d.id = any (w.ids) and d.channel = 'sms' and rules.is_pending(d.state)
    returning d.notification_id)
  update data.deliveries d set next_attempt_at = at from failed f where d.notification_id = f.notification_id and rules.is_pending(d.state) and d.stands_by;
  perform pg_notify('pruuf_work', '');
  return jsonb_build_object('answer', 'stopped');
end;
$$;
comment on function rules.stop_texts(bytea[], timestamptz) is 'R7.6 STOP turns SMS off for that number, with the reason; what waits for it goes another way.';
grant execute on function rules.stop_texts(bytea[], timestamptz) to pruuf_engine;

create or replace function rules.start_texts(lookups bytea[]) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  address data.addresses;
begin
  for address in
    update data.addresses a set off_at = null, off_reason = null
     where a.kind = 'phone' and a.lookup = any (lookups) and a.off_reason = 'stopped' returning a.* loop
    perform audit.append('address.turned_on', address.user_id, address.id);
  end loop;
  return jsonb_build_object('answer', 'started');
end;
$$;
comment on function rules.start_texts(bytea[]) is 'R7.6 START takes STOP back, and no other reason.';
grant execute on function rules.start_texts(bytea[]) to pruuf_engine;

create or replace function rules.answer_text(person uuid, word text) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  -- Of every language: nobody has to know which one we think is theirs.
  action text := case
    when word in ('1', 'GOT IT', 'GOTIT', 'I VE GOT THIS', 'I HAVE GOT THIS', 'ME ENCARGO', 'ME ENCARGO YO', 'YO ME ENCARGO') then 'acknowledge'
    when word in ('2', 'HELP', 'MORE HELP', 'AYUDA', 'MAS AYUDA', 'HACE FALTA MAS AYUDA') then 'needs_more_help'
    when word in ('3', 'SAFE', 'A SALVO', 'ESTA A SALVO') then 'safe' end;
  open_alerts uuid[];
begin
  if word in ('OK', 'OKAY', 'OKEY', 'I M OK', 'IM OK', 'I AM OK', 'ESTOY BIEN') then
    if not exists (select from data.connections c where c.member_id = person and c.ended_at is null)
       and not exists (select from data.schedules s where s.member_id = person and s.superseded_at is null) then
      return jsonb_build_object('answer', 'no_member');
    end if;
    return rules.say_ok(person, 'sms', rules.asked_last(person, rules.clock()));
  elsif action is null then
    return jsonb_build_object('answer', 'not_understood');
  end if;
  open_alerts := array(
    select a.id from data.alerts a join data.connections c on c.member_id = a.member_id and c.contact_id = person and c.ended_at is null
     where a.state <> 'resolved' limit 2);
  if cardinality(open_alerts) <> 1 then
    return jsonb_build_object('answer', case cardinality(open_alerts) when 0 then 'no_alert' else 'several_alerts' end);
  end if;
  return jsonb_build_object('answer', rules.answer_alert(person, open_alerts[1], action),
                            'facts', (select a.facts || jsonb_build_object('acknowledged_by', rules.named_in(a, a.acknowledged_by)) from data.alerts a where a.id = open_alerts[1]));
end;
$$;
comment on function rules.answer_text(uuid, text) is 'R4.8 "OK" of a Member is a check-in, also when somebody whom they watch has an alert; R6.6 of a Contact with one open alert "1" acknowledges, "2" asks for more help and "3" ends it. Anything else does nothing.';
grant execute on function rules.answer_text(uuid, text) to pruuf_engine;
