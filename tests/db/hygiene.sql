-- The order of the house (docs/conventions.md), as far as the catalogue knows it. Each test lists what breaks a rule.
select tap.no_plan();

-- Every `security definer` function, and why it may do what its caller may not.
create table tap.definers (function text primary key, reason text not null);
insert into tap.definers values
  ('api.request_code', 'a visitor has no table'),
  ('api.verify_code', 'a visitor has no table'),
  ('api.check_ticket', 'a visitor has no table'),
  ('api.create_account', 'a visitor has no table'),
  ('api.recover_pin', 'a visitor has no table'),
  ('api.begin_session', 'a visitor has no table'),
  ('api.create_session', 'a visitor has no table'),
  ('api.refresh_session', 'a visitor has no table'),
  ('api.end_session', 'sessions are read and not written by their user; the trail is written'),
  ('api.end_other_sessions', 'sessions are read and not written by their user; the trail is written'),
  ('api.begin_pin_change', 'nobody reads a hash or its counters'),
  ('api.change_pin', 'nobody reads a hash; ends sessions, and tells the user'),
  ('api.export_me', 'R2.6 shows its caller also what no user reads: counters, deliveries, the trail'),
  ('api.export_page', 'as api.export_me: deliveries and the trail are not open to users'),
  ('api.delete_me', 'R2.6 ends what is not open to its user: connections, deliveries, sessions'),
  ('rules.due_alert_steps', 'R6.3 the worker may not lock an alert'),
  ('rules.tg_policies__record', 'nobody may write what was changed'),
  ('rules.tg_jobs__record', 'R9.2 the trail is written'),
  ('rules.tg_notification_kinds__record', 'R9.2 the trail is written'),
  ('rules.lock_alerts', 'R9.5 the worker may not lock an alert'),
  ('rules.held_members', 'R9.5 the worker may not lock a person'),
  ('rules.forget_attempts', 'R9.8 the worker deletes none'),
  ('rules.forget_receipts', 'R9.8 the worker deletes none'),
  ('rules.step_alert', 'R6.3 the worker may not touch an alert; asks itself whether the step is due'),
  ('rules.timeline', 'R6.8 deliveries and attempts are not open to users; asks itself who may see the alert'),
  ('rules.tg_connections__catch_up', 'R3.5 tells whoever is to be told at once from now on'),
  ('rules.is_entitled', 'R6.10 an account is open to its user only'),
  ('rules.settle_entitlement', 'R8.2 accounts are not the worker''s to change'),
  ('rules.due_accounts', 'R8.2 accounts are not the worker''s to read'),
  ('rules.apply_subscription', 'R8.1 nobody may write what Stripe says'),
  ('rules.store_stripe_event', 'R8.4 events are nobody''s'),
  ('rules.claim_stripe_work', 'R8.4 events are nobody''s'),
  ('rules.finish_stripe_work', 'R8.4 events are nobody''s'),
  ('rules.keep_customer', 'R8.1 no user may say who pays for them'),
  ('rules.keep_prices', 'R8.1 nobody may write what Stripe says'),
  ('rules.claim_comparisons', 'R8.4 the worker may not read who pays'),
  ('rules.compare_customer', 'R8.4 nobody may write what Stripe says'),
  ('rules.tg_connections__entitle', 'R1.2 begins a trial, and frees who is watched'),
  ('rules.tg_schedules__entitle', 'R1.2 frees who is watched'),
  ('rules.tg_subscriptions__settle', 'R8.1 what Stripe says changes the entitlement'),
  ('rules.tg_breaks__keep', 'R5.2 a deadline that has passed is a miss first; obligations are not open to users'),
  ('rules.tg_breaks__follow', 'R5.1 obligations are not open to users; the trail is written'),
  ('rules.postpone', 'R4.10 obligations are not open to users; moves only the caller''s own'),
  ('rules.follow_break', 'R5.1 the worker excuses nobody; asks itself whether the step is due'),
  ('rules.tg_attestations__close', 'R4.9 alerts and obligations are not open to users'),
  ('rules.attestations_of', 'R4.9 names a Contact to the others; asks itself who may see it'),
  ('rules.tg_help_requests__raise', 'R6.2 alerts are not open to users'),
  ('rules.tg_escalation_policies__record', 'R6.3 the history is kept whoever changes them'),
  ('rules.tg_escalation_rounds__record', 'R6.3 the history is kept whoever changes them'),
  ('rules.finish_deletion', 'R2.6 the worker may neither read nor erase anybody; asks itself whether the time has come'),
  ('api.update_me', 'the trail is written'),
  ('api.add_address', 'an address is written together with its code, which nobody reads'),
  ('api.verify_address', 'only a code that came back verifies an address'),
  ('api.remove_address', 'the last verified address stays; the trail is written'),
  ('api.put_device', 'a token that changed hands is taken from whoever had it'),
  ('api.remove_device', 'the trail is written'),
  ('rules.keep_signature', 'R4.11 nobody may write that a check-in is verified; keys and obligations of one''s own alone decide'),
  ('api.record_heartbeat', 'R4.12 neither devices nor alerts are their user''s to write'),
  ('api.create_invitation', 'tells an address that is not a user of ours'),
  ('api.resend_invitation', 'tells an address that is not a user of ours'),
  ('api.show_invitation', 'a visitor has no table'),
  ('api.update_contact', 'R3.5 of a connection a user writes its end only; the trail is written'),
  ('api.revoke_invitation', 'takes back the message to that address'),
  ('api.accept_invitation', 'R3.1 the only way to a connection'),
  ('api.get_coverage', 'R6.10 the addresses and devices of Contacts are not the Member''s to read: says only which channels work'),
  ('rules.settle_coverage', 'R6.10 the worker asks; what is true is reckoned here, and the trail is written'),
  ('rules.tell_new_primaries', 'R3.5 the worker asks; also of a call for help, of which it may not tell'),
  ('rules.tg_connections__mark_coverage', 'R6.10 marks are not open to users'),
  ('rules.tg_addresses__mark_coverage', 'R6.10 marks are not open to users'),
  ('rules.tg_devices__mark_coverage', 'R6.10 marks are not open to users'),
  ('rules.tg_users__mark_coverage', 'R6.10 marks are not open to users'),
  ('rules.tg_schedules__mark_coverage', 'R6.10 marks are not open to users'),
  ('api.start_drill', 'R6.11 tells all Contacts at every place of theirs'),
  ('api.get_drill', 'R6.11 deliveries are not open to users'),
  ('rules.tg_connections__plan_summaries', 'R7.2 when a summary is due is not open to users'),
  ('rules.tg_connections__plan_drills', 'R6.11 reminders are not open to users'),
  ('api.find_links', 'a visitor has no table'),
  ('rules.alert_of_link', 'R6.6 deliveries are not open to users'),
  ('rules.phones_in_alert', 'R6.7 a Member''s phone is shown to their Contacts only while an alert is open'),
  ('api.confirm_delivery', 'deliveries are not open to users'),
  ('rules.take_key', 'R6.6 acts for a Contact who pressed a key; the worker may not'),
  ('rules.take_text', 'R6.6 acts for whoever sent a text; the worker may not'),
  ('rules.check_reach', 'R7.3 the worker may not touch an alert'),
  ('rules.forget_codes', 'R2.1 codes are not the worker''s to read or to delete'),
  ('rules.forget_refresh_tokens', 'R2.4 tokens are not the worker''s to read or to delete'),
  ('rules.forget_idempotency_keys', 'R9.4 answers are not the worker''s to read or to delete'),
  ('rules.forget_tries', 'R2.1 counters are not the worker''s to read or to delete'),
  ('rules.forget_webhook_events', 'the worker deletes no event'),
  ('rules.old_stranger_messages', 'R9.3 the worker may not lock a message'),
  ('rules.forget_stranger_messages', 'R9.3 the worker deletes no message; only those to people without an account'),
  ('rules.due_reach_checks', 'R7.3 the worker may not lock an alert'),
  ('api.list_webhooks', 'webhooks and their secrets are not open to users'),
  ('api.add_webhook', 'nobody reads a secret; the trail is written'),
  ('api.remove_webhook', 'webhooks are not open to users; the trail is written'),
  ('api.rotate_webhook_secret', 'nobody reads a secret; the trail is written'),
  ('api.test_webhook', 'events are not open to users'),
  ('rules.tg_notifications__hook', 'R9.5 events are made in the transaction of whoever tells, who needs no right on them'),
  ('rules.tg_webhooks__record', 'writes the trail'),
  ('audit.append', 'R9.2 the only way into the trail'),
  ('rules.tg_addresses__withdraw', 'deliveries are not their reader''s to change'),
  ('rules.tg_devices__withdraw', 'deliveries are not their reader''s to change'),
  ('api.find_user', 'R1.4 staff has no table'),
  ('api.get_user', 'R1.4 staff has no table'),
  ('api.unlock_user', 'R1.4 staff has no table'),
  ('api.resend_delivery', 'R1.4 staff has no table'),
  ('api.get_user_audit', 'R1.4 staff has no table; the trail is nobody''s to read'),
  ('api.get_alert_audit', 'R1.4 staff has no table; the trail is nobody''s to read'),
  ('api.get_audit_verification', 'R1.4 staff has no table; the trail is nobody''s to read'),
  ('api.list_staff_roles', 'R1.4 staff has no table'),
  ('api.set_staff_role', 'R1.4 staff has no table'),
  ('api.remove_staff_role', 'R1.4 staff has no table'),
  ('api.get_welfare_card', 'R1.5 names who looked, also a Contact who has left'),
  ('rules.tg_welfare_cards__record', 'writes the trail'),
  ('rules.tg_welfare_card_looks__record', 'writes the trail'),
  ('audit.verify', 'R9.2 the trail is nobody''s to read; the owner may ask whether it is whole'),
  ('rules.tg_addresses__record', 'writes the trail'),
  ('rules.tg_devices__record', 'writes the trail'),
  ('rules.tg_notifications__record', 'writes the trail'),
  ('rules.refuse_ended_session', 'sessions are nobody''s to read; asked before every call of a signed-in user'),
  ('rules.own_check_ins', 'own columns that others must not see'),
  ('rules.own_contacts', 'own columns that others must not see'),
  ('api.link_device', 'R4.8 counts under a lock, writes the trail'),
  ('api.unlink_device', 'R4.8 writes the trail'),
  ('api.find_linked_device', 'R4.8 asked before it is known who asks'),
  ('api.check_in_by_device', 'R4.8 how a check-in came is not the user''s to say'),
  ('rules.check_in_of_link', 'deliveries are not open to users; asks whose the reminder is'),
  ('rules.check_in_by_link', 'how a check-in came is not the user''s to say'),
  ('rules.tg_blocks__part', 'R3.3 ends connections, takes back messages, writes the trail'),
  ('rules.tg_watch_settings__keep', 'R3.4 the Member''s zone is not open to a Contact'),
  ('rules.tg_watch_settings__record', 'writes the trail'),
  ('rules.my_account', 'own columns that others must not see'),
  ('rules.tg_alert_actions__stamp', 'R6.4 takes the lock of a Member''s day; asks itself who may act'),
  ('rules.tg_deliveries__arrive', 'R6.5 where alarms arrived is nobody''s to write'),
  ('rules.tg_webhook_events__arrive', 'R6.5 where alarms arrived is nobody''s to write'),
  ('rules.tg_alert_actions__act', 'R6.4 what a Contact sets off at all the others'),
  ('rules.tg_alerts__record', 'writes the trail'),
  ('rules.tg_preferences__record', 'writes the trail'),
  ('rules.tg_check_ins__stamp', 'R4.6 takes the lock of a Member''s day'),
  ('rules.tg_check_ins__count', 'R4.4 obligations and alerts are not open to users'),
  ('rules.tg_connections__end', 'R3.3 tells the other side'),
  ('rules.lock_own_connection', 'R3.3 takes the lock of a Member''s day, for one of the two only'),
  ('rules.tg_notifications__read', 'deliveries are not open to users'),
  ('rules.tg_schedules__start', 'R4.2 obligations are not open to users'),
  ('rules.tg_schedules__take_over', 'R4.7 an old version is ended, which users may not');

