-- The jobs of this release. How often one runs, and its time limit, stay as an operator has set them.
insert into meta.jobs as j (name, call, every, woken_by, is_deadline, time_limit, about) values
  ('tick', 'jobs.tick()', '1.5 seconds', 'pruuf_work', true, '10 seconds', 'R6.1 deadlines that have passed'),
  ('escalate', 'jobs.escalate()', '1 second', 'pruuf_work', true, '10 seconds', 'R6.3, R6.4 later rounds, and asking owners'),
  ('send_reminders', 'jobs.send_reminders()', '1 second', 'pruuf_work', false, '20 seconds', 'R4.1 reminders of check-ins'),
  ('follow_coverage', 'jobs.follow_coverage()', '1 second', 'pruuf_work', false, '20 seconds', 'R6.10 whom a miss would reach'),
  ('tell_unreached', 'jobs.tell_unreached()', '1 second', null, false, '20 seconds', 'R7.3 Contacts whom no channel reaches'),
  ('tell_check_ins', 'jobs.tell_check_ins()', '1.5 seconds', 'pruuf_work', false, '20 seconds', 'R3.4 Contacts who hear of every check-in'),
  ('send_digests', 'jobs.send_digests()', '1.5 seconds', 'pruuf_work', false, '20 seconds', 'R3.4 daily digests'),
  ('settle_entitlements', 'jobs.settle_entitlements()', '1 second', null, false, '20 seconds', 'R8.2 trials and paid periods that end'),
  ('follow_breaks', 'jobs.follow_breaks()', '5 seconds', null, false, '20 seconds', 'R5.1, R5.3 what is due of breaks'),
  ('send_weekly_summaries', 'jobs.send_weekly_summaries()', '10 minutes', null, false, '20 seconds', 'R7.2 weekly summaries'),
  ('send_drill_reminders', 'jobs.send_drill_reminders()', '1 hour', null, false, '20 seconds', 'R6.11 reminders of drills'),
  ('seal_audit', 'jobs.seal_audit()', '1.5 seconds', null, false, '20 seconds', 'R9.2 the seals of the audit trail'),
  ('expire_deliveries', 'jobs.expire_deliveries()', '5 seconds', null, false, '20 seconds', 'R7.1 deliveries that came too late'),
  ('erase_positions', 'jobs.erase_positions()', '1 minute', null, false, '20 seconds', 'R4.8 positions after their hours'),
  ('finish_deletions', 'jobs.finish_deletions()', '5 seconds', null, false, '20 seconds', 'R2.6 accounts whose time has come'),
  ('forget_idempotency_keys', 'jobs.forget_idempotency_keys()', '15 seconds', null, false, '20 seconds', 'R9.4 keys after their hours'),
  ('forget_tries', 'jobs.forget_tries()', '15 seconds', null, false, '20 seconds', 'R2.1, R3.2 counters that are over'),
  ('forget_codes', 'jobs.forget_codes()', '15 seconds', null, false, '20 seconds', 'R2.1 one-time codes'),
  ('forget_refresh_tokens', 'jobs.forget_refresh_tokens()', '15 seconds', null, false, '20 seconds', 'R2.4 used refresh tokens'),
  ('forget_stranger_messages', 'jobs.forget_stranger_messages()', '15 seconds', null, false, '20 seconds', 'R9.3 messages to strangers'),
  ('forget_webhook_events', 'jobs.forget_webhook_events()', '15 seconds', null, false, '20 seconds', 'settled events of webhooks'),
  ('forget_attempts', 'jobs.forget_attempts()', '15 seconds', null, false, '20 seconds', 'R9.8 old attempts of deliveries'),
  ('forget_receipts', 'jobs.forget_receipts()', '15 seconds', null, false, '20 seconds', 'R9.8 old receipts of providers')
on conflict (name) do update
  set call = excluded.call, woken_by = excluded.woken_by, is_deadline = excluded.is_deadline, about = excluded.about;
