create or replace function jobs.finish_deletions(most integer default 20) returns jsonb
language plpgsql volatile security invoker set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  at timestamptz := rules.clock();
  due uuid[] := array(
    select u.id from data.users u
     where u.is_leaving and not jobs.is_set_aside('finish_deletions', u.id)
       and not exists (select from data.alerts a where a.member_id = u.id and a.state <> 'resolved')
     order by u.id limit least(jobs.batch_size('finish_deletions'), most));
begin
  due := due || array(
    select u.id from data.users u
     where u.deleted_at <= at - make_interval(days => rules.policy('account_return'))
       and not u.is_leaving and not jobs.is_set_aside('finish_deletions', u.id)
     order by u.deleted_at limit most);
  return jsonb_build_object('erased', 0) || jobs.work_off('finish_deletions', 'finish_deletion', due, at);
end;
$$;
comment on function jobs.finish_deletions(integer) is 'R2.6 erases accounts whose [30] days are over, and lets go of those whose alert is over. Reports erased.';
grant execute on function jobs.finish_deletions(integer) to pruuf_worker;

create or replace function jobs.finish_deletion(ids uuid[], at timestamptz) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  one uuid;
  erased integer := 0;
begin
  foreach one in array ids loop
    if not rules.has_time_left() then
      return jsonb_build_object('erased', erased, 'more', true);
    end if;
    erased := erased + rules.finish_deletion(one, at)::integer;
  end loop;
  return jsonb_build_object('erased', erased);
end;
$$;
comment on function jobs.finish_deletion(uuid[], timestamptz) is 'R2.6 erases these accounts, of a large one a part in each call.';
grant execute on function jobs.finish_deletion(uuid[], timestamptz) to pruuf_worker;
