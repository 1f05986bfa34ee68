create or replace function rules.notification_shape(n data.notifications) returns jsonb
language sql stable security invoker set search_path = ''
as $$
  select jsonb_build_object(
    'id', n.id, 'kind', n.kind, 'alert_id', n.alert_id, 'created_at', n.created_at, 'read_at', n.read_at,
    'language', (rules.my_account()).language,
    'facts', rules.notification_facts(n))
$$;
comment on function rules.notification_shape(data.notifications) is 'A notification and the facts its text is made from.';
grant execute on function rules.notification_shape(data.notifications) to pruuf_user;

create or replace function rules.notification_facts(n data.notifications) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return (
    select coalesce(a.facts || jsonb_build_object('alert_kind', a.kind, 'acknowledged_by', rules.named_in(a, a.acknowledged_by)), '{}') || n.facts
           || jsonb_build_object('recipient', jsonb_build_object('id', n.user_id, 'name', (select u.name from data.users u where u.id = n.user_id)))
           || case when n.kind = 'all_clear' and rules.has_other_alert(a) then '{"also_open": true}' else '{}' end::jsonb
           || case when n.alert_id is not null and not rules.is_entitled(n.user_id) then '{"is_frozen": true}' else '{}' end::jsonb
      from (values (1)) as one
      left join data.alerts a on a.id = n.alert_id);
end;
$$;
comment on function rules.notification_facts(data.notifications) is 'R6.7 what a text may say: the alert''s facts, who has it by now, the notification''s own, and who reads it.';
grant execute on function rules.notification_facts(data.notifications) to pruuf_user, pruuf_worker, pruuf_engine;

create or replace function api.list_notifications(cursor uuid, size integer) returns jsonb
language sql stable security invoker set search_path = ''
as $$
  select rules.page(array(
    select rules.notification_shape(n) from data.notifications n
     where n.user_id = rules.signed_in_user_id() and n.hidden_at is null and (list_notifications.cursor is null or n.id < list_notifications.cursor)
     order by n.id desc limit size + 1), size)
$$;
comment on function api.list_notifications(uuid, integer) is 'GET /v1/notifications, the newest first';
grant execute on function api.list_notifications(uuid, integer) to pruuf_user;

create or replace function api.read_notification(notification_id uuid) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  notification data.notifications;
begin
  update data.notifications n set read_at = coalesce(n.read_at, rules.clock())
   where n.id = read_notification.notification_id and n.user_id = rules.signed_in_user_id() and n.hidden_at is null
  returning * into notification;
  if not found then
    perform rules.refuse_unknown('notification');
  end if;
  return rules.notification_shape(notification);
end;
$$;
comment on function api.read_notification(uuid) is 'POST /v1/notifications/{id}/read. A trigger takes back what stood by.';
grant execute on function api.read_notification(uuid) to pruuf_user;

create or replace function api.read_all_notifications() returns jsonb
language sql volatile security invoker set search_path = ''
as $$
  with read as (
    update data.notifications n set read_at = rules.clock() where n.user_id = rules.signed_in_user_id() and n.read_at is null returning 1)
  select jsonb_build_object('count', count(*)) from read
$$;
comment on function api.read_all_notifications() is 'POST /v1/notifications/read-all';
grant execute on function api.read_all_notifications() to pruuf_user;

create or replace function api.hide_notification(notification_id uuid) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  update data.notifications n set hidden_at = rules.clock()
   where n.id = hide_notification.notification_id and n.user_id = rules.signed_in_user_id() and n.hidden_at is null;
  if not found then
    perform rules.refuse_unknown('notification');
  end if;
  return jsonb_build_object();
end;
$$;
comment on function api.hide_notification(uuid) is 'DELETE /v1/notifications/{id}: it leaves the list; the record stays.';
grant execute on function api.hide_notification(uuid) to pruuf_user;

create or replace function rules.tg_notifications__stamp() returns trigger
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  new.read_at := case when old.read_at is null and new.read_at is not null then rules.clock() else old.read_at end;
  new.hidden_at := case when old.hidden_at is null and new.hidden_at is not null then rules.clock() else old.hidden_at end;
  return new;
end;
$$;
comment on function rules.tg_notifications__stamp() is 'The server''s clock says when something was read or hidden, once; neither is undone.';

create or replace function rules.tg_notifications__read() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  update data.deliveries d set state = 'cancelled', settled_at = rules.clock()
   where d.id in (
     select o.id from data.deliveries o
      where o.notification_id = new.id and rules.is_pending(o.state)
        and (o.stands_by or exists (select from data.notification_kinds k where k.kind = new.kind and k.priority <> 'critical'))
      order by o.id for no key update skip locked);
  return null;
end;
$$;
alter function rules.tg_notifications__read() owner to pruuf_engine;
comment on function rules.tg_notifications__read() is 'R7.2, R7.5 what has been read needs no second channel, nor is it sent at the end of quiet hours; an alarm still goes over every one.';

create or replace function rules.tg_notifications__record() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  perform audit.append(case when old.hidden_at is null and new.hidden_at is not null then 'notification.hidden' else 'notification.read' end, new.user_id, new.id);
  return null;
end;
$$;
alter function rules.tg_notifications__record() owner to pruuf_engine;
comment on function rules.tg_notifications__record() is 'R9.2 what was read or hidden, and when, is in the trail.';

create or replace function api.confirm_delivery(delivery_id uuid) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  at timestamptz := rules.clock();
  delivery data.deliveries;
begin
  perform audit.append('delivery.confirmed', n.user_id, d.id)
     from data.deliveries d join data.notifications n on n.id = d.notification_id
    where d.id = confirm_delivery.delivery_id and n.user_id = rules.signed_in_user_id() and d.state <> 'confirmed';
  update data.deliveries d
     set state = 'confirmed', settled_at = coalesce(d.settled_at, at), lease_until = null
    from data.notifications n
   where d.id = confirm_delivery.delivery_id and n.id = d.notification_id and n.user_id = rules.signed_in_user_id()
  returning d.* into delivery;
  if not found then
    perform rules.refuse_unknown('delivery');
  end if;
  update data.deliveries d set state = 'cancelled', settled_at = at
   where d.notification_id = delivery.notification_id and rules.is_pending(d.state) and d.stands_by;
  return jsonb_build_object('id', delivery.id, 'state', delivery.state);
end;
$$;
alter function api.confirm_delivery(uuid) owner to pruuf_engine;
comment on function api.confirm_delivery(uuid) is 'POST /v1/deliveries/{id}/confirm. R7.1 the app says that a push was shown: FCM gives no receipt.';
grant execute on function api.confirm_delivery(uuid) to pruuf_user;

create or replace function api.list_events(since timestamptz, after uuid) returns jsonb
language sql stable security invoker set search_path = ''
as $$
  select jsonb_build_object('now', rules.clock(), 'today', api.get_today(), 'members', api.list_members(), 'items', coalesce(jsonb_agg(rules.notification_shape(n) order by n.created_at, n.id), '[]'))
    from (select n.* from data.notifications n
           where n.user_id = rules.signed_in_user_id() and n.hidden_at is null
             and n.created_at >= coalesce((select b.created_at - interval '30 seconds' from data.notifications b where b.id = list_events.after), list_events.since, rules.clock())
           order by n.created_at, n.id limit 500) n
$$;
comment on function api.list_events(timestamptz, uuid) is 'GET /v1/events. R7.8 the home screen, and what came since an event or an instant, the first 500 of it. It looks half a minute back: a transaction that began earlier may have committed later.';
grant execute on function api.list_events(timestamptz, uuid) to pruuf_user;
