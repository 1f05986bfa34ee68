create or replace function jobs.follow_breaks(most integer default 50) returns jsonb
language plpgsql volatile security invoker set search_path = '' set lock_timeout = '500ms'
as $$
declare
  at timestamptz := rules.clock();
  one data.breaks;
  seen integer := 0;
  done integer := 0;
  problems jsonb := jsonb_build_array();
begin
  for one in select * from data.breaks b where b.next_step_at <= at order by b.next_step_at limit most for update skip locked loop
    seen := seen + 1;
    begin
      done := done + rules.follow_break(one.id, at)::integer;
    exception when others then
      -- Behind the others, and again.
      update data.breaks b set next_step_at = at + interval '10 minutes' where b.id = one.id;
      problems := problems || jsonb_build_array(jsonb_build_object('job', 'follow_break', 'user_id', one.member_id, 'sqlstate', sqlstate));
    end;
  end loop;
  return jsonb_build_object('changed', done, 'more', seen = most and done > 0, 'problems', problems);
end;
$$;
comment on function jobs.follow_breaks(integer) is 'R5.1, R5.3 enters and tells what is due of breaks, some at a time. A call of its own, in as many servers as there are: no deadline waits for it (R9.5).';
grant execute on function jobs.follow_breaks(integer) to pruuf_worker;
