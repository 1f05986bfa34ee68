create or replace function rules.shares_position(with_help boolean) returns boolean
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return exists (
    select from data.preferences p
     where p.user_id = rules.current_user_id() and (p.shares_position = 'always' or p.shares_position = 'with_help' and shares_position.with_help));
end;
$$;
comment on function rules.shares_position(boolean) is 'R4.8 whether the caller has chosen to say where they are: never unless they have.';
grant execute on function rules.shares_position(boolean) to pruuf_user;

create or replace function rules.keep_position(position_id uuid, sealed bytea, check_in uuid, help_request uuid) returns boolean
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  if sealed is null then
    return false;
  end if;
  -- Whatever is wrong with it, what it came with counts.
  begin
    insert into data.positions (id, member_id, check_in_id, help_request_id, sealed)
    select keep_position.position_id, rules.current_user_id(), keep_position.check_in, keep_position.help_request, keep_position.sealed
     where rules.shares_position(help_request is not null);
    return found;
  exception when others then
    return false;
  end;
end;
$$;
comment on function rules.keep_position(uuid, bytea, uuid, uuid) is 'R4.8 keeps the one position of a check-in or of a call for help, if the Member has chosen so, and says whether it did.';
grant execute on function rules.keep_position(uuid, bytea, uuid, uuid) to pruuf_user;

create or replace function rules.position_of(member uuid) returns data.positions
language plpgsql stable security invoker set search_path = ''
as $$
declare
  latest data.positions;
begin
  select * into latest from data.positions p
   where p.member_id = member and p.received_at > rules.clock() - make_interval(hours => rules.policy('position_kept'))
   order by p.received_at desc limit 1;
  return latest;
end;
$$;
comment on function rules.position_of(uuid) is 'R4.8 where a Member was last, as far as the caller may see it; never after [24] hours, also when no job has run.';
grant execute on function rules.position_of(uuid) to pruuf_user;

create or replace function rules.position_shape(p data.positions) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return case when p.id is not null then jsonb_build_object(
    'id', p.id, 'sealed', encode(p.sealed, 'base64'), 'at', p.received_at, 'check_in_id', p.check_in_id, 'help_request_id', p.help_request_id) end;
end;
$$;
comment on function rules.position_shape(data.positions) is 'A position; the server opens what is sealed.';
grant execute on function rules.position_shape(data.positions) to pruuf_user, pruuf_engine;

create or replace function rules.tg_positions__stamp() returns trigger
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  new.received_at := rules.clock();
  return new;
end;
$$;
comment on function rules.tg_positions__stamp() is 'The server''s clock says when a position came, and so when it goes.';