create view tap.functions as
select p.oid, p.oid::regprocedure::text as signature, n.nspname as schema, p.proname as name, n.nspname || '.' || p.proname as called,
       l.lanname as language, p.prosecdef as is_definer, p.proconfig as settings, pg_get_userbyid(p.proowner) as owner, p.prorettype::regtype::text as returns, p.proretset as is_set,
       coalesce(p.proacl, acldefault('f', p.proowner)) as acl, p.prosrc as body
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang
 where n.nspname in ('data', 'rules', 'api', 'jobs', 'audit', 'meta');

create view tap.columns as
select c.oid as table_id, n.nspname as schema, c.relname as table_name, a.attname as column_name, format_type(a.atttypid, a.atttypmod) as type
  from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
 where n.nspname in ('data', 'billing', 'audit', 'meta') and c.relkind in ('r', 'p') and not c.relispartition and a.attnum > 0 and not a.attisdropped
   and c.relname <> 'schema_history';

create function tap.nothing(query text, description text) returns text language sql as $$ select tap.is_empty(query, description) $$;

-- Functions
select tap.nothing($$ select signature from tap.functions where not coalesce('search_path=""' = any (settings), false) $$, 'every function pins its search_path');
select tap.nothing($$ select signature from tap.functions where language not in ('sql', 'plpgsql') $$, 'functions are SQL or PL/pgSQL');
select tap.nothing($$ select signature from tap.functions where schema <> 'data' and obj_description(oid, 'pg_proc') is null $$, 'every function says what it is for');
select tap.nothing($$ select signature from tap.functions f where exists (select from aclexplode(f.acl) a where a.grantee = 0) $$, 'nothing is open to public');
select tap.nothing($$ select called from tap.functions where is_definer except select function from tap.definers $$, 'security definer needs a reason in this file');
select tap.nothing($$ select function from tap.definers except select called from tap.functions where is_definer $$, 'no reason stays when its function is gone');
select tap.nothing($$ select signature from tap.functions where is_definer and owner <> 'pruuf_engine' or not is_definer and owner <> 'pruuf_owner' $$, 'pruuf_engine owns the security definer functions, pruuf_owner the rest');
select tap.nothing($$ select signature from tap.functions where schema = 'api' and (returns <> 'jsonb' or is_set) $$, 'api functions return jsonb');
select tap.nothing($$ select called from tap.functions where schema in ('api', 'rules', 'jobs', 'audit', 'meta') group by called having count(*) > 1 $$, 'no overloads');
select tap.nothing($$ select signature from tap.functions where schema = 'api' and name !~ '^[a-z]+(_[a-z]+)+$' $$, 'api functions are verb_noun');
select tap.nothing($$ select signature from tap.functions where (returns = 'trigger') <> (name like 'tg\_%') or returns = 'trigger' and (schema <> 'rules' or name !~ '^tg_[a-z_]+__[a-z_]+$') $$, 'trigger functions are rules.tg_<table>__<task>');
select tap.nothing($$ select t.tgname from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_proc p on p.oid = t.tgfoid
  where not t.tgisinternal and (t.tgname <> p.proname or t.tgname not like 'tg\_' || c.relname || '\_\_%') $$, 'a trigger is named as its function, after its table');
