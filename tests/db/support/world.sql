-- People and a row of theirs in every table, for the tests of policies. Run as a superuser on a fresh database.
--   owner     a Member, with a schedule, a check-in and a missed day
--   contact   watches the owner
--   former    watched the owner; that connection is ended
--   stranger  has an account, and nothing to do with any of them
-- Midnight, so that nine o'clock is always ahead.
select meta.advance_clock(date_trunc('day', rules.clock(), 'UTC') + interval '1 day' - rules.clock());
begin;
insert into data.users (id, name, created_at) values
  ('00000000-0000-0000-0000-00000000000a', 'Owner', rules.clock()),
  ('00000000-0000-0000-0000-00000000000b', 'Contact', rules.clock()),
  ('00000000-0000-0000-0000-00000000000c', 'Former', rules.clock()),
  ('00000000-0000-0000-0000-00000000000d', 'Stranger', rules.clock());

insert into data.addresses (id, user_id, kind, lookup, sealed, verified_at, created_at)
select ('00000000-0000-0000-0001-' || lpad(right(u.id::text, 1), 12, '0'))::uuid, u.id, 'email', convert_to(u.name, 'UTF8'), '\x00', u.created_at, u.created_at
  from data.users u where u.name <> 'Stranger';
insert into data.addresses (id, user_id, kind, lookup, sealed, verified_at, created_at)
values ('00000000-0000-0000-0001-0000000000a2', '00000000-0000-0000-0000-00000000000a', 'phone', 'phone', '\x00', rules.clock(), rules.clock());
insert into data.devices (id, user_id, platform, push_token, registered_at)
select ('00000000-0000-0000-0002-' || lpad(right(u.id::text, 1), 12, '0'))::uuid, u.id, 'ios', 'token of ' || u.name, u.created_at
  from data.users u where u.name in ('Owner', 'Contact');
insert into data.linked_devices (id, user_id, name, token_hash, linked_at)
values ('00000000-0000-0000-0008-00000000000a', '00000000-0000-0000-0000-00000000000a', 'Button', '\x0a', rules.clock());
insert into data.one_time_codes (id, kind, lookup, sealed, code_hash, created_at, expires_at, tries_left, ticket_hash, ticket_expires_at)
values ('00000000-0000-0000-0003-00000000000a', 'email', 'somebody', '\x00', '\x01', rules.clock(), rules.clock() + interval '10 minutes', 5, '\x02', rules.clock() + interval '10 minutes');
insert into data.pins (user_id, hash, changed_at) select u.id, '$argon2id$x', u.created_at from data.users u where u.name in ('Owner', 'Contact');
insert into data.sessions (id, user_id, created_at, last_used_at)
values ('00000000-0000-0000-0004-00000000000a', '00000000-0000-0000-0000-00000000000a', rules.clock(), rules.clock());
insert into data.refresh_tokens (token_hash, session_id, issued_at, expires_at)
values ('\x0a', '00000000-0000-0000-0004-00000000000a', rules.clock(), rules.clock() + interval '90 days');

insert into data.invitations (id, inviter_id, invitee_becomes, name, kind, lookup, sealed, code_hash, token_hash, created_at, sent_at, expires_at)
values ('00000000-0000-0000-0005-00000000000a', '00000000-0000-0000-0000-00000000000a', 'contact', 'Aunt', 'email', 'aunt', '\x00', 'code', 'token', rules.clock(), rules.clock(), rules.clock() + interval '30 days');
insert into data.notifications (kind, cause, address_kind, address_lookup, address_sealed, created_at)
values ('invitation', '00000000-0000-0000-0005-00000000000a', 'email', 'aunt', '\x00', rules.clock());
insert into data.code_keys (id, key_id, sealed) values ('00000000-0000-0000-0007-00000000000a', '\x01020304', '\x00');
insert into data.unknown_sign_ins (kind, lookup, tried_at) values ('email', 'nobody', rules.clock());
insert into data.connections (id, member_id, contact_id, connected_at)
values ('00000000-0000-0000-0006-00000000000b', '00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-00000000000b', rules.clock()),
       ('00000000-0000-0000-0006-00000000000c', '00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-00000000000c', rules.clock());
