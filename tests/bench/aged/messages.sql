-- Alerts and all that was told: staged as bench.alarms and bench.news, then written in the order
-- of their time.

-- The rounds of an alert that nobody takes: those of the default policy, then daily.
create unlogged table bench.rounds as
select row_number() over (order by minutes)::integer as number,
       minutes * interval '1 minute' as after,
       minutes > 0 as has_call
  from (select unnest(array[0, 10, 20, 30, 60, 120, 180, 240, 300, 360]) as minutes
        union all select 360 + 1440 * day from generate_series(1, 40) day) _;

create unlogged table bench.alarms as
select bench.id(raised_at, 'alert', n, d) as id, o.n, o.d, 'missed' as kind, o.what, o.raised_at,
       o.obligation_id as obligation_id,
       case o.what when 'made_up' then o.met_at when 'overslept' then o.met_at
                   when 'closed' then o.raised_at + interval '40 minutes'
                   when 'attested' then o.raised_at + interval '15 minutes' end as ended_at,
       case o.what when 'closed' then o.raised_at + interval '4 minutes' end as taken_at
  from (select *, due_at + interval '10 minutes 0.4 seconds' as raised_at from bench.days
         where what in ('made_up', 'overslept', 'closed', 'attested', 'lost')) o
union all
-- Calls for help: twenty have been open for a month, and each Member of a hundred called once and
-- took it back.
select bench.id(raised_at, 'alert', n, d), n, d, 'help', what, raised_at, null, ended_at, null
  from bench.world w
 cross join lateral (
   select n, 1000 as d, 'helpless' as what, w.seeded_at - interval '30 days' as raised_at,
          null::timestamptz as ended_at
     from bench.people where n between 9 and 28
   union all
   select n, 1001, 'helped', at, at + interval '6 minutes' from bench.people
    cross join lateral (
      select w.seeded_at - interval '1 hour'
               - n * 37 % (w.days * 1400) * interval '1 minute' as at) _
    where n % 100 = 1 and n > 100 and deleted_at is null) h;
analyze bench.alarms;

insert into data.alerts (id, member_id, kind, obligation_id, state, raised_at, facts,
                         acknowledged_at, acknowledged_by, resolved_at, resolved_by, resolved_how,
                         outcome, round, next_step_at, exhausted_at, reach_check_at)
select a.id, p.member_id, a.kind, a.obligation_id,
       case when ended_at is null then 'open' else 'resolved' end,
       a.raised_at,
       jsonb_build_object(
         'member', jsonb_build_object('id', p.member_id, 'name', 'Member ' || a.n),
         'last_heard', jsonb_build_object(
           'at', a.raised_at - interval '1 day', 'local', '2026-01-01T09:00'),
         'last_seen', jsonb_build_object(
           'at', a.raised_at - interval '2 hours', 'battery_percent', 40),
         'contacts', (select jsonb_agg(jsonb_build_object(
                               'id', bench.contact(a.n, c),
                               'name', 'Contact ' || bench.contact_number(a.n, c)))
                        from generate_series(1, 2) c),
         'backups', jsonb_build_array(jsonb_build_object(
                      'id', bench.contact(a.n, 3),
                      'name', 'Contact ' || bench.contact_number(a.n, 3))),
         'time_zone', p.zone)
       || case a.kind when 'missed' then jsonb_build_object('due', jsonb_build_object(
            'local_on', a.raised_at::date, 'local_time', p.local_time, 'time_zone', p.zone,
            'at', a.raised_at - interval '10 minutes')) else '{}' end,
       a.taken_at, case when a.taken_at is not null then bench.contact(a.n, 1) end, a.ended_at,
       case a.what when 'closed' then bench.contact(a.n, 1)
                   when 'attested' then bench.contact(a.n, 2)
                   else case when a.ended_at is not null then p.member_id end end,
       case a.what when 'closed' then 'closed' when 'attested' then 'attested'
                   when 'helped' then 'cancelled' when 'made_up' then 'checked_in'
                   when 'overslept' then 'checked_in' end,
       case a.what when 'closed' then 'safe' end,
       (select count(*) from bench.rounds r
         where a.raised_at + r.after < coalesce(taken_at, ended_at, seeded_at)),
       w.seeded_at + interval '12 hours',
       case when a.ended_at is null then a.raised_at + interval '1 hour' end,
       w.seeded_at + interval '12 hours'
  from bench.alarms a join bench.people p on p.n = a.n cross join bench.world w
 order by a.raised_at;