select tap.nothing($$ select signature from tap.functions f where returns = 'trigger' and not exists (select from pg_trigger t where t.tgfoid = f.oid) $$, 'every trigger function has its trigger');
select tap.nothing($$ select signature, a.grantee::regrole from tap.functions f, aclexplode(f.acl) a where f.schema = 'jobs' and a.grantee::regrole::text not in ('pruuf_worker', 'pruuf_keeper', 'pruuf_owner') $$, 'jobs are for the worker, and for who turns the keys');
select tap.nothing($$ select signature from tap.functions f, aclexplode(f.acl) a where f.schema = 'api' and a.grantee = 'pruuf_worker'::regrole $$, 'the worker calls no api');
select tap.nothing($$ select signature from tap.functions f, aclexplode(f.acl) a, aclexplode(f.acl) b where f.schema = 'api' and a.grantee = 'pruuf_anon'::regrole and b.grantee = 'pruuf_user'::regrole $$, 'an api function is for visitors or for users, not for both');
select tap.nothing($$ select signature from tap.functions f where schema in ('api', 'jobs', 'rules') and signature not in ('rules.clock()', 'rules.has_time_left()') and (body ~* '\m(clock_timestamp|statement_timestamp|transaction_timestamp|localtimestamp|current_timestamp|current_date|timeofday)\M' or body ~* '\mnow\(\)') $$, 'R9.6 only rules.clock() reads a clock');
select tap.nothing($$ select signature from tap.functions where schema = 'rules' and body ~ '\m(api|jobs)\.' and signature !~ '\mtg_' $$, 'rules call neither api nor jobs');
select tap.nothing($$ select signature from tap.functions where schema = 'api' and body ~ '\mjobs\.' or schema = 'jobs' and body ~ '\mapi\.' $$, 'api and jobs do not call each other');

