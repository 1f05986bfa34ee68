create or replace function jobs.follow_coverage(most integer default 500) returns jsonb
language plpgsql volatile security invoker set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  at timestamptz := rules.clock();
  report jsonb;
begin
  -- One at a time: of two that look at one Member the later look must be written last.
  perform from data.job_runs r where r.job = 'follow_coverage' for update skip locked;
  if not found then
    return jsonb_build_object('done', 0, 'changed', 0, 'more', false, 'problems', jsonb_build_array());
  end if;
  report := jobs.work_off('follow_coverage', 'settle_coverage', array(
    select distinct d.user_id from (
      select m.user_id from data.coverage_marks m where not jobs.is_set_aside('follow_coverage', m.user_id)
       order by m.id limit least(jobs.batch_size('follow_coverage'), most)) as d), at);
  return jsonb_build_object('changed', 0) || report || jsonb_build_object('more', (report ->> 'more')::boolean
    or report -> 'done' <> '0' and exists (select from data.coverage_marks m where not jobs.is_set_aside('follow_coverage', m.user_id)));
end;
$$;
comment on function jobs.follow_coverage(integer) is 'R6.10 looks at everybody whom a change concerns: those whose Contacts, and those whose Contacts'' addresses and devices have changed; and tells whoever became primary while an alert was being raised (R3.5). Reports changed (Members).';
grant execute on function jobs.follow_coverage(integer) to pruuf_worker;

create or replace function jobs.settle_coverage(ids uuid[], at timestamptz) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  one uuid;
  changed integer := 0;
begin
  -- Before the look: what changes from now on leaves a mark that stays.
  delete from data.coverage_marks m where m.user_id = any (ids);
  for one in
    select person from unnest(ids) as person
    union
    select c.member_id from data.connections c where c.contact_id = any (ids) and c.ended_at is null
  loop
    -- An alert that is being raised just now is there when this is through. Not in the transaction of a tier: it holds other locks.
    perform from data.obligations o where o.member_id = one and o.state = 'open' and o.alert_at <= at for share;
    perform rules.tell_new_primaries(one);
    changed := changed + rules.settle_coverage(one)::integer;
  end loop;
  return jsonb_build_object('changed', changed);
end;
$$;
comment on function jobs.settle_coverage(uuid[], timestamptz) is 'R6.10, R3.5 whom a miss of these people, and of the Members whom they watch, would reach.';
grant execute on function jobs.settle_coverage(uuid[], timestamptz) to pruuf_worker;

create or replace function jobs.coverage_drifted() returns setof uuid
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  return query
  select s.member_id
    from (select m as member_id from jobs.some_members() as m limit 200) as s
    left join data.coverage v on v.member_id = s.member_id
   where v.is_covered is distinct from (rules.coverage_gap(s.member_id) is null)
     -- What was changed just now is still being looked at; if that takes long it is a finding of its own.
     and not exists (select from data.coverage_marks m where m.user_id = s.member_id)
     and not exists (
       select from data.connections c join data.coverage_marks m on m.user_id = c.contact_id
        where c.member_id = s.member_id and c.ended_at is null);
end;
$$;
comment on function jobs.coverage_drifted() is 'R9.7, R6.10 Members of whom data.coverage is not what is true: 200 of them, others in each call, since computing it costs more than the rest of the check.';
grant execute on function jobs.coverage_drifted() to pruuf_worker;