-- c: 0 is the Member. place: how it goes out.
create unlogged table bench.news (
  id uuid, n integer, c integer, kind text, cause text, alert_id uuid, facts jsonb, at timestamptz,
  expires_at timestamptz, has_call boolean, place text);

insert into bench.news
select bench.id(a.raised_at + r.after, case r.number when 1 then a.kind else 'still_open' end, a.n,
                a.d * 1000 + r.number * 10 + c),
       a.n, c, case r.number when 1 then a.kind else 'still_open' end,
       a.id || case r.number when 1 then '' else ':' || r.number end, a.id,
       case r.number when 1 then '{}' else jsonb_build_object(
         'round', r.number, 'is_exhausting', r.number = 5, 'had_by', null, 'by', null,
         'open_for_seconds', extract(epoch from r.after)::integer,
         'contacts', (select jsonb_agg(jsonb_build_object(
                               'id', bench.contact(a.n, o), 'name',
                               'Contact ' || bench.contact_number(a.n, o)))
                        from generate_series(1, 3) o)) end,
       a.raised_at + r.after, null, r.has_call, 'everywhere'
  from bench.alarms a
 cross join bench.world w
  join bench.rounds r on a.raised_at + r.after < coalesce(a.taken_at, a.ended_at, w.seeded_at)
 cross join generate_series(1, 3) c
 where r.number > 2 or c < 3;
create unlogged table bench.told as select distinct n, c, alert_id from bench.news;

insert into bench.news
select bench.id(a.ended_at, 'all_clear', a.n, a.d * 10 + t.c), a.n, t.c, 'all_clear', a.id::text,
       a.id,
       jsonb_build_object('how', 'checked_in', 'outcome', null, 'note', null, 'at_local',
                          '2026-01-01T09:30',
         'by', jsonb_build_object('id', bench.member(a.n), 'name', 'Member ' || a.n)),
       a.ended_at, null::timestamptz, false, 'everywhere'
  from bench.alarms a join bench.told t on t.alert_id = a.id where a.ended_at is not null
union all
select bench.id(a.taken_at, 'acknowledged', a.n, a.d * 10 + c), a.n, c, 'acknowledged',
       a.id || ':' || a.id, a.id,
       jsonb_build_object('by', jsonb_build_object('id', bench.contact(a.n, 1), 'name', 'Contact'),
                          'arrives_local', null),
       a.taken_at, null::timestamptz, false, 'push'
  from bench.alarms a, unnest(array[0, 2, 3]) c where a.taken_at is not null;

-- One day of three has a reminder.
insert into bench.news
select bench.id(o.due_at - interval '30 minutes', 'reminder', o.n, o.d), o.n, 0, 'reminder',
       o.obligation_id || ':before', null::uuid,
       jsonb_build_object('phase', 'before', 'alert_local_time', '2026-01-01T09:10:00', 'due',
                          jsonb_build_object(
         'local_on', o.local_on, 'local_time', p.local_time, 'time_zone', p.zone, 'at', o.due_at)),
       o.due_at - interval '30 minutes', o.due_at + interval '10 minutes', false,
       case when p.has_device then 'push' else 'sms' end
  from bench.days o join bench.people p on p.n = o.n where (o.n + o.d) % 3 = 0
      and o.what <> 'excused';

insert into bench.news
select bench.id(p.created_at + interval '1 hour', 'connected', p.n, c * 10 + side), p.n,
       case side when 1 then 0 else c end,
       'connected', bench.id(p.created_at, 'connection', p.n, c)::text, null::uuid,
       jsonb_build_object('other', jsonb_build_object('id', bench.contact(p.n, c), 'name',
                                                      'Contact'),
                          'becomes', 'contact'),
       p.created_at + interval '1 hour', null::timestamptz, false, 'push'
  from bench.people p, generate_series(1, 3) c, generate_series(1, 2) side
union all
select bench.id(w.seeded_at - interval '10 days', 'connection_ended', p.n, 1), p.n, 0,
       'connection_ended',
       bench.id(p.created_at, 'connection', p.n, 2)::text, null::uuid,
       jsonb_build_object('other', jsonb_build_object('id', bench.contact(p.n, 2), 'name',
                                                      'Contact')),
       w.seeded_at - interval '10 days', null, false, 'push'
  from bench.people p, bench.world w where p.n % 100 = 11;
