create or replace function jobs.erase_positions(most integer default 500) returns jsonb
language plpgsql volatile security invoker set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  at timestamptz := rules.clock();
  erased bigint;
begin
  delete from data.positions p
   where p.id in (select o.id from data.positions o where o.received_at <= at - make_interval(hours => rules.policy('position_kept')) order by o.received_at limit least(jobs.batch_size('erase_positions'), most) for update skip locked);
  get diagnostics erased = row_count;
  return rules.forgot(erased, most) || jsonb_build_object('erased', erased);
end;
$$;
comment on function jobs.erase_positions(integer) is 'R4.8 erases positions after [24] hours. Reports erased.';
grant execute on function jobs.erase_positions(integer) to pruuf_worker;