-- Roles and schemas
select tap.nothing($$ select rolname from pg_roles where rolname like 'pruuf\_%' and rolname <> 'pruuf_admin' and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication) $$, 'no role of the app stands above row-level security');
select tap.nothing($$ select rolname from pg_roles where rolname like 'pruuf\_%' and rolcanlogin and rolname not in ('pruuf_server', 'pruuf_admin') $$, 'only pruuf_server logs in');
select tap.ok(not (select rolinherit from pg_roles where rolname = 'pruuf_server'), 'pruuf_server inherits nothing');
select tap.results_eq($$ select m.roleid::regrole::text, m.admin_option from pg_auth_members m where m.member = 'pruuf_server'::regrole order by 1 $$,
  $$ values ('pruuf_anon', false), ('pruuf_billing', false), ('pruuf_staff', false), ('pruuf_user', false), ('pruuf_worker', false) $$, 'pruuf_server may switch to these roles only');
select tap.nothing($$ select m.member::regrole, m.roleid::regrole from pg_auth_members m where m.roleid::regrole::text like 'pruuf\_%' and m.member not in ('pruuf_server'::regrole, 'pruuf_owner'::regrole) $$, 'no role of the app is a member of another');
select tap.nothing($$ select c.oid::regclass from pg_class c where c.relnamespace = 'public'::regnamespace
  union all select p.oid::regclass from pg_proc p where p.pronamespace = 'public'::regnamespace union all select t.oid::regclass from pg_type t where t.typnamespace = 'public'::regnamespace $$, 'public is empty');
