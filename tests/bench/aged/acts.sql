-- What a measurement is made of: all in a transaction that is rolled back.
drop function if exists bench.due(integer, integer), bench.due_of(integer), bench.open_of(integer),
  bench.raise(), bench.taken(), bench.alert_of(integer), bench.deleted_of(integer),
  bench.remember(jsonb);

-- Ordinary Members all over, others for each seed: the factor is a prime.
create function bench.due(count integer, seed integer) returns void
language plpgsql as $$
begin
  perform bench.due_of(n)
     from (
       select p.n
         from bench.world w
        cross join generate_series(0, count * 5 / 4) i
        cross join lateral (
          select 601 + ((seed * 7919 + i) * 104729::bigint % (w.members - 600))::integer as n) p
        where exists (select from data.obligations o
                       where o.member_id = bench.member(p.n) and o.state = 'open')
        limit count) _;
end;
$$;

create function bench.due_of(n integer) returns void
language sql as $$
  update data.obligations o
     set opens_at = now() - interval '9 hours', due_at = now() - interval '10 minutes',
         alert_at = now(), remind_at = null,
         local_on = ((now() - interval '10 minutes') at time zone o.time_zone)::date,
         local_time = ((now() - interval '10 minutes') at time zone o.time_zone)::time
   where o.member_id = bench.member(n) and o.state = 'open';
$$;

-- Awaited for the next hour.
create function bench.open_of(n integer) returns void
language sql as $$
  update data.obligations o
     set opens_at = now() - interval '1 hour', due_at = now() + interval '1 hour',
         alert_at = now() + interval '70 minutes', remind_at = now() + interval '1 hour',
         local_on = ((now() + interval '1 hour') at time zone o.time_zone)::date,
         local_time = ((now() + interval '1 hour') at time zone o.time_zone)::time
   where o.member_id = bench.member(n) and o.state = 'open';
$$;

create function bench.raise() returns void
language plpgsql as $$
begin
  perform set_config('role', 'pruuf_worker', true);
  while (jobs.tick() ->> 'more')::boolean loop null; end loop;
  perform set_config('role', 'none', true);
end;
$$;

-- As if the providers had taken all that this transaction has made.
create function bench.taken() returns void
language sql as $$
  update data.deliveries d
     set state = 'accepted', may_have_arrived = true, attempts = 1, settled_at = now(),
         provider_message_id = 'SM' || md5(d.id::text), provider = 'twilio'
   where d.state = 'pending' and d.created_at = now();
$$;

create function bench.alert_of(n integer) returns uuid
language sql as $$
  select a.id from data.alerts a where a.member_id = bench.member(n)
         and a.state <> 'resolved' order by a.id desc limit 1;
$$;
-- An account whose days to come back are over.
create function bench.deleted_of(n integer) returns void
language sql as $$
  update data.users set deleted_at = now() - interval '31 days' where id = bench.member(n);
  update data.connections
     set ended_at = now() - interval '31 days', ended_by = bench.member(n), may_return = true
   where member_id = bench.member(n) and ended_at is null;
  update data.schedules set superseded_at = now() - interval '31 days'
   where member_id = bench.member(n) and superseded_at is null;
  update data.obligations set state = 'excused', closed_at = now(), remind_at = null
   where member_id = bench.member(n) and state = 'open';
$$;

-- What a call takes as its argument, for the transaction.
create function bench.remember(results jsonb) returns void
language plpgsql as $$
begin
  perform set_config('bench.results', results::text, true);
end;
$$;
grant usage on schema bench to public;
