-- The audit trail of all that, sealed: by the same words as audit.append and jobs.seal_audit, for
-- all rows at once.

insert into audit.events (at, actor, actor_user_id, subject_user_id, action, object_id,
                          request_id, ip, ip_salt, ip_digest, details)
select e.at, e.actor, e.by, e.about, e.action, e.object, e.request, s.ip, s.salt,
       sha256(s.salt || convert_to(host(s.ip), 'UTF8')),
       e.details
  from (
    select o.met_at as at, 'pruuf_user' as actor, bench.member(o.n) as by,
           bench.member(o.n) as about,
           'check_in.recorded' as action, o.check_in_id as object,
           o.check_in_id::text as request, '{}'::jsonb as details, o.n
      from bench.days o where o.met_at is not null
    union all
    select o.due_at + interval '1 day', 'pruuf_anon', null, bench.member(o.n), 'session.refreshed',
           bench.fixed('a000', o.n), bench.id(o.due_at, 'request', o.n, o.d + 1000)::text, '{}', o.n
      from bench.days o where (o.n + o.d) % 6 = 0
    union all
    select p.created_at + interval '1 hour', 'pruuf_user', bench.contact(p.n, c),
           case side when 1 then p.member_id else bench.contact(p.n, c) end, 'connection.made',
           bench.id(p.created_at, 'connection', p.n, c),
           bench.id(p.created_at, 'request', p.n, c + 2000)::text,
           '{}', p.n
      from bench.people p, generate_series(1, 3) c, generate_series(1, 2) side
    union all
    select a.raised_at, 'pruuf_worker', null, bench.member(a.n), 'alert.raised', a.id, null,
           jsonb_build_object('told', jsonb_build_array(bench.contact(a.n, 1),
                                                        bench.contact(a.n, 2))), null
      from bench.alarms a
    union all
    select a.raised_at + r.after, 'pruuf_worker', null, bench.member(a.n), 'alert.round_told', a.id,
           null,
           jsonb_build_object('round', r.number, 'told', jsonb_build_array(
             bench.contact(a.n, 1), bench.contact(a.n, 2), bench.contact(a.n, 3)), 'is_exhausting',
             r.number = 5), null
      from bench.alarms a cross join bench.world w
      join bench.rounds r on r.number > 1 and a.raised_at + r.after < coalesce(a.taken_at,
              a.ended_at, w.seeded_at)
    union all
    select t.at, 'pruuf_user', bench.contact(a.n, 1), bench.member(a.n), t.action, a.id,
           bench.id(t.at, 'request', a.n, a.d + 3000)::text, '{}', a.n
      from bench.alarms a
     cross join lateral (values ('alert.acknowledged', a.taken_at), ('alert.resolved', a.ended_at),
                                ('alert.all_clear_told', a.ended_at)) as t (action, at)
     where t.at is not null) e
 cross join lateral (
   select case when e.n is not null then ('203.0.113.' || e.n % 250)::inet end as ip,
          case when e.n is not null then uuid_send(e.request::uuid) end as salt) s
 where e.at < now()
 order by e.at;

create function bench.link(hash bytea, digest bytea) returns bytea
language plpgsql immutable as $$ begin return sha256(hash || digest); end; $$;
create aggregate bench.chain(bytea) (sfunc = bench.link, stype = bytea, initcond = '');

insert into audit.seals (place, event_at, event_id, digest, hash)
select place, at, id, digest, bench.chain(digest) over (order by place)
  from (select row_number() over (order by e.at, e.id) as place, e.at, e.id,
               sha256(convert_to(jsonb_build_array(
                 1, e.id, extract(epoch from e.at), e.actor, e.actor_user_id, e.subject_user_id,
                 e.action,
                 e.object_id, e.request_id, encode(e.ip_digest, 'hex'), e.details)::text,
                 'UTF8')) as digest
          from audit.events e) _;