analyze bench.news;

insert into data.notifications (id, user_id, kind, cause, alert_id, facts, created_at, expires_at,
                                read_at, has_call)
select id, case c when 0 then bench.member(n) else bench.contact(n, c) end, kind, cause, alert_id,
       facts, at,
       expires_at, case when (n + c) % 2 = 0 then at + interval '1 minute' end, has_call
  from bench.news order by at;

create unlogged table bench.sent as
select bench.id(n.at, n.id || p.channel, 0, 0) as id,
       n.id as notification_id, n.alert_id, n.kind, n.c, p.channel, n.at, n.n, k.work_rank,
       case when p.channel = 'push' then null
            else bench.fixed(case p.channel when 'email' then 'e' else 'f' end
                             || case n.c when 0 then '1' else '2' end || '00',
                             p.number) end as address_id,
       case when p.channel = 'push' then bench.fixed(case n.c when 0 then 'd000' else 'd100' end,
                                                     p.number) end
         as device_id,
       case when n.place = 'push' and p.channel = 'email' then 'cancelled'
            when (n.n * 7 + extract(epoch from n.at)::bigint) % 100 = 0 and p.channel = 'email'
                then 'failed'
            when p.channel in ('push', 'voice') then 'accepted' else 'delivered' end as state,
       n.expires_at
  from bench.news n
  join data.notification_kinds k on k.kind = n.kind
 cross join lateral (
   select channel, case n.c when 0 then n.n else bench.contact_number(n.n, n.c) end as number
     from unnest(case n.place when 'everywhere' then array['push', 'email', 'sms'] || case
                   when n.has_call then '{voice}'::text[] else '{}' end
                              when 'sms' then array['sms']
                              else array['push'] || case when k.priority = 'high'
                                  then '{email}'::text[] else '{}' end end) channel
    where n.c > 0 or channel <> 'push' or n.n % 10 <> 9) p
 order by n.at;

insert into data.deliveries (id, notification_id, alert_id, channel, address_id, device_id,
                             work_rank, state, next_attempt_at, attempts, may_have_arrived,
                             stands_by, expires_at, created_at, settled_at, provider_message_id,
                             failure, provider)
select id, notification_id, alert_id, channel, address_id, device_id, work_rank, state, at,
       case state when 'cancelled' then 0 else 1 end, state in ('accepted', 'delivered'),
       state = 'cancelled',
       expires_at, at, at + interval '2 seconds',
       case when state in ('accepted', 'delivered') then case channel when 'push'
           then 'projects/p/messages/' else 'SM' end
            || md5(id::text) end,
       case state when 'failed' then 'mailbox-full' end,
       case when state <> 'cancelled' then case channel when 'push' then 'fcm' when 'email'
           then 'postmark' else 'twilio' end end
  from bench.sent;

-- R6.5 where an alarm may have arrived.
insert into data.alarm_places (alert_id, user_id, channel, place_id)
select distinct s.alert_id, case s.c when 0 then bench.member(s.n) else bench.contact(s.n, s.c) end,
       s.channel, coalesce(s.address_id, s.device_id)
  from bench.sent s
 where s.alert_id is not null and s.kind <> 'all_clear' and s.state in ('accepted', 'delivered');

insert into data.attempts (delivery_id, number, ended_at, result, detail, took_ms, provider)
select id, 1, at + interval '1 second', case state when 'failed' then 'permanent'
       else 'accepted' end,
       case state when 'failed' then 'mailbox-full' end, 120,
       case channel when 'push' then 'fcm' when 'email' then 'postmark' else 'twilio' end
  from bench.sent where state <> 'cancelled';

insert into data.receipts (provider, event_id, delivery_id, provider_message_id, event, meaning,
                           said_at, received_at)
select case channel when 'email' then 'postmark' else 'twilio' end, id || ':delivered', id,
       'SM' || md5(id::text),
       'delivered', 'delivered', at + interval '4 seconds', at + interval '5 seconds'
  from bench.sent where state = 'delivered' and channel in ('sms', 'email');

