-- The people of a database with a past. bench.world says how many and for how long; every other
-- file reads it.
-- Runs as a superuser with session_replication_role = replica: no trigger and no foreign key is
-- asked.

create function bench.id(at timestamptz, kind text, n integer, d integer) returns uuid
language sql stable parallel safe
return overlay(overlay(md5(kind || n || ':' || d)
         placing lpad(to_hex((date_part('epoch', at) * 1000)::bigint), 12, '0') || '7'
             from 1 for 13)
         placing '8' from 17 for 1)::uuid;
comment on function bench.id is
  'A UUIDv7 of an instant, the same each time: rows can name each other without a join.';

create function bench.fixed(kind text, number integer) returns uuid
language sql immutable parallel safe
return ('00000000-0000-7000-' || kind || '-' || lpad(number::text, 12, '0'))::uuid;

create function bench.member(n integer) returns uuid
language sql immutable parallel safe return bench.fixed('8000', n);

create function bench.contact_number(n integer, c integer) returns integer
language sql immutable parallel safe return 3 * (case c when 3 then n - n % 2 else n end) + c;
comment on function bench.contact_number is
  'The third Contact watches two Members, the others one.';

create function bench.contact(n integer, c integer) returns uuid
language sql immutable parallel safe return bench.fixed('9000', bench.contact_number(n, c));

create function bench.bytes(seed text, length integer) returns bytea
language sql immutable parallel safe
return substr(sha256(convert_to(seed, 'UTF8')) || sha256(convert_to(seed || '+', 'UTF8')), 1,
              length);

-- Members in the order of their time of day, which is not the order of their numbers.
create unlogged table bench.people as
with world as (select * from bench.world),
numbered as (
  select k, (k::bigint * 61803 % members)::integer + 1 as n, w.*,
         date_trunc('minute', seeded_at + interval '3 hours' + k * interval '21 hours' / members)
           as next_due
    from world w, generate_series(0, members - 1) k)
select k, n, bench.member(n) as member_id, bench.fixed('a100', n) as schedule_id, next_due, zone,
       (next_due at time zone zone)::date as next_on,
       (next_due at time zone zone)::time as local_time,
       created_at, n % 10 <> 9 as has_device,
       case when n % 200 = 7
           then seeded_at - make_interval(days => 1 + n / 200 % 28) end as deleted_at
  from numbered
 cross join lateral (
   select (array['Pacific/Auckland', 'Europe/London', 'America/New_York', 'America/Los_Angeles',
                 'Europe/Madrid'])[n % 5 + 1] as zone,
          seeded_at - make_interval(days => greatest(days, 90) + 2) as created_at) _
 order by k;

insert into data.users (id, name, created_at, deleted_at)
select p.member_id, 'Member ' || p.n, p.created_at, p.deleted_at from bench.people p order by p.n;

create unlogged table bench.contacts as
select distinct on (number) bench.contact_number(n, c) as number, bench.contact(n, c) as user_id,
       created_at
  from bench.people, generate_series(1, 3) c
 order by number;
-- Number 1 watches fifty Members.
insert into bench.contacts
select 1, bench.fixed('9000', 1), seeded_at - make_interval(days => greatest(days, 90) + 2)
  from bench.world;

insert into data.users (id, name, created_at)
select user_id, 'Contact ' || number, created_at from bench.contacts order by number;

insert into data.pins (user_id, hash, changed_at)
select id, '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$' || md5(id::text) || md5(name),
       created_at
  from data.users;

insert into data.sessions (id, user_id, device_name, created_at, last_used_at, last_ip)
select bench.fixed('a000', n), member_id, 'Telefon', created_at, now() - interval '1 hour',
       inet '203.0.113.7'
  from bench.people
union all
select bench.fixed('b000', number), user_id, 'Phone', created_at, now() - interval '1 day',
       '203.0.113.8'
  from bench.contacts;
insert into data.sessions (id, user_id, created_at, last_used_at, revoked_at, revoked_reason)
select bench.id(created_at, 'session', n, 1), member_id, created_at, created_at, created_at,
       'signed_out'
  from bench.people where n % 5 = 0;
