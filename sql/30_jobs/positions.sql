create or replace function jobs.erase_positions(most integer default 1000) returns jsonb
language plpgsql volatile security invoker set search_path = '' set lock_timeout = '500ms'
as $$
declare
  at timestamptz := rules.clock();
  erased integer;
begin
  -- Two at once erase each row once: the second finds it gone.
  delete from data.positions p
   where p.id in (select o.id from data.positions o where o.received_at <= at - make_interval(hours => rules.policy('position_kept')) order by o.received_at limit most);
  get diagnostics erased = row_count;
  return jsonb_build_object('erased', erased, 'more', erased = most);
end;
$$;
comment on function jobs.erase_positions(integer) is 'R4.8 erases positions after [24] hours, some at a time. A call of its own: no deadline waits for it (R9.5).';
grant execute on function jobs.erase_positions(integer) to pruuf_worker;
