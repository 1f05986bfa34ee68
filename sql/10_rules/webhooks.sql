create or replace function rules.webhook_type(kind text) returns text
language plpgsql immutable parallel safe security invoker set search_path = ''
as $$
begin
  return case kind
    when 'missed' then 'alert.opened'
    when 'help' then 'alert.opened'
    when 'still_open' then 'alert.escalated'
    when 'needs_more_help' then 'alert.needs_more_help'
    when 'owner_asked' then 'alert.owner_asked'
    when 'unreachable' then 'alert.contact_unreached'
    when 'acknowledged' then 'alert.acknowledged'
    when 'all_clear' then 'alert.resolved' end;
end;
$$;
comment on function rules.webhook_type(text) is 'What a kind of notification is to a program; null for what webhooks do not tell.';
grant execute on function rules.webhook_type(text) to pruuf_engine;

create or replace function rules.tg_notifications__hook() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  -- Nearly nobody has one: this look is all that an alert pays for it.
  if exists (select from told n join data.webhooks w on w.user_id = n.user_id and w.off_at is null where n.alert_id is not null) then
    perform rules.queue_webhook_events(array(
      select n.id from told n
       where n.alert_id is not null and exists (select from data.webhooks w where w.user_id = n.user_id and w.off_at is null)));
  end if;
  return null;
end;
$$;
alter function rules.tg_notifications__hook() owner to pruuf_engine;
comment on function rules.tg_notifications__hook() is 'A Contact''s webhooks are told exactly what the Contact is told of others'' alerts, in the same transaction.';

create or replace function rules.queue_webhook_events(told uuid[]) returns void
language plpgsql volatile security invoker set search_path = '' set lock_timeout = '20ms' set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  insert into data.webhook_events (webhook_id, notification_id, type, created_at, next_attempt_at)
  select w.id, n.id, rules.webhook_type(n.kind), n.created_at, n.created_at
    from data.notifications n
    join data.alerts a on a.id = n.alert_id and a.member_id <> n.user_id
    -- One that another session has locked is passed over: an alert waits for no program.
    cross join lateral (
      select o.id from data.webhooks o where o.user_id = n.user_id and o.off_at is null for key share skip locked) as w
   where n.id = any (told) and rules.webhook_type(n.kind) is not null;
exception when others then
  -- R9.5 people are told, whatever becomes of this.
  raise warning 'webhook events are lost: %', sqlstate;
end;
$$;
comment on function rules.queue_webhook_events(uuid[]) is 'The events of notifications. Never fails and hardly ever waits: the transaction is that of an alert.';
grant execute on function rules.queue_webhook_events(uuid[]) to pruuf_engine;

create or replace function rules.webhook_wait(attempts integer) returns interval
language plpgsql volatile parallel safe security invoker set search_path = ''
as $$
begin
  return (array[interval '5 seconds', '5 minutes', '30 minutes', '2 hours', '5 hours', '10 hours'])[attempts] * (0.8 + 0.4 * random());
end;
$$;
comment on function rules.webhook_wait(integer) is 'Standard Webhooks: how long to wait after the n-th attempt that failed, a fifth more or less; null when it was the last one.';
grant execute on function rules.webhook_wait(integer) to pruuf_worker;

create or replace function rules.webhook_body(event data.webhook_events) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
declare
  told data.notifications;
  alert data.alerts;
begin
  select * into told from data.notifications n where n.id = event.notification_id;
  select * into alert from data.alerts a where a.id = told.alert_id;
  return jsonb_build_object('type', event.type, 'timestamp', event.created_at, 'data', case when event.type = 'webhook.test'
    then jsonb_build_object('webhook_id', event.webhook_id)
    else jsonb_strip_nulls(jsonb_build_object(
      'notification_id', told.id, 'alert_id', alert.id, 'kind', alert.kind, 'state', alert.state, 'round', alert.round,
      'member', alert.facts -> 'member', 'due', alert.facts -> 'due', 'raised_at', alert.raised_at,
      'acknowledged_at', alert.acknowledged_at, 'acknowledged_by', alert.acknowledged_by, 'arrives_at', alert.arrives_at,
      'resolved_at', alert.resolved_at, 'resolved_by', alert.resolved_by, 'resolved_how', alert.resolved_how, 'outcome', alert.outcome,
      'unreached', told.facts -> 'unreached' -> 'id')) end);
end;
$$;
comment on function rules.webhook_body(data.webhook_events) is 'What an event says: ids and states as they are now, and the Member''s name; nothing of an alert that its Contact could not read (R3.4).';
grant execute on function rules.webhook_body(data.webhook_events) to pruuf_worker;

create or replace function rules.is_webhook_event_wanted(event data.webhook_events) returns boolean
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return event.type = 'webhook.test' or exists (
    select from data.webhooks w
      join data.users u on u.id = w.user_id and u.deleted_at is null
      join data.notifications n on n.id = event.notification_id
      join data.alerts a on a.id = n.alert_id and (a.state <> 'resolved' or event.type = 'alert.resolved')
      join data.connections c on c.member_id = a.member_id and c.contact_id = w.user_id and c.ended_at is null
     where w.id = event.webhook_id and w.off_at is null);
end;
$$;
comment on function rules.is_webhook_event_wanted(data.webhook_events) is 'R3.3, R6.5 an event is told while its owner watches the Member and, but for the end, while the alert is not over; a test always.';
grant execute on function rules.is_webhook_event_wanted(data.webhook_events) to pruuf_worker;

create or replace function rules.tg_webhooks__record() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  perform audit.append(case when new.off_at is null then 'webhook.turned_on' else 'webhook.turned_off' end, new.user_id, new.id,
                       jsonb_strip_nulls(jsonb_build_object('reason', new.off_reason)));
  return null;
end;
$$;
alter function rules.tg_webhooks__record() owner to pruuf_engine;
comment on function rules.tg_webhooks__record() is 'R9.2 a webhook that is told nothing any more, or again.';
