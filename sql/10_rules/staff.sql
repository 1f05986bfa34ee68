create or replace function rules.require_staff(needed text) returns uuid
language plpgsql stable security invoker set search_path = ''
as $$
declare
  caller uuid := rules.signed_in_user_id();
begin
  if not exists (select from data.staff_roles s where s.user_id = caller and s.removed_at is null and (s.role = 'admin' or needed = 'support')) then
    raise exception 'not-allowed' using errcode = 'UF403', detail = case needed when 'admin' then 'Only an administrator may do this.' else 'Only staff may do this.' end;
  end if;
  return caller;
end;
$$;
comment on function rules.require_staff(text) is 'R1.4 who asks, if they are staff now: support, or admin, who may do all that support may.';
grant execute on function rules.require_staff(text) to pruuf_engine;

create or replace function rules.staff_role_shape(held data.staff_roles) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return jsonb_build_object('user_id', held.user_id, 'name', rules.person_shape(held.user_id) ->> 'name', 'role', held.role,
                            'added_at', held.added_at, 'added_by', held.added_by);
end;
$$;
comment on function rules.staff_role_shape(data.staff_roles) is 'A role of somebody of the staff.';
grant execute on function rules.staff_role_shape(data.staff_roles) to pruuf_engine;

create or replace function rules.staff() returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return jsonb_build_object('items', array(select rules.staff_role_shape(s) from data.staff_roles s where s.removed_at is null order by s.added_at, s.id));
end;
$$;
comment on function rules.staff() is 'R1.4 everybody who is staff now.';
grant execute on function rules.staff() to pruuf_engine;

create or replace function rules.end_staff_role(person uuid, by uuid) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  ended data.staff_roles;
begin
  perform pg_advisory_xact_lock(hashtextextended('staff', 0));
  update data.staff_roles s set removed_at = rules.clock(), removed_by = by where s.user_id = person and s.removed_at is null returning * into ended;
  if not found then
    perform rules.refuse_unknown('member of staff');
  elsif ended.role = 'admin' and not exists (
    select from data.staff_roles s join data.users u on u.id = s.user_id where s.role = 'admin' and s.removed_at is null and u.deleted_at is null) then
    raise exception 'last-admin' using errcode = 'UF409', detail = 'This is the last administrator. Add another one first.';
  end if;
  perform audit.append('staff.removed', person, ended.id, jsonb_build_object('role', ended.role));
end;
$$;
comment on function rules.end_staff_role(uuid, uuid) is 'R1.4 whoever is removed has nothing of staff any more, from their next request on. The last administrator stays.';
grant execute on function rules.end_staff_role(uuid, uuid) to pruuf_engine;

create or replace function rules.give_staff_role(person uuid, role text, by uuid) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  held data.staff_roles;
begin
  perform pg_advisory_xact_lock(hashtextextended('staff', 0));
  if not exists (select from data.users u where u.id = person) then
    perform rules.refuse_unknown('user');
  end if;
  select * into held from data.staff_roles s where s.user_id = person and s.removed_at is null;
  if held.role is distinct from give_staff_role.role then
    if found then
      perform rules.end_staff_role(person, by);
    end if;
    insert into data.staff_roles (user_id, role, added_at, added_by) values (person, give_staff_role.role, rules.clock(), by) returning * into held;
    perform audit.append('staff.added', person, held.id, jsonb_build_object('role', held.role));
  end if;
  return rules.staff_role_shape(held);
end;
$$;
comment on function rules.give_staff_role(uuid, text, uuid) is 'R1.4 makes somebody who has an account staff, or gives them the other role.';
grant execute on function rules.give_staff_role(uuid, text, uuid) to pruuf_engine;
