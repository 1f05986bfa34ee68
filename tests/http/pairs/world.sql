-- One family, known by numbers: 1 Anna is a Member, 2 Ben, 3 Chloe and 4 Dora are her Contacts, 5 Erik is another Member of
-- Ben's, 6 Fay is invited, 7 Gus is staff, 8 Hal has deleted his account, 9 Ida is somebody whom Anna has blocked. Anna is
-- Ben's Contact, too. Something is due for every job.
create function pg_temp.id(kind bigint, number bigint) returns uuid language sql immutable
return (to_char(kind, 'FM00000000') || '-0000-4000-8000-' || to_char(number, 'FM000000000000'))::uuid;

update meta.clock set ahead_by = timestamptz '2027-02-28 10:00:00Z' - now();
insert into data.users (id, name, created_at)
select pg_temp.id(1, p.number), p.name, rules.clock() - interval '60 days'
  from unnest(array['Anna', 'Ben', 'Chloe', 'Dora', 'Erik', 'Fay', 'Gus', 'Hal', 'Ida']) with ordinality as p (name, number);
insert into data.addresses (id, user_id, kind, lookup, sealed, verified_at, created_at)
select pg_temp.id(case k.kind when 'email' then 2 else 3 end, p), pg_temp.id(1, p), k.kind, decode(md5(k.kind || p), 'hex'), 'sealed',
       rules.clock() - interval '50 days', rules.clock() - interval '50 days'
  from generate_series(1, 9) as p, unnest(array['email', 'phone']) as k (kind);
-- A new one of Ben's, which he may verify.
insert into data.addresses (id, user_id, kind, lookup, sealed, created_at)
values (pg_temp.id(2, 12), pg_temp.id(1, 2), 'email', decode(md5('new'), 'hex'), 'sealed', rules.clock());
insert into data.devices (id, user_id, platform, push_token, registered_at)
select pg_temp.id(4, p), pg_temp.id(1, p), 'android', 'token ' || p, rules.clock() - interval '50 days' from generate_series(1, 9) as p;
insert into data.sessions (id, user_id, created_at, last_used_at)
select pg_temp.id(5, p), pg_temp.id(1, p), rules.clock(), rules.clock() from generate_series(1, 9) as p;
insert into data.staff_roles (user_id, role, added_at) values (pg_temp.id(1, 7), 'admin', rules.clock());
insert into data.linked_devices (id, user_id, name, token_hash, linked_at)
values (pg_temp.id(6, 1), pg_temp.id(1, 1), 'Button', 'button', rules.clock());
insert into data.webhooks (id, user_id, sealed, created_at) values (pg_temp.id(7, 1), pg_temp.id(1, 2), 'sealed', rules.clock());
insert into data.connections (id, member_id, contact_id, tier, connected_at)
select pg_temp.id(10, c.number), pg_temp.id(1, c.member), pg_temp.id(1, c.contact), c.tier, rules.clock() - interval '40 days'
  from (values (1, 1, 2, 'primary'), (2, 1, 3, 'primary'), (3, 1, 4, 'backup'), (4, 5, 2, 'primary'), (5, 2, 1, 'primary'),
               (6, 1, 8, 'primary'), (7, 5, 3, 'primary')) as c (number, member, contact, tier);
insert into data.invitations (id, inviter_id, invitee_becomes, name, kind, lookup, sealed, code_hash, created_at, expires_at, sent_at)
values (pg_temp.id(8, 1), pg_temp.id(1, 1), 'contact', 'Fay', 'email', decode(md5('email6'), 'hex'), 'sealed', 'invitation',
        rules.clock() - interval '1 hour', rules.clock() + interval '30 days', rules.clock() - interval '1 hour');
insert into data.blocks (blocker_id, blocked_id, blocked_at) values (pg_temp.id(1, 1), pg_temp.id(1, 9), rules.clock());
insert into data.watch_settings (contact_id, member_id, hears_of)
values (pg_temp.id(1, 2), pg_temp.id(1, 1), 'every_check_in'), (pg_temp.id(1, 3), pg_temp.id(1, 1), 'daily_digest');
insert into data.preferences (user_id, high_channels, normal_channels, has_weekly_summary, shares_position)
values (pg_temp.id(1, 1), '{push,email,sms}', '{push,email,sms}', true, 'always'),
       (pg_temp.id(1, 2), '{push,email,sms}', '{push,email,sms}', true, 'never');
insert into data.welfare_cards (user_id, sealed, is_always_shown, changed_at) values (pg_temp.id(1, 1), 'sealed', true, rules.clock());
insert into data.schedules (member_id, local_times, time_zone, grace_minutes, reminders)
select pg_temp.id(1, p), '{12:00}', 'UTC', 10, '{before}'
  from unnest(array[2, 5]) as p;

-- Anna has called for help, and Hal said that it is over. Then he left.
set role pruuf_user;
select set_config('pruuf.user_id', pg_temp.id(1, 1)::text, false);
select api.request_help();
select set_config('pruuf.user_id', pg_temp.id(1, 8)::text, false);
select api.close_alert(a.id, 'safe', 'seen') from data.alerts a;
select api.delete_me();
-- A new call, which is open, and one of Erik's, which Chloe has. What Erik did today is told to nobody yet.
select set_config('pruuf.user_id', pg_temp.id(1, 1)::text, false);
select api.request_help();
select set_config('pruuf.user_id', pg_temp.id(1, 5)::text, false);
select api.request_help();
select api.plan_break((rules.clock() + interval '3 days')::date, (rules.clock() + interval '5 days')::date, false);
select set_config('pruuf.user_id', pg_temp.id(1, 3)::text, false);
select api.acknowledge_alert(a.id, null) from data.alerts a where a.member_id = pg_temp.id(1, 5);
select set_config('pruuf.user_id', pg_temp.id(1, 1)::text, false);
select api.record_check_in(null, null, null, null);
reset role;

