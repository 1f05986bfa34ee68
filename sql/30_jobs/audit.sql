create or replace function jobs.seal_audit(most integer default 1000) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  head audit.seals;
  link audit.seals;
  waiting audit.unsealed_events;
  done bigint[] := array[]::bigint[];
begin
  -- One at a time: whoever comes second has nothing to do. What the last one sealed is committed before its lock is free.
  -- A row of the job, not an advisory lock: any role may take those.
  perform from data.job_runs r where r.job = 'seal_audit' for update skip locked;
  if not found then
    return jsonb_build_object('count', 0, 'more', false);
  end if;
  select * into head from audit.seals s order by s.place desc limit 1;
  for waiting in select * from audit.unsealed_events u order by u.event_at, u.event_id limit most loop
    link := row(coalesce(head.place, 0) + 1, waiting.event_at, waiting.event_id, waiting.digest, sha256(coalesce(head.hash, '') || waiting.digest));
    insert into audit.seals values (link.*) on conflict on constraint one_seal_per_event do nothing;
    if found then
      head := link;
    end if;
    done := done || waiting.event_id;
  end loop;
  delete from audit.unsealed_events u where u.event_id = any (done);
  return jsonb_build_object('count', cardinality(done), 'more', cardinality(done) = most, 'place', head.place, 'hash', encode(head.hash, 'hex'));
end;
$$;
comment on function jobs.seal_audit(integer) is 'R9.2 gives what was appended and is committed its place in the chain, in the order of its time. What commits later gets a later place. Gives the head of the chain.';
grant execute on function jobs.seal_audit(integer) to pruuf_worker;