update data.connections set ended_at = rules.clock(), ended_by = contact_id where id = '00000000-0000-0000-0006-00000000000c';

-- The owner has blocked the former Contact; the Contact hears of every check-in.
insert into data.blocks (blocker_id, blocked_id) values ('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-00000000000c');
insert into data.watch_settings (contact_id, member_id, nickname, hears_of, mutes_routine)
values ('00000000-0000-0000-0000-00000000000b', '00000000-0000-0000-0000-00000000000a', 'Mum', 'every_check_in', true);

insert into data.schedules (member_id, local_times, time_zone, grace_minutes)
values ('00000000-0000-0000-0000-00000000000a', '{09:00}', 'UTC', 10);
commit;

-- A day later, just before nine: one check-in meets the day; the one after it is missed, and a Contact has the alert.
select meta.advance_clock((select o.due_at from data.obligations o where o.state = 'open') - rules.clock() - interval '5 minutes');
begin;
insert into data.check_ins (member_id, note, mood) values ('00000000-0000-0000-0000-00000000000a', 'Fine', 'good');
commit;
select meta.advance_clock(interval '1 day 20 minutes');
begin;
set local role pruuf_worker;
select jobs.tick(), jobs.send_reminders(), jobs.tell_check_ins();
commit;
-- As if the check-in had come just now.
insert into data.untold_check_ins (check_in_id) select c.id from data.check_ins c;
insert into data.alert_actions (id, alert_id, user_id, action)
select '00000000-0000-0000-0007-00000000000b', a.id, '00000000-0000-0000-0000-00000000000b', 'acknowledge' from data.alerts a;
insert into data.alert_rounds (alert_id, number, kind, told_at, whom, has_call, is_exhausting)
select a.id, 2, 'still_open', rules.clock(), 'primary', true, false from data.alerts a;
update data.alerts set round = 2;
update data.escalation_rounds set has_call = false where after_minutes = 10;
-- As if the owner had called for help within it.
set session_replication_role = replica;
insert into data.help_requests (member_id, alert_id, requested_at) select a.member_id, a.id, rules.clock() from data.alerts a;
insert into billing.customers (id, user_id, created_at, compared_at) values ('cus_b', '00000000-0000-0000-0000-00000000000b', rules.clock(), rules.clock());
insert into billing.prices (id, lookup_key, currency, unit_amount, period, fetched_at) values ('price_m', 'monthly', 'eur', 499, 'month', rules.clock());
insert into billing.subscriptions (id, customer_id, status, lookup_key, period_ends_at, fetched_at) values ('sub_b', 'cus_b', 'active', 'monthly', rules.clock() + interval '20 days', rules.clock());
insert into billing.events (id, type, customer_id, subscription_id, payload, received_at, next_try_at) values ('evt_b', 'customer.subscription.updated', 'cus_b', 'sub_b', '{}', rules.clock(), rules.clock());
insert into billing.orders (subscription_id, action, reason, ordered_at, next_try_at) values ('sub_b', 'cancel_now', 'disputed', rules.clock(), rules.clock());
insert into data.attestations (member_id, contact_id, obligation_id, attested_at)
select a.member_id, '00000000-0000-0000-0000-00000000000b', a.obligation_id, rules.clock() from data.alerts a;
insert into data.breaks (id, member_id, first_on, last_on, created_at, begins_at, ends_at, followed_until, next_step_at)
values ('00000000-0000-0000-000b-00000000000a', '00000000-0000-0000-0000-00000000000a', '2101-01-01', '2101-01-02', rules.clock(), '2101-01-01T00:00Z', '2101-01-03T00:00Z', rules.clock(), 'infinity');
set session_replication_role = default;
insert into data.attempts (delivery_id, number, ended_at, result)
select d.id, 1, rules.clock(), 'accepted' from data.deliveries d join data.notifications n on n.id = d.notification_id where n.kind = 'missed' limit 1;
select api.set_policy('code_tries', 6, 'a test');
insert into data.idempotency_keys (user_id, key, fingerprint, answer, created_at)
values ('00000000-0000-0000-0000-00000000000a', 'key', '\x00', '{}', rules.clock());
insert into data.one_time_codes (id, kind, lookup, sealed, code_hash, created_at, expires_at, tries_left)
values ('00000000-0000-0000-0003-00000000000b', 'email', 'somebody else', '\x00', '\x01', rules.clock(), rules.clock() + interval '10 minutes', 5);
insert into data.ip_tries (kind, ip, count, began_at) values ('sign_ins', '192.0.2.1', 1, rules.clock());
insert into data.invitation_tries (user_id, network, tried_at) values ('00000000-0000-0000-0000-00000000000a', '192.0.2.1', rules.clock());
begin;
set local role pruuf_worker;
select jobs.seal_audit(2);
commit;
insert into data.staff_roles (user_id, role, added_at) values ('00000000-0000-0000-0000-00000000000c', 'support', rules.clock());
insert into data.welfare_cards (user_id, sealed) values ('00000000-0000-0000-0000-00000000000a', '\x00');
insert into data.welfare_card_looks (member_id, looked_by) values ('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-00000000000b');
insert into data.alarm_places (alert_id, user_id, channel, place_id) select a.id, '00000000-0000-0000-0000-00000000000b', 'sms', '00000000-0000-0000-000e-00000000000a' from data.alerts a limit 1;
insert into data.set_asides (job, row_id, reason, first_at, again_at) values ('escalate', '00000000-0000-0000-000d-00000000000a', 'P0001', rules.clock(), rules.clock());
-- Nobody follows the marks in this world.
insert into data.coverage (member_id, is_covered, since_at, reason, told_at)
values ('00000000-0000-0000-0000-00000000000a', false, rules.clock(), 'too_few_channels', rules.clock());
delete from data.coverage_marks;
insert into data.coverage_marks (user_id, marked_at) values ('00000000-0000-0000-0000-00000000000b', rules.clock());
insert into data.drills (user_id, goes_to, reader_ids, asked_at)
values ('00000000-0000-0000-0000-00000000000a', 'contacts', '{00000000-0000-0000-0000-00000000000b}', rules.clock());
insert into data.receipts (provider, event_id, delivery_id, provider_message_id, event, meaning, received_at)
select 'twilio', 'SM1:sent', d.id, 'SM1', 'sent', 'accepted', rules.clock() from data.deliveries d order by d.id limit 1;
insert into data.received_texts (message_sid, answer, received_at) values ('SM1', 'checked_in', rules.clock());
insert into data.unreached_contacts (alert_id, contact_id, found_at)
select a.id, '00000000-0000-0000-0000-00000000000b', rules.clock() from data.alerts a limit 1;
insert into data.webhooks (id, user_id, sealed, created_at)
values ('00000000-0000-0000-0009-00000000000b', '00000000-0000-0000-0000-00000000000b', '\x00', rules.clock());
insert into data.webhook_secrets (id, webhook_id, sealed, created_at)
values ('00000000-0000-0000-000a-00000000000b', '00000000-0000-0000-0009-00000000000b', '\x00', rules.clock());
insert into data.webhook_events (webhook_id, type, created_at, next_attempt_at)
values ('00000000-0000-0000-0009-00000000000b', 'webhook.test', rules.clock(), rules.clock());
insert into data.preferences (user_id, normal_channels, shares_position) values ('00000000-0000-0000-0000-00000000000a', '{email}', 'always');
insert into data.positions (id, member_id, check_in_id, sealed)
select '00000000-0000-0000-000b-00000000000a', c.member_id, c.id, '\x00' from data.check_ins c;
insert into data.positions (id, member_id, help_request_id, sealed)
select '00000000-0000-0000-000b-00000000000b', h.member_id, h.id, '\x00' from data.help_requests h;
insert into data.signatures (check_in_id, device_id, signed_on, state)
select c.id, '00000000-0000-0000-0002-00000000000a', current_date, 'verified' from data.check_ins c;
