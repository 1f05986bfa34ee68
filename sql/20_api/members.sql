create or replace function rules.member_shape(member uuid, at timestamptz) returns jsonb
language sql stable security invoker set search_path = ''
as $$
  select jsonb_build_object('user_id', u.id, 'name', u.name, 'connected_at', c.connected_at, 'nickname', w.nickname,
                            'hears_of', coalesce(w.hears_of, 'misses_only'), 'mutes_routine', coalesce(w.mutes_routine, false))
         || jsonb_build_object('coverage', rules.coverage_shape(v)) || rules.day_shape(u.id, at)
         || case when rules.is_entitled(c.contact_id) then '{}' else '{"status": "not_shown", "next": null, "break": null, "last_check_in_at": null, "attestations": []}' end::jsonb
    from data.connections c
    join data.users u on u.id = c.member_id
    left join data.coverage v on v.member_id = c.member_id
    left join data.watch_settings w on w.contact_id = c.contact_id and w.member_id = c.member_id
   where c.contact_id = (select rules.signed_in_user_id()) and c.member_id = member and c.ended_at is null
$$;
comment on function rules.member_shape(uuid, timestamptz) is 'R3.4 what a Contact sees of a Member: name, today''s status, open alerts; and how they want to watch them; of a frozen one (R8.3) alerts only. Null for whom the caller does not watch.';
grant execute on function rules.member_shape(uuid, timestamptz) to pruuf_user;

create or replace function api.list_members() returns jsonb
language sql stable security invoker set search_path = ''
as $$
  select jsonb_build_object('items', coalesce(jsonb_agg(rules.member_shape(c.member_id, rules.clock()) order by c.connected_at, c.id), '[]'))
    from data.connections c where c.contact_id = rules.signed_in_user_id() and c.ended_at is null
$$;
comment on function api.list_members() is 'GET /v1/members; at most [50], so one page';
grant execute on function api.list_members() to pruuf_user;

create or replace function rules.watched_member_id(member uuid) returns uuid
language plpgsql stable security invoker set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
begin
  if not exists (select from data.connections c where c.member_id = member and c.contact_id = me and c.ended_at is null) then
    perform rules.refuse_unknown('Member');
  end if;
  return member;
end;
$$;
comment on function rules.watched_member_id(uuid) is 'A Member whom the caller watches, or a refusal.';
grant execute on function rules.watched_member_id(uuid) to pruuf_user;

create or replace function api.get_member(member_id uuid) returns jsonb
language sql stable security invoker set search_path = ''
as $$ select rules.member_shape(rules.watched_member_id(member_id), rules.clock()) $$;
comment on function api.get_member(uuid) is 'GET /v1/members/{user_id}';
grant execute on function api.get_member(uuid) to pruuf_user;

create or replace function api.get_member_history(member_id uuid, cursor uuid, size integer, month text default null) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
declare
  watched uuid := rules.watched_member_id(get_member_history.member_id);
begin
  if not rules.is_entitled(rules.current_user_id()) then
    raise exception 'account-frozen' using errcode = 'UF402', detail = 'Past days come back with a plan. Alerts reach you all the same.';
  end if;
  return rules.history_shape(watched, get_member_history.cursor, size, (get_member_history.month || '-01')::date);
end;
$$;
comment on function api.get_member_history(uuid, uuid, integer, text) is 'GET /v1/members/{user_id}/history';
grant execute on function api.get_member_history(uuid, uuid, integer, text) to pruuf_user;

create or replace function api.get_member_position(member_id uuid) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
declare
  -- The table's policies decide what of it is seen.
  latest data.positions := rules.position_of(rules.watched_member_id(get_member_position.member_id));
begin
  if latest.id is null then
    raise exception 'no-position' using errcode = 'UF404', detail = 'They have not said where they are, or not of late.';
  end if;
  return rules.position_shape(latest);
end;
$$;
comment on function api.get_member_position(uuid) is 'GET /v1/members/{user_id}/position. R4.8 for Contacts only; to a frozen one only that of a call for help.';
grant execute on function api.get_member_position(uuid) to pruuf_user;

create or replace function api.update_member(member_id uuid, changes jsonb, if_match text default null) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
  member uuid := rules.watched_member_id(update_member.member_id);
begin
  -- The connection first, as whoever ends it does.
  perform from data.connections c where c.contact_id = me and c.member_id = member and c.ended_at is null for share;
  perform from data.watch_settings w where w.contact_id = me and w.member_id = member for update;
  perform rules.require_match(rules.member_shape(member, rules.clock()), if_match);
  insert into data.watch_settings as w (contact_id, member_id, nickname, hears_of, mutes_routine)
  values (me, member, btrim(changes ->> 'nickname'), coalesce(changes ->> 'hears_of', 'misses_only'), coalesce((changes ->> 'mutes_routine')::boolean, false))
  on conflict on constraint watch_settings_pkey do update
    set nickname = case when changes ? 'nickname' then excluded.nickname else w.nickname end,
        hears_of = case when changes ->> 'hears_of' is null then w.hears_of else excluded.hears_of end,
        mutes_routine = case when changes ->> 'mutes_routine' is null then w.mutes_routine else excluded.mutes_routine end;
  return rules.member_shape(member, rules.clock());
end;
$$;
comment on function api.update_member(uuid, jsonb, text) is 'PATCH /v1/members/{user_id}. R3.4 what is not among the changes stays; a nickname of null is none.';
grant execute on function api.update_member(uuid, jsonb, text) to pruuf_user;

create or replace function api.leave_member(member_id uuid) returns jsonb
language sql volatile security invoker set search_path = ''
as $$ select rules.end_connection(member_id, rules.signed_in_user_id()) $$;
comment on function api.leave_member(uuid) is 'DELETE /v1/members/{user_id}';
grant execute on function api.leave_member(uuid) to pruuf_user;