select tap.nothing($$ select n.nspname, a.grantee from pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a where n.nspname in ('public', 'data', 'billing', 'rules', 'api', 'jobs', 'audit', 'meta') and a.grantee = 0 $$, 'public may use no schema of ours');
select tap.nothing($$ select n.nspname, a.grantee::regrole from pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a where n.nspname in ('public', 'data', 'billing', 'rules', 'api', 'jobs', 'audit', 'meta') and a.privilege_type = 'CREATE' and a.grantee not in ('pruuf_owner'::regrole, n.nspowner) $$, 'only the owner creates');
select tap.nothing($$ select d.datname from pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a where d.datname = current_database() and (a.grantee = 0 or a.grantee = 'pruuf_server'::regrole and a.privilege_type <> 'CONNECT') $$, 'the server connects, and makes neither schemas nor temporary tables');
select tap.nothing($$ select extname from pg_extension where extname not in ('plpgsql', 'pgtap', 'plpgsql_check', 'pg_cron', 'btree_gist') $$, 'no extension but for breaks that never overlap; no citext');
select tap.nothing($$ select c.oid::regclass, pg_get_userbyid(c.relowner) from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname in ('data', 'billing', 'audit', 'meta') and c.relkind in ('r', 'p', 'S', 'v', 'm') and pg_get_userbyid(c.relowner) <> 'pruuf_owner' and c.relname <> 'clock' $$, 'pruuf_owner owns every table');

-- Tables
select tap.nothing($$ select c.oid::regclass from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname in ('data', 'billing', 'audit') and c.relkind in ('r', 'p') and not (c.relrowsecurity and c.relforcerowsecurity) $$, 'R9.1 row-level security, forced, on every table and partition');
select tap.nothing($$ select c.oid::regclass from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname in ('data', 'rules', 'api', 'jobs') and c.relkind in ('v', 'm', 'f') $$, 'no views: they would read past the policies');
select tap.nothing($$ select schema, table_name from tap.columns where table_name !~ '^[a-z]+(_[a-z]+)*$' union select schema, table_name || '.' || column_name from tap.columns where column_name !~ '^[a-z]+(_[a-z0-9]+)*$' and column_name <> 'sha256' $$, 'names are lower snake_case');
select tap.nothing($$ select distinct table_name from tap.columns where schema in ('data', 'billing', 'audit') and table_name !~ 's$' and table_name not in ('obligations_met', 'coverage') $$, 'tables are plural');
select tap.nothing($$ select table_name, column_name from tap.columns where schema in ('data', 'billing', 'audit') and column_name ~ '[^s]s$' and column_name not in ('about', 'attempts', 'details', 'facts', 'local_times', 'reminders', 'weekdays', 'failed_tries', 'grace_minutes', 'postponed_minutes', 'invitee_becomes', 'took_ms', 'reader_ids', 'after_minutes', 'repeat_minutes', 'says', 'status', 'tries', 'high_channels', 'normal_channels') $$, 'columns are singular, but for lists and counts');
select tap.nothing($$ select table_name, column_name from tap.columns where type = 'timestamp with time zone' and column_name !~ '(_at|_until)$' and (table_name, column_name) not in (('events', 'at'), ('check_ins', 'device_time')) $$, 'a timestamptz ends in _at, or _until for a lease or a lock');
select tap.nothing($$ select table_name, column_name, type from tap.columns where column_name ~ '_at$' and type <> 'timestamp with time zone' or (column_name ~ '_on$') <> (type = 'date') $$, '_at is a timestamptz, _on a date');
select tap.nothing($$ select table_name, column_name, type from tap.columns where type ~ '^(character|json$|timestamp without|money|serial|citext|real)' $$, 'text, jsonb and timestamptz, not their cousins');
select tap.nothing($$ select table_name, column_name from tap.columns where type = 'boolean' and column_name !~ '^(is|was|may|has|stands|only|mutes|rehearsal)' $$, 'flags read as sentences');
select tap.nothing($$ select k.conrelid::regclass, k.conname from pg_constraint k join pg_namespace n on n.oid = k.connamespace where n.nspname in ('data', 'billing', 'audit', 'meta') and k.contype in ('c', 'u', 'x') and (k.conname ~ '_(check|key|excl)[0-9]*$' or k.conname !~ '_') and k.conrelid <> 'meta.schema_history'::regclass $$, 'constraints are named as facts');
select tap.nothing($$ select k.conname from pg_constraint k join pg_namespace n on n.oid = k.connamespace where n.nspname in ('data', 'meta') and k.contype in ('c', 'u', 'x') and k.conrelid <> 0 group by k.conname having count(*) > 1 $$, 'a constraint name is one fact: it is API');
select tap.nothing($$ select k.conrelid::regclass, k.conname from pg_constraint k join pg_namespace n on n.oid = k.connamespace
  where n.nspname in ('data', 'billing', 'audit') and k.contype = 'f' and not exists (
    select from pg_index i
     where i.indrelid = k.conrelid and i.indisvalid
       and (i.indkey::smallint[])[0:cardinality(k.conkey) - 1] @> k.conkey
       -- A partial index serves every row only where it leaves out nothing but nulls.
       and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) = format('(%I IS NOT NULL)', (
             select a.attname from pg_attribute a where a.attrelid = k.conrelid and k.conkey = array[a.attnum])))) $$, 'every foreign key has an index that serves every row');
