create or replace function rules.may_have_arrived(delivery data.deliveries) returns boolean
language plpgsql immutable parallel safe security invoker set search_path = ''
as $$
begin
  return delivery.may_have_arrived or delivery.state in ('sending', 'accepted', 'delivered', 'confirmed');
end;
$$;
comment on function rules.may_have_arrived(data.deliveries) is 'R6.5 whether anybody may have read it: it was taken, is in a sender''s hand, or nobody knows.';
grant execute on function rules.may_have_arrived(data.deliveries) to pruuf_engine, pruuf_worker;

create or replace function rules.tg_notifications__address() returns trigger
language plpgsql volatile security invoker set search_path = '' set enable_hashjoin = on set enable_mergejoin = on
as $$
begin
  -- Joins with the new rows, which have no index, want a hash: whoever calls may have switched that off.
  if not exists (select from told) then
    return null;
  elsif exists (
    select from (select distinct n.kind from told n) as t
     where not exists (select from data.notification_kinds k where k.kind = t.kind)) then
    raise exception 'invalid' using errcode = 'UF422', detail = 'There is no such kind of notification.';
  end if;
  insert into data.deliveries (notification_id, alert_id, channel, address_id, device_id, work_rank, next_attempt_at, stands_by, expires_at, created_at)
  select n.id, n.alert_id, place.channel, place.address_id, place.device_id, k.work_rank,
         case when k.priority = 'critical' or k.is_urgent then n.created_at else coalesce(rules.quiet_until(n.user_id, n.created_at), n.created_at) end
           + case when place.stands_by then make_interval(secs => rules.policy('high_fallback')) else interval '0' end,
         place.stands_by,
         -- Days later a call that says that it is over would speak beside the next alarm.
         case when place.channel = 'voice' and n.kind = 'all_clear' then n.created_at + interval '1 hour' else n.expires_at end, n.created_at
    from rules.places(array(select n.id from told n)) as place
    join told n on n.id = place.notification_id
    join data.notification_kinds k on k.kind = n.kind;

  perform pg_notify('pruuf_work', '');
  perform pg_notify('pruuf_told', string_agg(reader::text, ','))
     from (select n.user_id as reader, (row_number() over () - 1) / 200 as batch from told n where n.user_id is not null) as readers
    group by batch;
  return null;
end;
$$;
comment on function rules.tg_notifications__address() is 'R6.1 a notification and all its deliveries are one statement; then it wakes the deliverer and the open event streams (200 ids a notification: a payload holds 8,000 bytes).';

create or replace function rules.tg_notification_kinds__stay() returns trigger
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  raise exception 'invalid' using errcode = 'UF422', detail = 'A kind of notification is never deleted: messages refer to it.';
end;
$$;
comment on function rules.tg_notification_kinds__stay() is 'R7.2 stands for a foreign key: one would let a session that holds the row of a kind hold up all alerts.';

