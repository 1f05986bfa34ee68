create or replace function jobs.follow_breaks(most integer default 50) returns jsonb
language plpgsql volatile security invoker set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  at timestamptz := rules.clock();
  due uuid[] := array(
    select b.id from data.breaks b
     where b.next_step_at <= at and b.next_step_at < 'infinity' and not jobs.is_set_aside('follow_breaks', b.id)
     order by b.next_step_at limit least(jobs.batch_size('follow_breaks'), most) for update skip locked);
  report jsonb := jsonb_build_object('changed', 0) || jobs.work_off('follow_breaks', 'follow_break', due, at);
begin
  return report || jsonb_build_object('more', (report ->> 'more')::boolean or cardinality(due) >= most and report -> 'changed' <> '0');
end;
$$;
comment on function jobs.follow_breaks(integer) is 'R5.1, R5.3 enters and tells what is due of breaks, 50 at a time. Reports changed (breaks).';
grant execute on function jobs.follow_breaks(integer) to pruuf_worker;

create or replace function jobs.follow_break(ids uuid[], at timestamptz) returns jsonb
language sql volatile security invoker set search_path = ''
as $$ select jsonb_build_object('changed', sum(rules.follow_break(id, at)::integer)) from unnest(ids) as id $$;
comment on function jobs.follow_break(uuid[], timestamptz) is 'R5.1, R5.3 what is due of these breaks.';
grant execute on function jobs.follow_break(uuid[], timestamptz) to pruuf_worker;
