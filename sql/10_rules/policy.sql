create or replace function rules.policy(name text) returns integer
language plpgsql stable parallel safe security invoker set search_path = ''
as $$
declare
  amount integer;
begin
  select p.value into strict amount from data.policies p where p.key = name;
  return amount;
end;
$$;
comment on function rules.policy(text) is 'The number of a policy, in the unit of its row; an unknown name is a bug and raises.';
grant execute on function rules.policy(text) to pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;

create or replace function api.set_policy(name text, new_value integer, reason text) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  before data.policies;
begin
  select * into before from data.policies p where p.key = name for update;
  if not found then
    perform rules.refuse_unknown('policy');
  end if;
  update data.policies p set value = new_value where p.key = name;
  insert into data.policy_changes (key, old_value, new_value, changed_at, changed_by, reason)
  values (name, before.value, new_value, rules.clock(), session_user, set_policy.reason);
  return jsonb_build_object('key', name, 'old_value', before.value, 'new_value', new_value, 'unit', before.unit);
end;
$$;
comment on function api.set_policy(text, integer, text) is 'A DBA changes a number of the rules, with the reason; run as pruuf_owner. The change is kept.';