create or replace function rules.places(told uuid[])
returns table (notification_id uuid, channel text, address_id uuid, device_id uuid, stands_by boolean)
language plpgsql stable security invoker set search_path = '' set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  return query
  with news as (
    select t.*, k.priority,
           k.priority <> 'critical' and t.alert_id is null and exists (select from data.watch_settings w where w.contact_id = t.user_id and w.member_id = t.member_id and w.mutes_routine) as is_muted,
           exists (select from billing.accounts b where b.user_id = t.user_id and b.entitlement = 'frozen') as is_frozen,
           -- Not even looked at for what is critical (R6.9).
           case k.priority when 'critical' then null
             else (select case k.priority when 'high' then p.high_channels else p.normal_channels end from data.preferences p where p.user_id = t.user_id) end as chosen
      from data.notifications t join data.notification_kinds k on k.kind = t.kind
     where t.id = any (told) and (t.kind in ('goodbye', 'all_clear') or (select u.deleted_at from data.users u where u.id = t.user_id) is null)),
  place as (
    select n.id, n.priority, n.chosen, n.is_frozen, 'push' as channel, null::uuid as address_id, v.id as device_id, v.may_push
      from news n join data.devices v on v.user_id = n.user_id and v.off_at is null
     where n.kind <> 'all_clear' and not n.is_muted and not (n.is_frozen and n.priority <> 'critical' and n.member_id is not null and n.alert_id is null)
    union all
    select n.id, n.priority, n.chosen, n.is_frozen, case a.kind when 'email' then 'email' else 'sms' end, a.id, null, false
      from news n join data.addresses a on a.user_id = n.user_id and a.verified_at is not null and a.off_at is null
     where n.kind <> 'all_clear' and not n.is_muted and not (n.is_frozen and n.priority <> 'critical' and n.member_id is not null and n.alert_id is null)
    union all
    select n.id, n.priority, n.chosen, n.is_frozen, 'voice', a.id, null, false
      from news n join data.addresses a on a.user_id = n.user_id and a.kind = 'phone' and a.verified_at is not null
       -- A phone that takes no texts can still ring.
       and (a.off_at is null or a.off_reason in ('landline', 'stopped'))
     where n.has_call),
  open as (
    select p.*, bool_or(p.is_chosen) over (partition by p.id) as has_chosen
      -- A call is chosen with the SMS: it is the same phone.
      from (select c.*, c.chosen is null or case c.channel when 'voice' then 'sms' else c.channel end = any (c.chosen) as is_chosen from place c) as p),
  known as (
    select o.*, bool_or(o.may_push) over of_one as has_push, bool_or(o.channel = 'sms') over of_one as has_sms, bool_or(o.channel = 'email') over of_one as has_email,
           bool_or(o.channel in ('push', 'email')) over of_one as is_reached_for_nothing
      from open o where o.is_chosen or not o.has_chosen window of_one as (partition by o.id))
  select p.id, p.channel, p.address_id, p.device_id, p.priority = 'high' and p.has_push and p.channel <> 'push'
    from known p
   where (p.priority = 'critical'
      or p.priority in ('high', 'normal') and (p.channel = 'push' or not p.has_push and (p.channel = 'sms' or not p.has_sms))
      or p.priority = 'normal' and p.channel = 'voice' and not p.has_push
      or p.priority in ('high', 'low') and p.channel = 'email'
      or p.priority = 'low' and not p.has_email and (p.channel = 'push' or not p.has_push))
     -- Never dropped for money: whoever has nothing else still gets the SMS.
     and not (p.is_frozen and p.channel in ('sms', 'voice') and p.is_reached_for_nothing)
  union all
  select n.id, p.channel, a.id, v.id, false
    from news n
    cross join lateral rules.places_of_alarm(n.alert_id, n.user_id) as p
    left join data.addresses a on a.id = p.place_id
    left join data.devices v on v.id = p.place_id
   where n.kind = 'all_clear' and num_nonnulls(a.id, v.id) = 1
  union all
  select n.id, case n.address_kind when 'email' then 'email' else 'sms' end, null, null, false
    from news n where n.address_sealed is not null;
end;
$$;
comment on function rules.places(uuid[]) is 'R7.2 where notifications go: critical to every verified address and device, by call where its round calls (R6.3); high by push with e-mail standing by; normal by push, or SMS (and by call where it asks for one, R4.8) or e-mail for a user without one, or whose phone may not show it (R4.12); low by e-mail, or push or SMS; of these only what its reader chose, unless none of that is there (R7.5); an all-clear wherever the alarm may have arrived (R6.5); a deleted account hears of nothing else (R2.6); what is neither critical nor about an alert of a muted Member goes nowhere (R3.4, R6.4), nor to a frozen Contact, who also gets neither SMS nor call while there is another way (R8.3); it stays in the app.';
grant execute on function rules.places(uuid[]) to pruuf_worker, pruuf_engine;

create or replace function rules.places_of_alarm(alert uuid, reader uuid) returns table (channel text, place_id uuid)
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return query
  select p.channel, p.place_id from data.alarm_places p where p.alert_id = alert and p.user_id = reader
  union
  -- In a sender's hand: nobody knows.
  select d.channel, coalesce(d.address_id, d.device_id)
    from data.deliveries d join data.notifications n on n.id = d.notification_id
   where d.alert_id = alert and d.state = 'sending' and n.user_id = reader and n.kind <> 'all_clear';
