create or replace function jobs.follow_coverage(most integer default 500) returns jsonb
language plpgsql volatile security invoker set search_path = '' set lock_timeout = '500ms'
as $$
declare
  taken uuid[];
  one uuid;
  changed integer := 0;
  problems jsonb := jsonb_build_array();
begin
  -- One at a time: of two that look at one Member the later look must be written last.
  if not pg_try_advisory_xact_lock(hashtextextended('coverage', 0)) then
    return jsonb_build_object('changed', 0, 'more', false, 'problems', problems);
  end if;
  with marks as (
    delete from data.coverage_marks m where m.id in (select f.id from data.coverage_marks f order by f.id limit most) returning m.user_id)
  select array_agg(k.user_id) into taken from marks k;
  for one in
    select t.person from unnest(taken) as t (person)
    union
    select c.member_id from data.connections c where c.contact_id = any (taken) and c.ended_at is null
  loop
    begin
      -- An alert that is being raised just now is there when this is through. Not in the transaction of a tier: it holds other locks.
      perform from data.obligations o where o.member_id = one and o.state = 'open' and o.alert_at <= rules.clock() for share;
      perform rules.tell_new_primaries(one);
      changed := changed + rules.settle_coverage(one)::integer;
    exception when others then
      -- Behind the others, and again: it must not be forgotten, nor hold them up.
      insert into data.coverage_marks (user_id, marked_at) values (one, rules.clock());
      problems := problems || jsonb_build_array(jsonb_build_object('job', 'settle_coverage', 'user_id', one, 'sqlstate', sqlstate));
    end;
  end loop;
  return jsonb_build_object('changed', changed, 'more', coalesce(cardinality(taken), 0) = most, 'problems', problems);
end;
$$;
comment on function jobs.follow_coverage(integer) is 'R6.10 looks at everybody whom a change concerns: those whose Contacts, and those whose Contacts'' addresses and devices have changed; and tells whoever became primary while an alert was being raised (R3.5). A call of its own: no deadline waits for it (R9.5).';
grant execute on function jobs.follow_coverage(integer) to pruuf_worker;

create or replace function jobs.coverage_drifted(slice integer, slices integer) returns setof uuid
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return query
  select s.member_id
    from data.schedules s
    left join data.coverage v on v.member_id = s.member_id
   where s.superseded_at is null and (hashtext(s.member_id::text) & 2147483647) % slices = slice
     and v.is_covered is distinct from (rules.coverage_gap(s.member_id) is null)
     -- What was changed just now is still being looked at; if that takes long it is a finding of its own.
     and not exists (
       select from data.coverage_marks m
        where m.user_id = s.member_id
           or m.user_id in (select c.contact_id from data.connections c where c.member_id = s.member_id and c.ended_at is null))
   limit 1000;
end;
$$;
comment on function jobs.coverage_drifted(integer, integer) is 'R9.7, R6.10 Members of whom data.coverage is not what is true: of one slice of all Members, since reckoning it is dearer than the rest of the audit.';
grant execute on function jobs.coverage_drifted(integer, integer) to pruuf_worker;
