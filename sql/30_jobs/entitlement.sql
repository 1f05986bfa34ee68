create or replace function jobs.settle_entitlements(most integer default 500) returns jsonb
language plpgsql volatile security invoker set search_path = '' set lock_timeout = '500ms'
as $$
declare
  at timestamptz := rules.clock();
  due uuid[] := rules.due_accounts(at, most);
  one uuid;
  changed integer := 0;
  problems jsonb := jsonb_build_array();
begin
  foreach one in array due loop
    begin
      changed := changed + rules.settle_entitlement(one, at)::integer;
    exception when others then
      -- Later, and behind the others.
      perform rules.put_off_account(one, at);
      problems := problems || jsonb_build_array(jsonb_build_object('job', 'settle_entitlement', 'user_id', one, 'sqlstate', sqlstate));
    end;
  end loop;
  return jsonb_build_object('changed', changed, 'more', cardinality(due) = most, 'problems', problems);
end;
$$;
comment on function jobs.settle_entitlements(integer) is 'R8.2 trials and paid periods that end, warnings that are due. Called as often as one likes; a call of its own: no deadline waits for it (R9.5).';
grant execute on function jobs.settle_entitlements(integer) to pruuf_worker;
