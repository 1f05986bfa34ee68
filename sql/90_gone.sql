-- Functions that were removed, a release after the last one that called them: drop function if exists …
-- Took no If-Match; its successor may be called without one.
drop function if exists api.set_schedule(time[], text, smallint[], smallint, text[]);
-- Took no position and no signature; their successors may be called without.
drop function if exists api.record_check_in(timestamptz, text, text, text);
drop function if exists api.request_help();
drop function if exists api.set_preferences(text[], text[], time, time, text, boolean, text);
drop function if exists api.put_device(uuid, text, text);
-- Replaced by one of the same name whose new last argument has a default: the old server's calls fit it, but not beside the old one.
drop function if exists api.get_history(uuid, integer);
drop function if exists api.get_member_history(uuid, uuid, integer);
drop function if exists api.create_invitation(uuid, text, text, text, bytea, bytea, bytea);
drop function if exists api.accept_invitation(bytea);
drop function if exists api.create_invitation(uuid, text, text, text, bytea, bytea, bytea, bytea);
drop function if exists api.accept_invitation(bytea, bytea);
drop function if exists api.request_code(uuid, text, bytea, bytea, bytea);
drop function if exists api.verify_code(text, bytea, bytea, bytea);
drop function if exists api.begin_session(text, bytea);
drop function if exists api.refresh_session(bytea, bytea);
drop function if exists api.add_address(text, bytea, bytea, uuid, bytea);
drop function if exists api.verify_address(uuid, bytea);
drop function if exists api.create_account(bytea, text, text, text, bytea);
drop function if exists api.find_user(text, bytea);
drop function if exists rules.check_code(text, bytea, bytea, timestamptz);
drop function if exists rules.member_shape(data.connections, timestamptz);
drop function if exists rules.watched_connection(uuid);
drop function if exists jobs.reclaim_lost(text, uuid[], integer, timestamptz);
drop function if exists rules.history_shape(uuid, uuid, integer);
drop function if exists rules.alert_facts(data.obligations, timestamptz);
drop function if exists jobs.raise_due_alerts(timestamptz, integer);
drop function if exists jobs.send_due_reminders(timestamptz, integer);
drop function if exists jobs.tidy(timestamptz, integer);
drop function if exists jobs.tell_check_ins(timestamptz, integer);
drop function if exists jobs.send_due_digests(timestamptz, integer);
drop function if exists rules.forget_by_age(integer);
drop function if exists rules.step_due_alert(timestamptz, uuid[]);
drop function if exists rules.check_reach(timestamptz, uuid[]);
drop function if exists rules.put_off_account(uuid, timestamptz);
drop function if exists rules.webhook_may_have_told(uuid);
drop function if exists jobs.coverage_drifted(integer, integer);
drop function if exists jobs.work_off(text, text, uuid[], timestamptz);
