-- What bench.days says, as rows: what was expected, what came, and what apps leave behind.

insert into data.obligations (id, member_id, schedule_id, local_on, local_time, time_zone,
                              opens_at, due_at, alert_at, state, closed_at)
select o.obligation_id, p.member_id, p.schedule_id, o.local_on,
       p.local_time, p.zone, o.due_at - interval '9 hours', o.due_at,
       o.due_at + interval '10 minutes',
       case o.what when 'late' then 'met_late' when 'made_up' then 'met_late' when 'overslept'
           then 'met_late'
                   when 'met' then 'met' when 'excused' then 'excused' else 'missed' end,
       coalesce(o.met_at, o.due_at + interval '10 minutes')
  from bench.days o join bench.people p on p.n = o.n;
insert into data.obligations (id, member_id, schedule_id, local_on, local_time, time_zone,
                              opens_at, due_at, alert_at, remind_at)
select bench.id(next_due - interval '1 day', 'obligation', n, 0), member_id, schedule_id, next_on,
       local_time, zone,
       next_due - interval '9 hours', next_due, next_due + interval '10 minutes',
       next_due - interval '30 minutes'
  from bench.people where deleted_at is null order by k;

insert into data.check_ins (id, member_id, received_at, device_time, time_zone)
select o.check_in_id, p.member_id, o.met_at, o.met_at, p.zone
  from bench.days o join bench.people p on p.n = o.n where o.met_at is not null;

insert into data.obligations_met (obligation_id, check_in_id)
select obligation_id, check_in_id
  from bench.days where met_at is not null;

insert into data.signatures (check_in_id, device_id, signed_at, signed_on, state)
select check_in_id, bench.fixed('d000', n), met_at, local_on, 'verified'
  from bench.days where met_at is not null and n % 10 = 1;

insert into data.positions (id, member_id, check_in_id, sealed, received_at)
select bench.id(o.met_at, 'position', o.n, o.d), bench.member(o.n), o.check_in_id,
       bench.bytes('position' || o.n, 60), o.met_at
  from bench.days o, bench.world w
 where o.met_at > w.seeded_at - interval '20 hours' and o.n % 20 = 1;

insert into data.refresh_tokens (token_hash, session_id, issued_at, expires_at, used_at)
select bench.bytes('refresh' || n || ':' || d, 32), bench.fixed('a000', n), due_at,
       due_at + interval '90 days',
       due_at + interval '1 day'
  from bench.days where (n + d) % 6 = 0;
insert into data.refresh_tokens (token_hash, session_id, issued_at, expires_at)
select bench.bytes('refresh m' || n, 32), bench.fixed('a000', n), now(), now() + interval '90 days'
  from bench.people
union all
select bench.bytes('refresh c' || number, 32), bench.fixed('b000', number), now(),
       now() + interval '90 days'
  from bench.contacts;

insert into data.idempotency_keys (user_id, key, fingerprint, answer, created_at)
select p.member_id, gen_random_uuid(), bench.bytes('print' || o.n, 32), jsonb_build_object(
         'id', o.check_in_id, 'met', jsonb_build_array(jsonb_build_object(
           'id', o.obligation_id, 'state', 'met', 'due_at', o.due_at,
           'opens_at', o.due_at, 'alert_at', o.due_at, 'local_on', o.local_on, 'time_zone',
           p.zone)),
         'note', null, 'mood', null, 'method', 'app', 'received_at', o.met_at, 'resolved_alerts',
         '[]'::jsonb),
       o.met_at
  from bench.days o join bench.people p on p.n = o.n
 where o.d <= 2 and o.met_at > (select seeded_at - interval '20 hours' from bench.world);