select tap.nothing($$ select k.conrelid::regclass, k.conname from pg_constraint k join pg_namespace n on n.oid = k.connamespace where n.nspname in ('data', 'billing', 'audit') and k.contype = 'f' and k.confdeltype = 'a' $$, 'every foreign key says on delete');
select tap.nothing($$ select c.oid::regclass from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname in ('data', 'billing') and c.relkind in ('r', 'p') and not exists (select from pg_constraint k where k.conrelid = c.oid and k.contype = 'p') $$, 'every table has a primary key');

-- Policies
select tap.nothing($$ select p.polrelid::regclass, p.polname from pg_policy p group by 1, 2 having count(*) > 1 $$, 'a policy has its name once');
select tap.nothing($$ select p.polname from pg_policy p where p.polname !~ '^[a-z]+(_[a-z]+){2,}$' $$, 'policies are sentences');
select tap.nothing($$ select p.polrelid::regclass, p.polname from pg_policy p where p.polroles @> array['pruuf_server'::regrole::oid] $$, 'the server without a role sees nothing');
select tap.nothing($$ select p.polrelid::regclass, p.polname from pg_policy p where coalesce(pg_get_expr(p.polqual, p.polrelid), '') || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '') ~ 'rules\.current_user_id\(\)'
  and regexp_replace(coalesce(pg_get_expr(p.polqual, p.polrelid), '') || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), ''), 'SELECT rules\.current_user_id\(\)', '', 'g') ~ 'rules\.current_user_id\(\)' $$, 'policies ask once who is there: (select rules.current_user_id())');
select tap.nothing($$ select p.polrelid::regclass, p.polname from pg_policy p where p.polroles = '{0}' and (p.polcmd <> 'r' or p.polrelid not in ('data.policies'::regclass, 'data.notification_kinds'::regclass)) $$, 'a policy for everybody only reads, and only what is nobody''s');
select tap.nothing($$ select p.polrelid::regclass, p.polname from pg_policy p where p.polroles && array['pruuf_user'::regrole::oid, 'pruuf_anon'::regrole::oid] and (pg_get_expr(p.polqual, p.polrelid) = 'true' or pg_get_expr(p.polwithcheck, p.polrelid) = 'true') $$, 'no policy opens a table to every user');
select tap.nothing($$ select c.oid::regclass, a.privilege_type from pg_class c join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) a where n.nspname in ('data', 'billing', 'audit') and a.grantee in ('pruuf_user'::regrole, 'pruuf_anon'::regrole) and a.privilege_type in ('INSERT', 'UPDATE') and c.relname <> 'idempotency_keys' $$, 'insert and update are granted by column');

select * from tap.finish();