end;
$$;
comment on function rules.places_of_alarm(uuid, uuid) is 'R6.5 where messages of an alert may have arrived at one of its readers.';
grant execute on function rules.places_of_alarm(uuid, uuid) to pruuf_worker, pruuf_engine;

create or replace function rules.tg_deliveries__arrive() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  insert into data.alarm_places (alert_id, user_id, channel, place_id)
  select n.alert_id, n.user_id, new.channel, coalesce(new.address_id, new.device_id)
    from data.notifications n
   where n.id = new.notification_id and n.alert_id is not null and n.user_id is not null and n.kind <> 'all_clear'
  on conflict do nothing;
  return null;
end;
$$;
alter function rules.tg_deliveries__arrive() owner to pruuf_engine;
comment on function rules.tg_deliveries__arrive() is 'R6.5 a message of an alert may have arrived: its place is kept, once for each alert.';

create or replace function rules.tg_webhook_events__arrive() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  insert into data.alarm_places (alert_id, user_id, channel, place_id)
  select n.alert_id, n.user_id, 'webhook', new.webhook_id
    from data.notifications n where n.id = new.notification_id and n.alert_id is not null and n.user_id is not null
  on conflict do nothing;
  return null;
end;
$$;
alter function rules.tg_webhook_events__arrive() owner to pruuf_engine;
comment on function rules.tg_webhook_events__arrive() is 'R6.5 a program may have heard of an alert, and waits for its end.';

create or replace function rules.is_pending(state text) returns boolean
language plpgsql immutable parallel safe security invoker set search_path = ''
as $$
begin
  return state = 'pending';
end;
$$;
comment on function rules.is_pending(text) is 'R9.5 for deliveries that are found by their id or their notification: with the plain condition the planner may read the partial index of all pending ones, since it believes that there are few. In a burst there are not.';
grant execute on function rules.is_pending(text) to pruuf_worker, pruuf_engine;

create or replace function rules.is_unsettled(state text) returns boolean
language plpgsql immutable parallel safe security invoker set search_path = ''
as $$
begin
  return state in ('pending', 'sending');
end;
$$;
comment on function rules.is_unsettled(text) is 'R9.5 as rules.is_pending, also for what is in a sender''s hand.';
grant execute on function rules.is_unsettled(text) to pruuf_worker, pruuf_engine;