-- On the next day Ben and Erik are missed. On the day after it is time again, and no job has looked yet. Anna has missed her
-- first time of today, and the second is near.
update meta.clock set ahead_by = timestamptz '2027-03-01 11:00:00Z' - now();
set role pruuf_worker;
select jobs.tick();
reset role;
update meta.clock set ahead_by = timestamptz '2027-03-02 01:00:00Z' - now();
insert into data.schedules (member_id, local_times, time_zone, grace_minutes, reminders)
values (pg_temp.id(1, 1), '{09:00,12:00}', 'UTC', 10, '{before}');
update meta.clock set ahead_by = timestamptz '2027-03-02 10:00:00Z' - now();
select rules.raise_missed(array_agg(o.id), rules.clock()) from data.obligations o where o.member_id = pg_temp.id(1, 1) and o.state = 'open';
select rules.open_next(pg_temp.id(1, 1), rules.clock());

-- The second round rings. One message of each kind of Ben's is in each kind of hand.
update data.alerts set next_step_at = rules.clock() - interval '1 second' where state = 'open';
set role pruuf_worker;
select jobs.escalate();
reset role;
update data.deliveries d set state = 'sending', attempts = 1, lease_until = rules.clock() + interval '1 hour'
 where d.id in (
   select distinct on (o.channel) o.id from data.deliveries o join data.notifications n on n.id = o.notification_id
    where n.user_id = pg_temp.id(1, 2) and n.alert_id is not null and o.state = 'pending' order by o.channel, o.id);
update data.deliveries d
   set state = 'accepted', attempts = 1, settled_at = rules.clock(), provider = 'test', provider_message_id = d.id::text, may_have_arrived = true,
       poll_at = case when d.channel = 'sms' then rules.clock() end
 where d.id in (
   select distinct on (o.channel, n.user_id) o.id from data.deliveries o join data.notifications n on n.id = o.notification_id
    where n.alert_id is not null and o.state = 'pending' order by o.channel, n.user_id, o.id);
update data.deliveries d set state = 'failed', failure = '550', settled_at = rules.clock()
 where d.id in (
   select o.id from data.deliveries o join data.notifications n on n.id = o.notification_id
    where n.user_id = pg_temp.id(1, 3) and n.alert_id is not null and o.channel = 'email' and o.state = 'pending' order by o.id limit 1);
update data.deliveries d set expires_at = rules.clock() - interval '1 second'
 where d.id in (select o.id from data.deliveries o where o.state = 'pending' order by o.id limit 1);

-- Something is due for every job.
update data.alerts set next_step_at = rules.clock() - interval '1 second', reach_check_at = null where state <> 'resolved';
update data.users set deleted_at = deleted_at - interval '40 days' where deleted_at is not null;
update data.connections set may_return = false, connected_at = connected_at - interval '10 days', ended_at = ended_at - interval '40 days'
 where ended_at is not null;
update data.breaks set next_step_at = rules.clock() - interval '1 second';
update data.watch_settings set digest_at = rules.clock() - interval '1 second' where hears_of = 'daily_digest';
insert into data.weekly_summaries (user_id, due_at) select pg_temp.id(1, p), rules.clock() - interval '1 second' from generate_series(1, 5) as p
on conflict (user_id) do update set due_at = excluded.due_at;
insert into data.drill_reminders (user_id, remind_at) select pg_temp.id(1, p), rules.clock() - interval '1 second' from generate_series(1, 5) as p
on conflict (user_id) do update set remind_at = excluded.remind_at;
update billing.accounts set trial_ends_at = rules.clock() - interval '1 second', next_step_at = rules.clock() - interval '1 second'
 where trial_ends_at is not null;
insert into data.positions (id, member_id, check_in_id, sealed, received_at)
select data.new_id(), c.member_id, c.id, 'sealed', rules.clock() from data.check_ins c;
update data.positions set received_at = rules.clock() - interval '2 days';
insert into data.idempotency_keys (user_id, key, fingerprint, answer, created_at)
values (pg_temp.id(1, 1), 'old', 'old', '{}', rules.clock() - interval '10 days');
insert into billing.customers (id, user_id, created_at, compared_at) values ('cus_1', pg_temp.id(1, 2), rules.clock(), rules.clock() - interval '9 days');
-- The reminder of this time that Ben got over e-mail has a page.
insert into data.notifications (user_id, kind, cause, facts, created_at)
select o.member_id, 'reminder', o.id || ':before', jsonb_build_object('phase', 'before', 'due', rules.slot_shape(o)), rules.clock()
  from data.obligations o where o.state = 'open' on conflict do nothing;
insert into data.one_time_codes (id, kind, lookup, sealed, code_hash, created_at, expires_at, tries_left)
values (pg_temp.id(9, 1), 'email', decode(md5('new'), 'hex'), 'sealed', decode(md5('code'), 'hex'), rules.clock() - interval '2 minutes',
        rules.clock() + interval '1 hour', 5);
update data.addresses set off_at = rules.clock(), off_reason = 'stopped' where id = pg_temp.id(3, 4);
