-- A database that was kept is older than it was made for. What has become due since is put off, and
-- what housekeeping would erase is made young again: nothing is due but what is asked for.
set session_replication_role = replica;

update data.obligations o
   set local_on = o.local_on + days, opens_at = o.opens_at + by, due_at = o.due_at + by,
       alert_at = o.alert_at + by, remind_at = o.due_at + by - interval '30 minutes'
  from (select l.id, l.days, make_interval(days => l.days) as by
          from (select id, ceil(extract(epoch from now() + interval '3 hours' - due_at)
                                / 86400)::integer as days
                  from data.obligations
                 where state = 'open' and due_at < now() + interval '3 hours') l) late
 where o.id = late.id;

update data.alerts
   set next_step_at = now() + interval '12 hours', reach_check_at = now() + interval '12 hours'
 where state <> 'resolved'
   and least(next_step_at, reach_check_at) < now() + interval '6 hours';
update data.breaks set next_step_at = now() + interval '5 days'
 where next_step_at < now() + interval '3 hours';
update data.weekly_summaries set due_at = due_at + interval '7 days'
 where due_at < now() + interval '3 hours';
update data.drill_reminders set remind_at = remind_at + interval '90 days'
 where remind_at < now() + interval '3 hours';
update data.watch_settings set digest_at = digest_at + interval '1 day'
 where digest_at < now() + interval '3 hours';
update billing.accounts set next_step_at = next_step_at + interval '300 days'
 where next_step_at < now() + interval '3 hours';
update billing.customers set compared_at = now() - interval '1 hour'
 where compared_at < now() - interval '12 hours';
update billing.subscriptions set fetched_at = now() - interval '1 hour'
 where fetched_at < now() - interval '12 hours';

update data.idempotency_keys set created_at = now() - interval '1 hour'
 where created_at < now() - interval '18 hours';
update data.one_time_codes
   set created_at = now() - interval '1 hour', expires_at = now() - interval '50 minutes'
 where created_at < now() - interval '18 hours';
update data.positions set received_at = now() - interval '1 hour'
 where received_at < now() - interval '18 hours';
update data.notifications set created_at = created_at + interval '28 days'
 where user_id is null and created_at < now() - interval '29 days';
update data.webhook_events set settled_at = settled_at + interval '28 days'
 where settled_at < now() - interval '29 days';
update data.refresh_tokens set expires_at = expires_at + interval '60 days'
 where used_at is not null and expires_at < now() - interval '29 days';
update data.users set deleted_at = deleted_at + interval '28 days'
 where deleted_at < now() - interval '29 days';
update data.job_runs set ran_at = now();
delete from data.coverage_marks;

reset session_replication_role;
