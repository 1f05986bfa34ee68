create or replace function rules.drill_readers(person uuid, goes_to text) returns uuid[]
language plpgsql stable security invoker set search_path = ''
as $$
declare
  contacts uuid[] := array(
    select c.contact_id from data.connections c join data.users u on u.id = c.contact_id
     where c.member_id = person and c.ended_at is null and u.deleted_at is null order by c.connected_at, c.id);
begin
  return case
    when goes_to = 'contacts' or goes_to is null and cardinality(contacts) > 0 then contacts
    when cardinality(contacts) > 0 or exists (select from data.connections c where c.contact_id = person and c.ended_at is null) then array[person]
    else '{}' end;
end;
$$;
comment on function rules.drill_readers(uuid, text) is 'R6.11 to whom a drill goes: all Contacts of a Member, or the Contact who asks.';
grant execute on function rules.drill_readers(uuid, text) to pruuf_engine;

create or replace function api.start_drill(goes_to text) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
  at timestamptz := rules.clock();
  readers uuid[] := rules.drill_readers(me, start_drill.goes_to);
  seconds integer;
  drill data.drills;
begin
  perform pg_advisory_xact_lock(hashtextextended('drills ' || me, 0));
  select ceil(extract(epoch from max(d.asked_at) + make_interval(mins => rules.policy('drill_interval')) - at)) into seconds from data.drills d where d.user_id = me;
  if seconds > 0 then
    raise exception 'too-many-drills' using errcode = 'UF429', hint = seconds::text, detail = format('A drill was started not long ago. Start another one in %s seconds.', seconds);
  elsif cardinality(readers) = 0 then
    raise exception 'nobody-to-drill' using errcode = 'UF409', detail = 'There is nobody whom an alert would tell. Connect with somebody first.';
  end if;
  insert into data.drills (user_id, goes_to, reader_ids, asked_at)
  values (me, case when readers = array[me] then 'myself' else 'contacts' end, readers, at) returning * into drill;
  -- After an hour it would tell nothing any more.
  insert into data.notifications (user_id, kind, cause, facts, created_at, expires_at)
  select reader, 'drill', drill.id::text, jsonb_build_object('drill_id', drill.id, 'asked_by', rules.person_shape(me), 'is_own', reader = me), at, at + interval '1 hour'
    from unnest(readers) as reader;
  update data.drill_reminders r set remind_at = at + make_interval(days => rules.policy('drill_reminder')) where r.user_id = me or r.user_id = any (readers);
  perform audit.append('drill.started', me, drill.id, jsonb_build_object('told', to_jsonb(readers)));
  return api.get_drill(drill.id);
end;
$$;
alter function api.start_drill(text) owner to pruuf_engine;
comment on function api.start_drill(text) is 'POST /v1/drills. R6.11 the same channels at the same time as an alert, and no alert: it raises nothing, and nothing follows it.';
grant execute on function api.start_drill(text) to pruuf_user;

create or replace function api.get_drill(drill_id uuid) returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
  drill data.drills;
begin
  select * into drill from data.drills d where d.id = get_drill.drill_id and (d.user_id = me or me = any (d.reader_ids));
  if not found then
    perform rules.refuse_unknown('drill');
  end if;
  return jsonb_build_object(
    'id', drill.id, 'goes_to', drill.goes_to, 'asked_at', drill.asked_at, 'asked_by', rules.person_shape(drill.user_id),
    'readers', (
      select coalesce(jsonb_agg(rules.drill_reader_shape(n) order by r.place), '[]')
        from unnest(drill.reader_ids) with ordinality as r (reader, place)
        join data.notifications n on n.user_id = r.reader and n.kind = 'drill' and n.cause = drill.id::text
       where me in (drill.user_id, r.reader)));
end;
$$;
alter function api.get_drill(uuid) owner to pruuf_engine;
comment on function api.get_drill(uuid) is 'GET /v1/drills/{id}. R6.11 what arrived, per Contact and channel, for whoever asked; each Contact sees what is theirs.';
grant execute on function api.get_drill(uuid) to pruuf_user, pruuf_engine;

create or replace function rules.drill_reader_shape(n data.notifications) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return rules.person_shape(n.user_id) || jsonb_build_object(
    'is_confirmed', n.read_at is not null or exists (select from data.deliveries d where d.notification_id = n.id and d.state = 'confirmed'),
    'channels', (
      select coalesce(jsonb_agg(jsonb_build_object('channel', d.channel, 'state', d.state, 'settled_at', d.settled_at, 'failure', d.failure) order by d.channel desc, d.id), '[]')
        from data.deliveries d where d.notification_id = n.id));
end;
$$;
comment on function rules.drill_reader_shape(data.notifications) is 'R6.11 what became of a drill at one of those it went to. Confirmed: it was opened, which is all that can be done about it.';
grant execute on function rules.drill_reader_shape(data.notifications) to pruuf_engine;

create or replace function rules.tg_connections__plan_drills() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  insert into data.drill_reminders (user_id, remind_at)
  select person, new.connected_at + make_interval(days => rules.policy('drill_reminder')) from unnest(array[new.member_id, new.contact_id]) as person
  on conflict (user_id) do nothing;
  return null;
end;
$$;
alter function rules.tg_connections__plan_drills() owner to pruuf_engine;
comment on function rules.tg_connections__plan_drills() is 'R6.11 both sides are asked to try it after [90] days.';