create or replace function rules.withdraw(ids uuid[], at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  -- docs/architecture.md: deliveries are locked last, and in the order of their ids.
  perform from data.deliveries d where d.id = any (ids) order by d.id for no key update;
  update data.deliveries d
     set state = case when d.state = 'pending' then 'cancelled' else d.state end,
         settled_at = case when d.state = 'pending' then at else d.settled_at end, is_withdrawn = true
   where d.id = any (ids) and rules.is_unsettled(d.state);
end;
$$;
comment on function rules.withdraw(uuid[], timestamptz) is 'R6.5 cancels deliveries that have not been sent; those in a sender''s hand are not tried again.';
grant execute on function rules.withdraw(uuid[], timestamptz) to pruuf_engine;

create or replace function rules.places_of(person uuid) returns uuid[]
language sql stable security invoker set search_path = ''
as $$
  select array(select a.id from data.addresses a where a.user_id = person
               union all select v.id from data.devices v where v.user_id = person)
$$;
comment on function rules.places_of(uuid) is 'The addresses and devices of somebody.';
grant execute on function rules.places_of(uuid) to pruuf_engine;

create or replace function rules.unsettled_at(places uuid[]) returns uuid[]
language sql volatile security invoker set search_path = ''
as $$
  -- What somebody else has locked just now is being sent or withdrawn: whoever holds a place waits for no delivery.
  select array(
    select d.id from data.deliveries d
     where coalesce(d.address_id, d.device_id) = any (places)
       and coalesce(d.address_id, d.device_id) is not null and d.state in ('pending', 'sending')
     order by d.id for no key update skip locked)
$$;
comment on function rules.unsettled_at(uuid[]) is 'R7.6 what waits for these addresses and devices, or is in a sender''s hand, locked.';
grant execute on function rules.unsettled_at(uuid[]) to pruuf_worker, pruuf_engine;

create or replace function rules.delivery_may_become(before text, after text) returns boolean
language plpgsql immutable parallel safe security invoker set search_path = ''
as $$
begin
  return case before
    when 'pending' then after in ('sending', 'cancelled', 'expired', 'failed', 'accepted', 'delivered', 'confirmed')
    when 'sending' then after in ('pending', 'accepted', 'delivered', 'confirmed', 'failed', 'cancelled', 'expired')
    when 'accepted' then after in ('delivered', 'confirmed', 'failed')
    when 'delivered' then after in ('confirmed', 'failed')
    when 'cancelled' then after in ('accepted', 'delivered', 'confirmed')
    when 'expired' then after in ('accepted', 'delivered', 'confirmed')
    when 'failed' then after in ('accepted', 'delivered', 'confirmed')
    else false
  end;
end;
$$;
comment on function rules.delivery_may_become(text, text) is 'R7.1 a delivery''s state only moves up; sending and pending take turns while it is tried. What reached somebody after it was given up did reach them, and what came back after it was delivered did not.';
grant execute on function rules.delivery_may_become(text, text) to pruuf_worker, pruuf_engine;

create or replace function rules.tg_deliveries__only_up() returns trigger
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  raise exception 'delivery-only-moves-up' using errcode = 'UF409', detail = format('A delivery that is %s does not become %s.', old.state, new.state);
end;
$$;
comment on function rules.tg_deliveries__only_up() is 'R7.1 raised for a step that rules.delivery_may_become does not know.';

create or replace function rules.withdraw_from(address uuid, device uuid) returns void
language sql volatile security invoker set search_path = ''
as $$
  select rules.withdraw(rules.unsettled_at(array[coalesce(address, device)]), rules.clock())
$$;
comment on function rules.withdraw_from(uuid, uuid) is 'R7.6 what waits for a place that its owner removes is not sent there any more; what was sent stays on record.';
grant execute on function rules.withdraw_from(uuid, uuid) to pruuf_engine;

create or replace function rules.tg_addresses__withdraw() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  perform rules.withdraw_from(old.id, null);
  return old;
end;
$$;
alter function rules.tg_addresses__withdraw() owner to pruuf_engine;
comment on function rules.tg_addresses__withdraw() is 'R7.6 before an address goes.';

create or replace function rules.tg_addresses__record() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  perform audit.append('address.turned_off', new.user_id, new.id, jsonb_build_object('reason', new.off_reason));
  return null;
end;
$$;
alter function rules.tg_addresses__record() owner to pruuf_engine;
comment on function rules.tg_addresses__record() is 'R9.2, R7.6 an address that is sent to no more, whoever found that it is dead.';

create or replace function rules.tg_devices__record() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  if tg_op = 'DELETE' then
    perform audit.append('device.removed', old.user_id, old.id);
  elsif old.off_at is null and new.off_at is not null then
    perform audit.append('device.turned_off', old.user_id, old.id, jsonb_build_object('reason', new.off_reason));
  elsif old.may_push <> new.may_push then
    perform audit.append('device.push_' || case when new.may_push then 'allowed' else 'refused' end, old.user_id, old.id);
  end if;
  return null;
end;
$$;
alter function rules.tg_devices__record() owner to pruuf_engine;
comment on function rules.tg_devices__record() is 'R9.2, R7.6 a device that goes: removed, the oldest of too many, its token another''s now, or dead; R4.12 and one whose user lets it show pushes or not. That a device is alive is no change of a person''s data.';

create or replace function rules.tg_devices__withdraw() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  perform rules.withdraw_from(null, old.id);
  return old;
end;
$$;
alter function rules.tg_devices__withdraw() owner to pruuf_engine;
comment on function rules.tg_devices__withdraw() is 'R7.6 before a device goes.';