update data.sessions s set revoked_at = p.deleted_at, revoked_reason = 'account_deleted'
  from bench.people p where p.deleted_at is not null and s.user_id = p.member_id
      and s.revoked_at is null;

insert into data.devices (id, user_id, platform, push_token, registered_at, seen_at,
                          battery_percent)
select bench.fixed('d000', n), member_id, 'android', 'token-' || md5('m' || n), created_at, now(),
       80
  from bench.people where has_device
union all
select bench.fixed('d100', number), user_id, 'ios', 'token-' || md5('c' || number), created_at,
       now(), 60
  from bench.contacts;

insert into data.addresses (id, user_id, kind, lookup, sealed, verified_at, created_at)
select bench.fixed(a.id_kind, a.number), a.user_id, k.kind,
       bench.bytes(k.kind || a.id_kind || a.number, 32),
       bench.bytes(a.number::text, 60), a.created_at, a.created_at
  from (select '1' as id_kind, n as number, member_id as user_id, created_at from bench.people
        union all select '2', number, user_id, created_at from bench.contacts) o
 cross join (values ('email', 'e'), ('phone', 'f')) as k (kind, letter)
 cross join lateral (select k.letter || o.id_kind || '00' as id_kind, o.number, o.user_id,
                     o.created_at) a
 where k.kind = 'email' or o.id_kind = '2' or o.number % 10 in (8, 9)
 order by o.number;

insert into data.connections (id, member_id, contact_id, invitation_id, tier, connected_at,
                              ended_at, ended_by, may_return)
select bench.id(p.created_at, 'connection', p.n, c), p.member_id, bench.contact(p.n, c),
       bench.fixed('c00' || c, p.n), case c when 3 then 'backup' else 'primary' end,
       p.created_at + interval '1 hour', coalesce(p.deleted_at, left_at),
       case when p.deleted_at is not null then p.member_id
            when left_at is not null then bench.contact(p.n, c) end, p.deleted_at is not null
  from bench.people p
 cross join generate_series(1, 3) c
 cross join bench.world w
 cross join lateral (
   select case when p.n % 100 = 11 and c = 2 then w.seeded_at - interval '10 days' end as left_at) _
 order by p.n;
insert into data.connections (member_id, contact_id, connected_at)
select member_id, bench.fixed('9000', 1), created_at + interval '1 hour' from bench.people
 where n between 501 and 550 and deleted_at is null;

insert into data.invitations (id, inviter_id, invitee_becomes, name, kind, lookup, sealed,
                              code_hash, state, created_at, expires_at, accepted_by, accepted_at,
                              sent_at, token_hash)
select bench.fixed('c00' || c, n), member_id, 'contact', 'Contact', 'email',
       bench.bytes('emaile200' || bench.contact_number(n, c), 32), bench.bytes('i' || n, 60),
       bench.bytes('code' || n || c, 32), 'accepted', created_at, created_at + interval '30 days',
       bench.contact(n, c), created_at + interval '1 hour', created_at,
       bench.bytes('invitation' || n || c, 32)
  from bench.people, generate_series(1, 3) c;
-- Some that nobody has taken.
insert into data.invitations (id, inviter_id, invitee_becomes, name, kind, lookup, sealed,
                              code_hash, state, created_at, expires_at, sent_at, token_hash)
select bench.fixed('c004', n), member_id, 'contact', 'Nobody', 'email',
       bench.bytes('nobody' || n, 32),
       bench.bytes('n' || n, 60), bench.bytes('code' || n || 'x', 32), 'pending',
       now() - interval '5 days',
       now() + interval '25 days', now() - interval '5 days',
       bench.bytes('invitation' || n || 'x', 32)
  from bench.people where n % 20 = 2;

insert into data.schedules (id, member_id, local_times, time_zone, grace_minutes, created_at,
                            superseded_at)
select schedule_id, member_id, array[local_time], zone, 10, created_at,
       deleted_at from bench.people order by n;
insert into data.schedules (id, member_id, local_times, time_zone, grace_minutes, created_at,
                            superseded_at)
select bench.fixed('a200', n), member_id, array[local_time - interval '1 hour'], zone, 10,
       created_at - interval '1 hour', created_at
  from bench.people where n % 10 = 4;

