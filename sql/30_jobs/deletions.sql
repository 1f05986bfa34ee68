create or replace function jobs.finish_deletions(most integer default 20) returns jsonb
language plpgsql volatile security invoker set search_path = '' set lock_timeout = '500ms'
as $$
declare
  at timestamptz := rules.clock();
  one uuid;
  erased integer := 0;
  problems jsonb := jsonb_build_array();
begin
  for one in
    select u.id
      from data.users u
      cross join lateral (select exists (select from data.connections c where u.id in (c.member_id, c.contact_id) and c.ended_at is null) as is_held) c
     where u.deleted_at is not null
       and (c.is_held and not exists (select from data.alerts a where a.member_id = u.id and a.state <> 'resolved')
         or not c.is_held and u.deleted_at <= at - make_interval(days => rules.policy('account_return')))
     order by u.deleted_at limit most
  loop
    begin
      erased := erased + rules.finish_deletion(one, at)::integer;
    exception when others then
      problems := problems || jsonb_build_array(jsonb_build_object('job', 'finish_deletion', 'user_id', one, 'sqlstate', sqlstate));
    end;
  end loop;
  return jsonb_build_object('erased', erased, 'problems', problems);
end;
$$;
comment on function jobs.finish_deletions(integer) is 'R2.6 erases accounts whose [30] days are over, some at a time, and lets go of those whose alert is over. A call of its own: whatever becomes of it, no deadline waits (R9.5).';
grant execute on function jobs.finish_deletions(integer) to pruuf_worker;