insert into data.alert_rounds (alert_id, number, kind, told_at, whom, has_call, is_exhausting)
select a.id, r.number, 'still_open', a.raised_at + r.after,
       case when r.number > 2 then 'everyone' else 'primary' end,
       true, r.number = 5
  from bench.alarms a cross join bench.world w
  join bench.rounds r on r.number > 1 and a.raised_at + r.after < coalesce(a.taken_at, a.ended_at,
          w.seeded_at);
insert into data.alert_actions (id, alert_id, user_id, action, taken_at, outcome)
select bench.id(t.at, t.action, a.n, a.d), a.id, t.by, t.action, t.at,
       case t.action when 'close' then 'safe' end
  from bench.alarms a
 cross join lateral (values ('acknowledge', a.taken_at, bench.contact(a.n, 1)),
                            ('close', case a.what when 'closed' then a.ended_at end,
                             bench.contact(a.n, 1)),
                            ('cancel', case a.what when 'helped' then a.ended_at end,
                             bench.member(a.n)))
       as t (action, at, by)
 where t.at is not null;
insert into data.help_requests (id, member_id, alert_id, requested_at)
select bench.id(raised_at, 'help', n, d), bench.member(n), id,
       raised_at from bench.alarms where kind = 'help';
insert into data.attestations (id, member_id, contact_id, obligation_id, attested_at, note)
select bench.id(ended_at, 'attestation', n, d), bench.member(n), bench.contact(n, 2), obligation_id,
       ended_at, 'Seen.'
  from bench.alarms where what = 'attested';

-- Codes of a day, and what went to strangers in a month.
insert into data.one_time_codes (id, kind, lookup, sealed, code_hash, created_at, expires_at,
                                 tries_left)
select bench.id(at, 'code', n, 0), 'email', bench.bytes('emaile100' || n, 32),
       bench.bytes('otc' || n, 60),
       bench.bytes('hash' || n, 32), at, at + interval '10 minutes', 5
  from bench.people cross join lateral (select now() - n % 1200 * interval '1 minute' as at) _
      where n % 50 = 0;
create unlogged table bench.strangers as
select bench.id(at, 'stranger', n, 0) as id, bench.id(at, 'delivery to a stranger', n,
                                                      0) as delivery_id, n, at
  from bench.people cross
      join lateral (
         select now() - (1 + n % 28) * interval '1 day' - k * interval '0.1 second' as at) _
 where n % 4 = 0 order by at;
insert into data.notifications (id, kind, cause, facts, address_kind, address_lookup,
                                address_sealed, created_at, expires_at)
select id, 'one_time_code', bench.id(at, 'code', n, 1)::text,
       jsonb_build_object('code_id', bench.id(at, 'code', n, 1)),
       'email', bench.bytes('emaile100' || n, 32), bench.bytes('otc' || n, 60), at,
       at + interval '10 minutes'
  from bench.strangers;
insert into data.deliveries (id, notification_id, channel, work_rank, state, next_attempt_at,
                             attempts, may_have_arrived, expires_at, created_at, settled_at,
                             provider_message_id, provider)
select delivery_id, id, 'email', 50, 'delivered', at, 1, true, at + interval '10 minutes', at, at,
       'SM' || md5(id::text),
       'postmark'
  from bench.strangers;
insert into data.attempts (delivery_id, number, ended_at, result, took_ms, provider)
select delivery_id, 1, at, 'accepted', 120, 'postmark' from bench.strangers;

-- One Contact of two hundred has a webhook.
insert into data.webhooks (id, user_id, sealed, created_at, delivered_at)
select bench.fixed('0e00', n), bench.contact(n, 1), bench.bytes('hook' || n, 60), created_at, now()
  from bench.people where n % 200 = 5;
insert into data.webhook_secrets (id, webhook_id, sealed, created_at)
select bench.fixed('0e01', n), bench.fixed('0e00', n), bench.bytes('secret' || n, 60), created_at
  from bench.people where n % 200 = 5;
insert into data.webhook_events (id, webhook_id, notification_id, type, created_at, state,
                                 attempts, next_attempt_at, settled_at)
select bench.id(n.at, n.id || 'event', 0, 0), bench.fixed('0e00', n.n), n.id,
       'notification.' || n.kind, n.at, 'delivered', 1, n.at, n.at + interval '1 second'
  from bench.news n cross join bench.world w
 where n.n % 200 = 5 and n.c = 1 and n.at > w.seeded_at - interval '28 days';