insert into data.coverage (member_id, is_covered, since_at, reason)
select member_id, deleted_at is null, created_at,
       case when deleted_at is not null then 'no_contact' end
  from bench.people order by n;

insert into data.drill_reminders (user_id, remind_at)
select u.id, now() + (1 + abs(hashtext(u.id::text)) % 89) * interval '1 day' from data.users u;
insert into data.weekly_summaries (user_id, due_at)
select u.id, now() + (24 + abs(hashtext(u.id::text)) % 144) * interval '1 hour' from data.users u;

insert into data.preferences (user_id, quiet_from, quiet_until, time_zone)
select user_id, '22:00', '07:00', 'Europe/London' from bench.contacts where number % 10 = 1;
insert into data.watch_settings (contact_id, member_id, nickname, hears_of, mutes_routine,
                                 digest_at)
select bench.contact(n, c), member_id, 'Mum', h.hears_of, n % 7 = 0,
       case h.hears_of when 'daily_digest'
           then now() + interval '3 hours' + n % 1000 * interval '1 minute' end
  from bench.people
 cross join generate_series(1, 3) c
 cross join lateral (select (array['every_check_in', 'daily_digest',
                                   'misses_only'])[n / 10 % 3 + 1]) h (hears_of)
 where n % 10 = 5;

insert into data.welfare_cards (user_id, sealed, changed_at)
select member_id, bench.bytes('card' || n, 64) || bench.bytes('card!' || n, 64), created_at
  from bench.people where n % 3 = 0;
insert into data.welfare_card_looks (id, member_id, looked_by, looked_at)
select bench.id(created_at, 'look', n, 1), member_id, bench.contact(n, 1), created_at
  from bench.people where n % 9 = 0;

-- Breaks: most are over; the days of those within the time of this database are excused.
insert into data.breaks (id, member_id, first_on, last_on, created_at, begins_at, ends_at,
                         followed_until, next_step_at)
select bench.id(seeded_at - interval '50 days', 'break', n, 1), member_id, next_on - 46,
       next_on - 40,
       next_due - interval '50 days', next_due - interval '46 days', next_due - interval '39 days',
       next_due - interval '39 days', 'infinity'
  from bench.people, bench.world where n % 10 = 3
union all
select bench.id(seeded_at, 'break', n, 2), member_id, next_on + 20, next_on + 25, seeded_at,
       next_due + interval '20 days', next_due + interval '26 days', seeded_at,
       next_due + interval '20 days'
  from bench.people, bench.world where n % 50 = 16 and deleted_at is null;

-- Money: a third on trial, the others pay.
insert into billing.accounts (user_id, trial_ends_at, grandfathered_at, entitlement, since_at,
                              next_step_at)
select user_id, case when number % 3 = 0 then 'infinity'::timestamptz
       else created_at + interval '30 days' end,
       null, case when number % 3 = 0 then 'trialing' else 'active' end, created_at,
       case when number % 3 <> 0 then now() + (2 + number % 300) * interval '1 day' end
  from bench.contacts;
insert into billing.accounts (user_id, grandfathered_at, entitlement, since_at)
select member_id, created_at, 'free', created_at from bench.people;
insert into billing.customers (id, user_id, created_at, compared_at)
select 'cus_' || number, user_id, created_at, now() - number % 1440 * interval '1 minute'
  from bench.contacts where number % 3 <> 0;
insert into billing.subscriptions (id, customer_id, status, lookup_key, period_ends_at,
                                   fetched_at, created_at)
select 'sub_' || number, 'cus_' || number, 'active', 'monthly',
       now() + (10 + number % 300) * interval '1 day',
       now() - number % 1440 * interval '1 minute', created_at
  from bench.contacts where number % 3 <> 0;
insert into billing.events (id, type, customer_id, subscription_id, payload, received_at, state,
                            applied_at)
select 'evt_' || number, 'customer.subscription.updated', 'cus_' || number, 'sub_' || number,
       jsonb_build_object('id', 'evt_' || number, 'object', 'event', 'data', md5(number::text)),
       created_at, 'applied', created_at
  from bench.contacts where number % 3 <> 0;

analyze bench.people;
analyze bench.contacts;
