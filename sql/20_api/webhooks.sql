create or replace function rules.webhook_shape(w data.webhooks) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return jsonb_build_object('id', w.id, 'sealed', encode(w.sealed, 'base64'), 'created_at', w.created_at, 'delivered_at', w.delivered_at,
                            'failure', w.failure, 'off_at', w.off_at, 'off_reason', w.off_reason);
end;
$$;
comment on function rules.webhook_shape(data.webhooks) is 'A webhook; the server opens its URL. Of its secrets nothing.';
grant execute on function rules.webhook_shape(data.webhooks) to pruuf_engine;

create or replace function rules.own_webhook(webhook uuid) returns data.webhooks
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  own data.webhooks;
begin
  select * into own from data.webhooks w where w.id = webhook and w.user_id = rules.signed_in_user_id() for no key update;
  if not found then
    perform rules.refuse_unknown('webhook');
  end if;
  return own;
end;
$$;
comment on function rules.own_webhook(uuid) is 'A webhook of the caller, locked, or a refusal.';
grant execute on function rules.own_webhook(uuid) to pruuf_engine;

create or replace function api.list_webhooks() returns jsonb
language sql stable security definer set search_path = ''
as $$
  select jsonb_build_object('items', coalesce(jsonb_agg(rules.webhook_shape(w) order by w.created_at, w.id), '[]'))
    from data.webhooks w where w.user_id = rules.signed_in_user_id()
$$;
alter function api.list_webhooks() owner to pruuf_engine;
comment on function api.list_webhooks() is 'GET /v1/me/webhooks';
grant execute on function api.list_webhooks() to pruuf_user;

create or replace function api.add_webhook(webhook_id uuid, sealed bytea, secret_id uuid, sealed_secret bytea) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
  at timestamptz := rules.clock();
  added data.webhooks;
begin
  perform pg_advisory_xact_lock(hashtextextended('webhooks ' || me, 0));
  if (select count(*) from data.webhooks w where w.user_id = me) >= rules.policy('webhooks_per_user') then
    raise exception 'too-many-webhooks' using errcode = 'UF409', detail = format('A user has at most %s webhooks.', rules.policy('webhooks_per_user'));
  end if;
  insert into data.webhooks (id, user_id, sealed, created_at) values (add_webhook.webhook_id, me, add_webhook.sealed, at) returning * into added;
  insert into data.webhook_secrets (id, webhook_id, sealed, created_at) values (add_webhook.secret_id, added.id, add_webhook.sealed_secret, at);
  perform audit.append('webhook.added', me, added.id);
  return rules.webhook_shape(added) || jsonb_build_object('secret_id', add_webhook.secret_id, 'sealed_secret', encode(add_webhook.sealed_secret, 'base64'));
end;
$$;
alter function api.add_webhook(uuid, bytea, uuid, bytea) owner to pruuf_engine;
comment on function api.add_webhook(uuid, bytea, uuid, bytea) is 'POST /v1/me/webhooks. What it answers has the secret, sealed: the server shows it this once.';
grant execute on function api.add_webhook(uuid, bytea, uuid, bytea) to pruuf_user;

create or replace function api.remove_webhook(webhook_id uuid) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  own data.webhooks := rules.own_webhook(remove_webhook.webhook_id);
begin
  delete from data.webhooks w where w.id = own.id;
  perform audit.append('webhook.removed', own.user_id, own.id);
  return jsonb_build_object();
end;
$$;
alter function api.remove_webhook(uuid) owner to pruuf_engine;
comment on function api.remove_webhook(uuid) is 'DELETE /v1/me/webhooks/{id}. What it has not been told it is not told any more.';
grant execute on function api.remove_webhook(uuid) to pruuf_user;

create or replace function api.rotate_webhook_secret(webhook_id uuid, secret_id uuid, sealed_secret bytea) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  own data.webhooks := rules.own_webhook(rotate_webhook_secret.webhook_id);
  at timestamptz := rules.clock();
  ends timestamptz := at + make_interval(hours => rules.policy('webhook_secret_overlap'));
begin
  -- Two at most: whoever turns twice in a day has a reason.
  delete from data.webhook_secrets s where s.webhook_id = own.id and s.ends_at is not null;
  update data.webhook_secrets s set ends_at = ends where s.webhook_id = own.id;
  insert into data.webhook_secrets (id, webhook_id, sealed, created_at)
  values (rotate_webhook_secret.secret_id, own.id, rotate_webhook_secret.sealed_secret, at);
  perform audit.append('webhook.secret_rotated', own.user_id, own.id);
  return jsonb_build_object('secret_id', rotate_webhook_secret.secret_id, 'sealed_secret', encode(rotate_webhook_secret.sealed_secret, 'base64'), 'previous_until', ends);
end;
$$;
alter function api.rotate_webhook_secret(uuid, uuid, bytea) owner to pruuf_engine;
comment on function api.rotate_webhook_secret(uuid, uuid, bytea) is 'POST /v1/me/webhooks/{id}/secret. The one before signs beside the new one for [24] hours.';
grant execute on function api.rotate_webhook_secret(uuid, uuid, bytea) to pruuf_user;

create or replace function api.test_webhook(webhook_id uuid) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  own data.webhooks := rules.own_webhook(test_webhook.webhook_id);
  at timestamptz := rules.clock();
  event data.webhook_events;
begin
  -- One at a time: whoever asks at once again means the same one.
  select * into event from data.webhook_events e
   where e.webhook_id = own.id and e.type = 'webhook.test' and (e.state = 'pending' or e.created_at > at - interval '10 seconds') limit 1;
  if not found then
    insert into data.webhook_events (webhook_id, type, created_at, next_attempt_at) values (own.id, 'webhook.test', at, at) returning * into event;
  end if;
  return jsonb_build_object('event_id', event.id, 'type', event.type, 'created_at', event.created_at);
end;
$$;
alter function api.test_webhook(uuid) owner to pruuf_engine;
comment on function api.test_webhook(uuid) is 'POST /v1/me/webhooks/{id}/test. An event that is sent once, also to a webhook that is off: taken, it is on again.';
grant execute on function api.test_webhook(uuid) to pruuf_user;
