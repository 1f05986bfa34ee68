create or replace function jobs.settle_entitlements(most integer default 500) returns jsonb
language plpgsql volatile security invoker set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  at timestamptz := rules.clock();
  due uuid[] := rules.due_accounts(at, least(jobs.batch_size('settle_entitlements'), most));
begin
  return jsonb_build_object('changed', 0) || jobs.work_off('settle_entitlements', 'settle_accounts', due, at);
end;
$$;
comment on function jobs.settle_entitlements(integer) is 'R8.2 trials and paid periods that end, warnings that are due. Reports changed (accounts).';
grant execute on function jobs.settle_entitlements(integer) to pruuf_worker;

create or replace function jobs.settle_accounts(ids uuid[], at timestamptz) returns jsonb
language sql volatile security invoker set search_path = ''
as $$ select jsonb_build_object('changed', sum(rules.settle_entitlement(id, at)::integer)) from unnest(ids) as id $$;
comment on function jobs.settle_accounts(uuid[], timestamptz) is 'R8.2 the entitlement of these Contacts.';
grant execute on function jobs.settle_accounts(uuid[], timestamptz) to pruuf_worker;
