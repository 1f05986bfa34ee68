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
  -- Read by the trigger that keeps the change.
  perform set_config('pruuf.reason', set_policy.reason, true);
  update data.policies p set value = new_value where p.key = name;
  perform set_config('pruuf.reason', '', true);
  return jsonb_build_object('key', name, 'old_value', before.value, 'new_value', new_value, 'unit', before.unit);
end;
$$;
comment on function api.set_policy(text, integer, text) is 'A DBA changes a number of the rules, with the reason; run as pruuf_owner. The change is kept.';

create or replace function rules.tg_policies__record() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  insert into data.policy_changes (key, old_value, new_value, changed_at, changed_by, reason)
  values (new.key, old.value, new.value, rules.clock(), session_user,
          coalesce(nullif(current_setting('pruuf.reason', true), ''), 'changed without a reason'));
  return null;
end;
$$;
alter function rules.tg_policies__record() owner to pruuf_engine;
comment on function rules.tg_policies__record() is 'Every change of a policy is kept, whoever makes it and however.';

create or replace function rules.record_setting(setting text, before jsonb, after jsonb) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  perform audit.append('setting.changed', null, null, jsonb_build_object('table', setting, 'before', before, 'after', after));
end;
$$;
comment on function rules.record_setting(text, jsonb, jsonb) is 'R9.2 puts a change of a setting into the trail.';
grant execute on function rules.record_setting(text, jsonb, jsonb) to pruuf_engine;

create or replace function rules.tg_jobs__record() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  perform rules.record_setting('meta.jobs', to_jsonb(old), to_jsonb(new));
  return null;
end;
$$;
alter function rules.tg_jobs__record() owner to pruuf_engine;
comment on function rules.tg_jobs__record() is 'R9.2 every change of a job is in the trail, whoever makes it and however.';

create or replace function rules.tg_notification_kinds__record() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  perform rules.record_setting('data.notification_kinds', to_jsonb(old), to_jsonb(new));
  return null;
end;
$$;
alter function rules.tg_notification_kinds__record() owner to pruuf_engine;
comment on function rules.tg_notification_kinds__record() is 'R9.2 every change of a kind of notification is in the trail, whoever makes it and however.';
