create or replace function api.list_breaks(cursor uuid, size integer) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
  at timestamptz := rules.clock();
begin
  return rules.page(array(
    select rules.break_shape(b, at) from data.breaks b
     where b.member_id = me
       and (list_breaks.cursor is null or b.first_on < (select k.first_on from data.breaks k where k.id = list_breaks.cursor and k.member_id = me))
     order by b.first_on desc limit size + 1), size);
end;
$$;
comment on function api.list_breaks(uuid, integer) is 'GET /v1/me/breaks, the latest first';
grant execute on function api.list_breaks(uuid, integer) to pruuf_user;

create or replace function rules.own_break(break_id uuid) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
declare
  pause data.breaks;
  expected data.obligations;
begin
  select * into pause from data.breaks b where b.id = break_id and b.member_id = rules.signed_in_user_id();
  select * into expected from data.obligations o where o.member_id = pause.member_id and o.state = 'open';
  return rules.break_shape(pause, rules.clock()) || jsonb_build_object('next', rules.obligation_shape(expected));
end;
$$;
comment on function rules.own_break(uuid) is 'R5.1 a break of the caller''s, and the check-in that is expected next.';
grant execute on function rules.own_break(uuid) to pruuf_user;

create or replace function api.plan_break(first_on date, last_on date, is_confirmed boolean) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
  planned uuid;
begin
  insert into data.breaks as b (member_id, first_on, last_on, confirmed_on)
  values (me, plan_break.first_on, plan_break.last_on, case when plan_break.is_confirmed then plan_break.last_on end)
  returning b.id into planned;
  return rules.own_break(planned);
end;
$$;
comment on function api.plan_break(date, date, boolean) is 'POST /v1/me/breaks. R5.1 triggers on data.breaks draw the consequences.';
grant execute on function api.plan_break(date, date, boolean) to pruuf_user;

create or replace function api.update_break(break_id uuid, changes jsonb) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
begin
  perform rules.lock_own_day();
  update data.breaks b
     set first_on = coalesce((changes ->> 'first_on')::date, b.first_on),
         last_on = case when changes ? 'last_on' then (changes ->> 'last_on')::date else b.last_on end,
         confirmed_on = case when (changes ->> 'is_confirmed')::boolean and changes ? 'last_on' then (changes ->> 'last_on')::date
                             when (changes ->> 'is_confirmed')::boolean then b.last_on else b.confirmed_on end
   where b.id = update_break.break_id and b.member_id = me;
  if not found then
    perform rules.refuse_unknown('break');
  end if;
  return rules.own_break(update_break.break_id);
end;
$$;
comment on function api.update_break(uuid, jsonb) is 'PATCH /v1/me/breaks/{id}. R5.2 what is not among the changes stays; a last_on of null is open-ended, and of today ends it with today.';
grant execute on function api.update_break(uuid, jsonb) to pruuf_user;

create or replace function api.remove_break(break_id uuid) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
begin
  perform rules.lock_own_day();
  delete from data.breaks b where b.id = remove_break.break_id and b.member_id = me;
  if found then
    return jsonb_build_object();
  end if;
  update data.breaks b set last_on = (rules.clock() at time zone s.time_zone)::date
    from data.schedules s
   where b.id = remove_break.break_id and b.member_id = me and s.member_id = me and s.superseded_at is null;
  if not found then
    perform rules.refuse_unknown('break');
  end if;
  return jsonb_build_object();
end;
$$;
comment on function api.remove_break(uuid) is 'DELETE /v1/me/breaks/{id}. A planned one is gone (a policy lets no other go); R5.2 one that runs ends with today, and stays on record.';
grant execute on function api.remove_break(uuid) to pruuf_user;
