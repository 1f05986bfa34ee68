-- pg_dump of a fresh database; bodies of functions left out. UPDATE_SNAPSHOT=1 cargo test --test http database:: writes it.
CREATE SCHEMA api;
COMMENT ON SCHEMA api IS 'What a request may ask: one function an endpoint.';
CREATE SCHEMA audit;
COMMENT ON SCHEMA audit IS 'The trail: append only.';
CREATE SCHEMA billing;
COMMENT ON SCHEMA billing IS 'Money: what Stripe says, and what follows from it. Stripe is the truth (R8.1).';
CREATE SCHEMA data;
COMMENT ON SCHEMA data IS 'Tables and types: what is known. Every table of a user''s data has forced row-level security.';
CREATE SCHEMA extensions;
COMMENT ON SCHEMA extensions IS 'What comes with PostgreSQL: btree_gist, for breaks that must not overlap.';
CREATE SCHEMA jobs;
COMMENT ON SCHEMA jobs IS 'What the clock and the deliverer may ask.';
CREATE SCHEMA meta;
COMMENT ON SCHEMA meta IS 'Release bookkeeping and the rehearsal clock.';
CREATE SCHEMA rules;
COMMENT ON SCHEMA rules IS 'Reasons: who is asking, state transitions, shapes, predicates for policies.';
CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA extensions;
COMMENT ON EXTENSION btree_gist IS 'support for indexing common datatypes in GiST';
CREATE FUNCTION api.accept_invitation(code_hash bytea, token_hash bytea DEFAULT NULL::bytea, other_code_hashes bytea[] DEFAULT '{}'::bytea[]) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.accept_invitation(code_hash bytea, token_hash bytea, other_code_hashes bytea[]) IS 'POST /v1/invitations/accept. R3.1 the only way to a connection, and the same answer when it is asked again; R3.2 wrong codes are counted.';
CREATE FUNCTION api.acknowledge_alert(alert_id uuid, arrives_at timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.acknowledge_alert(alert_id uuid, arrives_at timestamp with time zone) IS 'POST /v1/alerts/{id}/acknowledge. R6.4 the first one wins; the owner may say it twice, and answers so when asked.';
CREATE FUNCTION api.act_on_alert_page(delivery_id uuid, action text, arrives_in_minutes integer, outcome text, note text) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.act_on_alert_page(delivery_id uuid, action text, arrives_in_minutes integer, outcome text, note text) IS 'POST /a/{token}. R6.6 a button is one of the app''s operations, called as the message''s reader; R1.5 a look at the welfare card is one, so that no mail scanner sees it. Answers with the page as it is then, and with what was refused.';
CREATE FUNCTION api.act_on_check_in_page(delivery_id uuid, action text) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.act_on_check_in_page(delivery_id uuid, action text) IS 'POST /a/{token}. R4.8 the button of that page is a check-in, of what the reminder asked for and of nothing later.';
CREATE FUNCTION api.add_address(kind text, lookup bytea, sealed bytea, code_id uuid, code_hash bytea, other_lookups bytea[] DEFAULT '{}'::bytea[], other_sealeds bytea[] DEFAULT '{}'::bytea[]) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.add_address(kind text, lookup bytea, sealed bytea, code_id uuid, code_hash bytea, other_lookups bytea[], other_sealeds bytea[]) IS 'POST /v1/me/addresses. R7.6 an address is used only once a code sent to it came back.';
CREATE FUNCTION api.add_webhook(webhook_id uuid, sealed bytea, secret_id uuid, sealed_secret bytea) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.add_webhook(webhook_id uuid, sealed bytea, secret_id uuid, sealed_secret bytea) IS 'POST /v1/me/webhooks. What it answers has the secret, sealed: the server shows it this once.';
CREATE FUNCTION api.attest_member(member_id uuid, note text, obligation_id uuid DEFAULT NULL::uuid) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.attest_member(member_id uuid, note text, obligation_id uuid) IS 'POST /v1/members/{user_id}/attestations. R4.9 the answer says which check-in it is about and what it resolved; a trigger on data.attestations does it.';
CREATE FUNCTION api.begin_checkout(plan text) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.begin_checkout(plan text) IS 'POST /v1/billing/checkout. R8.1, R8.5 what Stripe is to be asked for: where to pay what is open, another price of the subscription there is, or a checkout, which leaves the rest of the trial free.';
CREATE FUNCTION api.begin_pin_change() RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.begin_pin_change() IS 'R2.3 counts a try at the PIN before it is looked at, in the counters of the sign-in: whoever has stolen an access token has no more tries than a stranger.';
CREATE FUNCTION api.begin_session(kind text, lookup bytea, other_lookups bytea[] DEFAULT '{}'::bytea[]) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.begin_session(kind text, lookup bytea, other_lookups bytea[]) IS 'R2.3 counts a try before the PIN is looked at, so that many at once cannot outrun the lock; gives the hash to the server, which compares outside the transaction. An address without an account is counted and locked alike.';
CREATE FUNCTION api.block_user(user_id uuid) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.block_user(user_id uuid) IS 'POST /v1/blocks. R3.3 whom one is or was connected with, and nobody else: policies show the caller no other connections. A trigger ends the connection.';
CREATE FUNCTION api.cancel_alert(alert_id uuid) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.cancel_alert(alert_id uuid) IS 'POST /v1/alerts/{id}/cancel. R6.2 only the Member, and only a call for help; saying it twice is saying it once.';
CREATE FUNCTION api.cancel_subscription() RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.cancel_subscription() IS 'POST /v1/billing/cancel. R8.1 Stripe does it, and the database follows.';
CREATE FUNCTION api.change_pin(proved_hash text, pin_hash text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.change_pin(proved_hash text, pin_hash text) IS 'PUT /v1/me/pin. R2.5 every other session ends, and the user is told. A PIN changed in between was not the one that was proved.';
CREATE FUNCTION api.check_in_by_device(linked_device_id uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.check_in_by_device(linked_device_id uuid) IS 'POST /v1/linked-devices/check-ins. R4.8 a press of this moment, as one in the app. security definer: how a check-in came is not the user''s to say.';
CREATE FUNCTION api.check_ticket(ticket_hash bytea) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.check_ticket(ticket_hash bytea) IS 'R9.9 refuses what is no ticket before the server hashes a PIN for it; writes nothing.';
CREATE FUNCTION api.close_alert(alert_id uuid, outcome text, note text) RETURNS jsonb
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.close_alert(alert_id uuid, outcome text, note text) IS 'POST /v1/alerts/{id}/close. R6.5';
CREATE FUNCTION api.confirm_delivery(delivery_id uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.confirm_delivery(delivery_id uuid) IS 'POST /v1/deliveries/{id}/confirm. R7.1 the app says that a push was shown: FCM gives no receipt.';
CREATE FUNCTION api.create_account(ticket_hash bytea, name text, pin_hash text, device_name text, refresh_hash bytea, language text DEFAULT NULL::text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.create_account(ticket_hash bytea, name text, pin_hash text, device_name text, refresh_hash bytea, language text) IS 'R2.1, R2.2 an account for a proved address that has none. R7.7 in the language that is chosen, or that the app asks for.';
CREATE FUNCTION api.create_invitation(invitation_id uuid, invitee_becomes text, name text, kind text, lookup bytea, sealed bytea, code_hash bytea, token_hash bytea DEFAULT NULL::bytea, other_lookups bytea[] DEFAULT '{}'::bytea[], other_sealeds bytea[] DEFAULT '{}'::bytea[], other_code_hashes bytea[] DEFAULT '{}'::bytea[]) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.create_invitation(invitation_id uuid, invitee_becomes text, name text, kind text, lookup bytea, sealed bytea, code_hash bytea, token_hash bytea, other_lookups bytea[], other_sealeds bytea[], other_code_hashes bytea[]) IS 'POST /v1/invitations. R3.1 either side may invite the other; whether the address has an account makes no difference.';
CREATE FUNCTION api.create_session(user_id uuid, proved_hash text, device_name text, refresh_hash bytea) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.create_session(user_id uuid, proved_hash text, device_name text, refresh_hash bytea) IS 'R2.3 the PIN was right: the counters start anew, and a deleted account is back (R2.6). A PIN changed in between was not the one that was proved.';
CREATE FUNCTION api.delete_me() RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.delete_me() IS 'DELETE /v1/me. R2.6 everything ends at once; [30] days long signing in brings it back. No PIN is asked for: its owner is told at every address, and comes back with the PIN or a code, which whoever holds their phone does not have.';
CREATE FUNCTION api.end_other_sessions() RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.end_other_sessions() IS 'DELETE /v1/me/sessions. R2.5 all but the one that asks.';
CREATE FUNCTION api.end_session(session_id uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.end_session(session_id uuid) IS 'DELETE /v1/me/sessions/{id}. R2.5; one''s own is signing out.';
CREATE FUNCTION api.export_alert_timeline(alert_id uuid) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.export_alert_timeline(alert_id uuid) IS 'GET /v1/alerts/{id}/timeline.csv. R6.8 the same, for a table';
CREATE FUNCTION api.export_me() RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.export_me() IS 'GET /v1/me/export. R2.6 everything that is held about the caller, but for what may be long: that comes page by page (api.export_page). Of others only what the caller may see: names of those they are connected with, beside ids, never an address. Never a hash, a token or what it is made from; the server opens the caller''s own addresses.';
CREATE FUNCTION api.export_page(part text, place text, size integer) RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.export_page(part text, place text, size integer) IS 'GET /v1/me/export. R2.6, R9.9 one page of a part that may be long, and where the next one begins.';
CREATE FUNCTION api.find_linked_device(token_hash bytea) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.find_linked_device(token_hash bytea) IS 'POST /v1/linked-devices/check-ins. R4.8 whose device speaks.';
CREATE FUNCTION api.find_links(id_end text) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.find_links(id_end text) IS 'GET and POST /a/{token}. R6.6 the deliveries that a link may be of, nearly always one: the server compares the rest of the token. The rest is then done as their reader.';
CREATE FUNCTION api.find_user(kind text, lookup bytea, other_lookups bytea[] DEFAULT '{}'::bytea[]) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.find_user(kind text, lookup bytea, other_lookups bytea[]) IS 'POST /v1/staff/users/find. R1.4 who has this verified address; also that nobody has it is in the trail.';
CREATE FUNCTION api.get_address(address_id uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.get_address(address_id uuid) IS 'One address of the caller: what a typed code is hashed with.';
CREATE FUNCTION api.get_alert(alert_id uuid) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.get_alert(alert_id uuid) IS 'GET /v1/alerts/{id}';
CREATE FUNCTION api.get_alert_audit(alert_id uuid, cursor text, size integer) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.get_alert_audit(alert_id uuid, cursor text, size integer) IS 'GET /v1/staff/alerts/{alert_id}/audit. R1.4; also of an alert that is gone.';
CREATE FUNCTION api.get_alert_timeline(alert_id uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.get_alert_timeline(alert_id uuid) IS 'GET /v1/alerts/{id}/timeline. R6.8';
CREATE FUNCTION api.get_audit_verification(from_place bigint, places integer, known_place bigint, known_hash text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.get_audit_verification(from_place bigint, places integer, known_place bigint, known_hash text) IS 'GET /v1/staff/audit/verification. R9.2 a range of the trail, and whether it is still what it was when somebody noted a place and its hash.';
CREATE FUNCTION api.get_billing() RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.get_billing() IS 'GET /v1/billing. R8.1, R8.2 where the caller stands, and what happens next and when, if they do nothing.';
CREATE FUNCTION api.get_coverage() RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.get_coverage() IS 'GET /v1/me/coverage. R6.10 whether a miss right now would reach anybody, and over which channels each Contact can be reached; never at which addresses.';
CREATE FUNCTION api.get_drill(drill_id uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.get_drill(drill_id uuid) IS 'GET /v1/drills/{id}. R6.11 what arrived, per Contact and channel, for whoever asked; each Contact sees what is theirs.';
CREATE FUNCTION api.get_history(cursor uuid, size integer, month text DEFAULT NULL::text) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.get_history(cursor uuid, size integer, month text) IS 'GET /v1/me/history';
CREATE FUNCTION api.get_me() RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.get_me() IS 'GET /v1/me';
CREATE FUNCTION api.get_member(member_id uuid) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.get_member(member_id uuid) IS 'GET /v1/members/{user_id}';
CREATE FUNCTION api.get_member_history(member_id uuid, cursor uuid, size integer, month text DEFAULT NULL::text) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.get_member_history(member_id uuid, cursor uuid, size integer, month text) IS 'GET /v1/members/{user_id}/history';
CREATE FUNCTION api.get_member_position(member_id uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.get_member_position(member_id uuid) IS 'GET /v1/members/{user_id}/position. R4.8 for Contacts only; to a frozen one only that of a call for help.';
CREATE FUNCTION api.get_member_welfare_card(member_id uuid) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.get_member_welfare_card(member_id uuid) IS 'GET /v1/members/{user_id}/welfare-card. R1.5 while an alert is open, or always if the Member says so; every look is a row.';
CREATE FUNCTION api.get_preferences() RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.get_preferences() IS 'GET /v1/me/preferences';
CREATE FUNCTION api.get_schedule() RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.get_schedule() IS 'GET /v1/me/schedule';
CREATE FUNCTION api.get_today() RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.get_today() IS 'GET /v1/me/today';
CREATE FUNCTION api.get_user(person uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.get_user(person uuid) IS 'GET /v1/staff/users/{user_id}. R1.4 how somebody''s account stands: no PIN, token or code, no text of a message, note or mood, no welfare card.';
CREATE FUNCTION api.get_user_audit(person uuid, cursor text, size integer) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.get_user_audit(person uuid, cursor text, size integer) IS 'GET /v1/staff/users/{user_id}/audit. R1.4; also of a user who is gone.';
CREATE FUNCTION api.get_welfare_card() RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.get_welfare_card() IS 'GET /v1/me/welfare-card, with the last 20 looks at it; also those of a Contact who has left.';
CREATE FUNCTION api.hide_notification(notification_id uuid) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.hide_notification(notification_id uuid) IS 'DELETE /v1/notifications/{id}: it leaves the list; the record stays.';
CREATE FUNCTION api.leave_member(member_id uuid) RETURNS jsonb
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.leave_member(member_id uuid) IS 'DELETE /v1/members/{user_id}';
CREATE FUNCTION api.link_device(linked_device_id uuid, name text, token_hash bytea, sealed_token bytea) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.link_device(linked_device_id uuid, name text, token_hash bytea, sealed_token bytea) IS 'POST /v1/me/linked-devices. R4.8 what it answers has the token, sealed: the server shows it this once.';
CREATE FUNCTION api.list_addresses() RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.list_addresses() IS 'GET /v1/me/addresses';
CREATE FUNCTION api.list_alerts(cursor uuid, size integer, only_unresolved boolean) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.list_alerts(cursor uuid, size integer, only_unresolved boolean) IS 'GET /v1/alerts: the caller''s own and those of the Members they watch, the newest first';
CREATE FUNCTION api.list_blocks(cursor uuid, size integer) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.list_blocks(cursor uuid, size integer) IS 'GET /v1/blocks, the newest first';
CREATE FUNCTION api.list_breaks(cursor uuid, size integer) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.list_breaks(cursor uuid, size integer) IS 'GET /v1/me/breaks, the latest first';
CREATE FUNCTION api.list_check_ins(cursor uuid, size integer) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.list_check_ins(cursor uuid, size integer) IS 'GET /v1/me/check-ins, the newest first';
CREATE FUNCTION api.list_contacts() RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.list_contacts() IS 'GET /v1/me/contacts; at most [10], so one page';
CREATE FUNCTION api.list_events(since timestamp with time zone, after uuid) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.list_events(since timestamp with time zone, after uuid) IS 'GET /v1/events. R7.8 the home screen, and what came since an event or an instant, the first 500 of it. It looks half a minute back: a transaction that began earlier may have committed later.';
CREATE FUNCTION api.list_invitations(cursor uuid, size integer) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.list_invitations(cursor uuid, size integer) IS 'GET /v1/invitations, those the caller sent, the newest first';
CREATE FUNCTION api.list_linked_devices() RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.list_linked_devices() IS 'GET /v1/me/linked-devices; at most [10], so one page';
CREATE FUNCTION api.list_members() RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.list_members() IS 'GET /v1/members; at most [50], so one page';
CREATE FUNCTION api.list_notifications(cursor uuid, size integer) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.list_notifications(cursor uuid, size integer) IS 'GET /v1/notifications, the newest first';
CREATE FUNCTION api.list_sessions(cursor uuid, size integer) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.list_sessions(cursor uuid, size integer) IS 'GET /v1/me/sessions, the newest first: those that can still be refreshed. R2.5';
CREATE FUNCTION api.list_staff_roles() RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.list_staff_roles() IS 'GET /v1/staff/roles. R1.4';
CREATE FUNCTION api.list_webhooks() RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.list_webhooks() IS 'GET /v1/me/webhooks';
CREATE FUNCTION api.needs_more_help(alert_id uuid) RETURNS jsonb
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.needs_more_help(alert_id uuid) IS 'POST /v1/alerts/{id}/needs-more-help. R6.4 whoever has it, or any Contact: everyone is told at once, and it escalates again.';
CREATE FUNCTION api.open_portal() RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.open_portal() IS 'POST /v1/billing/portal. R8.1 Stripe does it, and the database follows.';
CREATE FUNCTION api.plan_break(first_on date, last_on date, is_confirmed boolean) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.plan_break(first_on date, last_on date, is_confirmed boolean) IS 'POST /v1/me/breaks. R5.1 triggers on data.breaks draw the consequences.';
CREATE FUNCTION api.postpone_check_in(minutes integer, obligation_id uuid DEFAULT NULL::uuid) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.postpone_check_in(minutes integer, obligation_id uuid) IS 'POST /v1/me/postponements. R4.10 the check-in as it is awaited from now on.';
CREATE FUNCTION api.put_device(device_id uuid, platform text, push_token text, public_key bytea DEFAULT NULL::bytea) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.put_device(device_id uuid, platform text, push_token text, public_key bytea) IS 'PUT /v1/me/devices/{id}. R7.6 at most [10] a user, the oldest goes first. R4.11 a key that is not said stays.';
CREATE FUNCTION api.read_all_notifications() RETURNS jsonb
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.read_all_notifications() IS 'POST /v1/notifications/read-all';
CREATE FUNCTION api.read_notification(notification_id uuid) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.read_notification(notification_id uuid) IS 'POST /v1/notifications/{id}/read. A trigger takes back what stood by.';
CREATE FUNCTION api.record_check_in(device_time timestamp with time zone, time_zone text, note text, mood text, position_id uuid DEFAULT NULL::uuid, sealed_position bytea DEFAULT NULL::bytea, public_key bytea DEFAULT NULL::bytea, signed_on date DEFAULT NULL::date, is_signature_right boolean DEFAULT NULL::boolean) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.record_check_in(device_time timestamp with time zone, time_zone text, note text, mood text, position_id uuid, sealed_position bytea, public_key bytea, signed_on date, is_signature_right boolean) IS 'POST /v1/me/check-ins. R4.4 the answer says what it met, what it resolved and when the next is due; triggers on data.check_ins do it. R4.8, R4.11 is_signature_right: null when it is not signed.';
CREATE FUNCTION api.record_heartbeat(device_id uuid, battery_percent smallint, push_allowed boolean) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.record_heartbeat(device_id uuid, battery_percent smallint, push_allowed boolean) IS 'POST /v1/me/devices/{id}/heartbeat. R4.12 what is not said of the battery is unknown, of pushes as before. Alerts that are not over say it from now on; it is no check-in and ends none.';
CREATE FUNCTION api.recover_pin(ticket_hash bytea, pin_hash text, device_name text, refresh_hash bytea) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.recover_pin(ticket_hash bytea, pin_hash text, device_name text, refresh_hash bytea) IS 'R2.3, R2.5 a proved address sets a new PIN, which unlocks the sign-in, ends every other session, and brings a deleted account back (R2.6).';
CREATE FUNCTION api.refresh_session(token_hash bytea, next_hash bytea, other_next_hashes bytea[] DEFAULT '{}'::bytea[]) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.refresh_session(token_hash bytea, next_hash bytea, other_next_hashes bytea[]) IS 'R2.4 each refresh token is good once; the server derives the next from it, so that a retry gets the same one. A used one that comes again later, or after its successor was used, was stolen: the whole family ends, and the user is told. R9.9 One that is nobody''s leaves no row behind: it is counted for its network, and refused whatever the count is, so that a right one is never held up.';
CREATE FUNCTION api.remove_address(address_id uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.remove_address(address_id uuid) IS 'DELETE /v1/me/addresses/{id}. The one that is removed is told as well: it may not have been its owner.';
CREATE FUNCTION api.remove_break(break_id uuid) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.remove_break(break_id uuid) IS 'DELETE /v1/me/breaks/{id}. A planned one is gone (a policy lets no other go); R5.2 one that runs ends with today, and stays on record.';
CREATE FUNCTION api.remove_contact(contact_id uuid) RETURNS jsonb
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.remove_contact(contact_id uuid) IS 'DELETE /v1/me/contacts/{user_id}';
CREATE FUNCTION api.remove_device(device_id uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.remove_device(device_id uuid) IS 'DELETE /v1/me/devices/{id}';
CREATE FUNCTION api.remove_staff_role(person uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.remove_staff_role(person uuid) IS 'DELETE /v1/staff/roles/{user_id}. R1.4';
CREATE FUNCTION api.remove_webhook(webhook_id uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.remove_webhook(webhook_id uuid) IS 'DELETE /v1/me/webhooks/{id}. What it has not been told it is not told any more.';
CREATE FUNCTION api.request_code(code_id uuid, kind text, lookup bytea, sealed bytea, code_hash bytea, other_lookups bytea[] DEFAULT '{}'::bytea[], other_sealeds bytea[] DEFAULT '{}'::bytea[]) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.request_code(code_id uuid, kind text, lookup bytea, sealed bytea, code_hash bytea, other_lookups bytea[], other_sealeds bytea[]) IS 'R2.1 the same answer whether or not an account exists.';
CREATE FUNCTION api.request_help(position_id uuid DEFAULT NULL::uuid, sealed_position bytea DEFAULT NULL::bytea) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.request_help(position_id uuid, sealed_position bytea) IS 'POST /v1/me/help-requests. R6.2 at once, for whoever asks; gives the alert. R4.8 with where they are, if they have chosen so.';
CREATE FUNCTION api.resend_delivery(delivery_id uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.resend_delivery(delivery_id uuid) IS 'POST /v1/staff/deliveries/{delivery_id}/resend. R1.4 what failed is sent once more, by a delivery of its own; asked twice it is the same one.';
CREATE FUNCTION api.resend_invitation(invitation_id uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.resend_invitation(invitation_id uuid) IS 'POST /v1/invitations/{id}/resend. R3.1 the same code and link once more, at most once every [10] minutes.';
CREATE FUNCTION api.resume_subscription() RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.resume_subscription() IS 'POST /v1/billing/resume. R8.1 Stripe does it, and the database follows.';
CREATE FUNCTION api.revoke_invitation(invitation_id uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.revoke_invitation(invitation_id uuid) IS 'DELETE /v1/invitations/{id}';
CREATE FUNCTION api.rotate_webhook_secret(webhook_id uuid, secret_id uuid, sealed_secret bytea) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.rotate_webhook_secret(webhook_id uuid, secret_id uuid, sealed_secret bytea) IS 'POST /v1/me/webhooks/{id}/secret. The one before signs beside the new one for [24] hours.';
CREATE FUNCTION api.set_policy(name text, new_value integer, reason text) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.set_policy(name text, new_value integer, reason text) IS 'A DBA changes a number of the rules, with the reason; run as pruuf_owner. The change is kept.';
CREATE FUNCTION api.set_preferences(high text[], normal text[], quiet_from time without time zone, quiet_until time without time zone, time_zone text, weekly_summary boolean, if_match text DEFAULT NULL::text, shares_position text DEFAULT NULL::text) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.set_preferences(high text[], normal text[], quiet_from time without time zone, quiet_until time without time zone, time_zone text, weekly_summary boolean, if_match text, shares_position text) IS 'PUT /v1/me/preferences. R7.5, R4.8 all of it at once: what is left out is as it was before anything was chosen.';
CREATE FUNCTION api.set_schedule(local_times time without time zone[], time_zone text, weekdays smallint[], grace_minutes smallint, reminders text[], if_match text DEFAULT NULL::text) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.set_schedule(local_times time without time zone[], time_zone text, weekdays smallint[], grace_minutes smallint, reminders text[], if_match text) IS 'PUT /v1/me/schedule. R4.7 says from which date it counts; next is the obligation that is open now, which it does not change.';
CREATE FUNCTION api.set_staff_role(person uuid, role text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.set_staff_role(person uuid, role text) IS 'PUT /v1/staff/roles/{user_id}. R1.4';
CREATE FUNCTION api.set_welfare_card(sealed bytea, shown_always boolean, if_match text DEFAULT NULL::text) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.set_welfare_card(sealed bytea, shown_always boolean, if_match text) IS 'PUT /v1/me/welfare-card. R1.5';
CREATE FUNCTION api.show_alert_page(delivery_id uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.show_alert_page(delivery_id uuid) IS 'GET /a/{token}. R6.6 shows and changes nothing: mail scanners follow links.';
CREATE FUNCTION api.show_check_in_page(delivery_id uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.show_check_in_page(delivery_id uuid) IS 'GET /a/{token}. R4.8 the page of a reminder shows and changes nothing: mail scanners follow links.';
CREATE FUNCTION api.show_invitation(token_hash bytea) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.show_invitation(token_hash bytea) IS 'GET /i/{token}. R3.1 what the page of a link shows to whoever has it; it changes nothing, since mail scanners follow links.';
CREATE FUNCTION api.start_drill(goes_to text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.start_drill(goes_to text) IS 'POST /v1/drills. R6.11 the same channels at the same time as an alert, and no alert: it raises nothing, and nothing follows it.';
CREATE FUNCTION api.test_webhook(webhook_id uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.test_webhook(webhook_id uuid) IS 'POST /v1/me/webhooks/{id}/test. An event that is sent once, also to a webhook that is off: taken, it is on again.';
CREATE FUNCTION api.unblock_user(user_id uuid) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.unblock_user(user_id uuid) IS 'DELETE /v1/blocks/{user_id}. R3.3 connects nobody: that takes a new invitation.';
CREATE FUNCTION api.unlink_device(linked_device_id uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.unlink_device(linked_device_id uuid) IS 'DELETE /v1/me/linked-devices/{id}. R4.8 its token is worth nothing from then on.';
CREATE FUNCTION api.unlock_user(person uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.unlock_user(person uuid) IS 'POST /v1/staff/users/{user_id}/unlock. R1.4 ends the lock of half an hour; what only a code opens (R2.3) staff does not open, and tries go on being counted.';
CREATE FUNCTION api.update_break(break_id uuid, changes jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.update_break(break_id uuid, changes jsonb) IS 'PATCH /v1/me/breaks/{id}. R5.2 what is not among the changes stays; a last_on of null is open-ended, and of today ends it with today.';
CREATE FUNCTION api.update_contact(contact_id uuid, tier text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.update_contact(contact_id uuid, tier text) IS 'PATCH /v1/me/contacts/{user_id}. R3.5 one Contact at least stays primary; without a tier nothing changes.';
CREATE FUNCTION api.update_me(name text, language text, if_match text DEFAULT NULL::text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.update_me(name text, language text, if_match text) IS 'PATCH /v1/me: what is null stays. The trail says what was changed, not into what.';
CREATE FUNCTION api.update_member(member_id uuid, changes jsonb, if_match text DEFAULT NULL::text) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.update_member(member_id uuid, changes jsonb, if_match text) IS 'PATCH /v1/members/{user_id}. R3.4 what is not among the changes stays; a nickname of null is none.';
CREATE FUNCTION api.verify_address(address_id uuid, code_hash bytea, other_code_hashes bytea[] DEFAULT '{}'::bytea[]) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.verify_address(address_id uuid, code_hash bytea, other_code_hashes bytea[]) IS 'POST /v1/me/addresses/{id}/verify. R7.6; that it belongs to another account is said only to whoever holds the code.';
CREATE FUNCTION api.verify_code(kind text, lookup bytea, code_hash bytea, ticket_hash bytea, other_lookups bytea[] DEFAULT '{}'::bytea[], other_code_hashes bytea[] DEFAULT '{}'::bytea[]) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION api.verify_code(kind text, lookup bytea, code_hash bytea, ticket_hash bytea, other_lookups bytea[], other_code_hashes bytea[]) IS 'R2.1 a right code gives a ticket, once; only its hash is stored. Whoever holds the address may know whether it has an account.';
CREATE FUNCTION audit.append(action text, subject uuid, object uuid DEFAULT NULL::uuid, details jsonb DEFAULT '{}'::jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION audit.append(action text, subject uuid, object uuid, details jsonb) IS 'R9.2 the only way into the trail; in the transaction of what it records. details: ids, counts and states, never a name, an address, a PIN, a code, a token or a text.';
CREATE TABLE audit.events (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    actor_user_id uuid,
    subject_user_id uuid,
    action text NOT NULL,
    object_id uuid,
    request_id text,
    ip inet,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    ip_salt bytea,
    ip_digest bytea,
    CONSTRAINT audit_action_is_a_name CHECK ((action ~ '^[a-z][a-z0-9_.]*$'::text)),
    CONSTRAINT ip_salt_goes_with_its_ip CHECK (((ip_salt IS NULL) OR (ip IS NOT NULL)))
)
PARTITION BY RANGE (at);
ALTER TABLE ONLY audit.events FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE audit.events IS 'R9.2 who did what to whom, when, from where. Ids only: no name, address, PIN, code, token or text. No foreign keys: the trail outlives what it speaks of.';
COMMENT ON COLUMN audit.events.ip_digest IS 'What the chain covers instead of ip: a hash of it and of ip_salt. So both can be forgotten and the row still verifies.';
CREATE FUNCTION audit.digest(event audit.events) RETURNS bytea
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION audit.digest(event audit.events) IS 'R9.2 the hash of what a row of the trail says, without the IP address itself.';
CREATE FUNCTION audit.forget_ips(person uuid) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION audit.forget_ips(person uuid) IS 'R9.2 forgets from where somebody acted, when their account is erased; the rows verify as before. From where others acted on them is not theirs.';
CREATE FUNCTION audit.ip_digest(ip inet, salt bytea) RETURNS bytea
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION audit.ip_digest(ip inet, salt bytea) IS 'R9.2 what stands for an IP address in the chain.';
CREATE FUNCTION audit.trail_of_alert(alert uuid, cursor text DEFAULT NULL::text, most integer DEFAULT NULL::integer) RETURNS SETOF audit.events
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION audit.trail_of_alert(alert uuid, cursor text, most integer) IS 'R9.2 all that happened with an alert, its notifications and their deliveries, the newest first; all of it without a number.';
CREATE FUNCTION audit.trail_of_user(person uuid, cursor text DEFAULT NULL::text, most integer DEFAULT NULL::integer) RETURNS SETOF audit.events
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION audit.trail_of_user(person uuid, cursor text, most integer) IS 'R9.2 what somebody did and what was done to them, the newest first; all of it without a number.';
CREATE FUNCTION audit.verify(from_place bigint DEFAULT 1, to_place bigint DEFAULT NULL::bigint, known_place bigint DEFAULT NULL::bigint, known_hash bytea DEFAULT NULL::bytea) RETURNS TABLE(finding text, place bigint, event_id bigint, detail text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION audit.verify(from_place bigint, to_place bigint, known_place bigint, known_hash bytea) IS 'R9.2 what is wrong with the trail, a row each: changed, removed, reordered, inserted, waiting (not sealed for ten minutes) or rewritten (not what it was when known_place and known_hash were noted elsewhere). All of it, or from place to place: ranges that follow each other leave nothing out.';
CREATE FUNCTION audit.verify_events(first_place bigint, last_place bigint, is_last boolean) RETURNS TABLE(finding text, place bigint, event_id bigint, detail text)
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION audit.verify_events(first_place bigint, last_place bigint, is_last boolean) IS 'R9.2 each event of the time of a range has its seal, or waits for it; the first 100 that do not.';
CREATE FUNCTION audit.verify_seals(first_place bigint, last_place bigint) RETURNS TABLE(finding text, place bigint, event_id bigint, detail text)
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    SET enable_nestloop TO 'off'
    SET enable_hashjoin TO 'on'
    AS $$…$$;
COMMENT ON FUNCTION audit.verify_seals(first_place bigint, last_place bigint) IS 'R9.2 each seal against the one before it and against its event; the first 100 findings. Where places were exchanged a row fits at another place that does not fit either. enable_nestloop: no index leads from a seal to its event, so a nested loop would read the range once for each seal.';
CREATE FUNCTION data.new_id() RETURNS uuid
    LANGUAGE plpgsql PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION data.new_id() IS 'A UUIDv7 (RFC 9562, 5.7): 48 bits of Unix milliseconds, then random. Orders rows roughly by their making; nothing may depend on more.';
CREATE FUNCTION jobs.add_up(a jsonb, b jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.add_up(a jsonb, b jsonb) IS 'What two parts of a job report together: numbers are added, lists appended.';
CREATE FUNCTION jobs.addresses_to_move(key_id bytea, after bytea, most integer) RETURNS TABLE(kind text, lookup bytea, sealed bytea)
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.addresses_to_move(key_id bytea, after bytea, most integer) IS 'R9.3 the next addresses that are not sealed under the key of this id, in the order of their lookups.';
CREATE TABLE data.alerts (
    id uuid DEFAULT data.new_id() NOT NULL,
    member_id uuid NOT NULL,
    kind text NOT NULL,
    obligation_id uuid,
    state text DEFAULT 'open'::text NOT NULL,
    raised_at timestamp with time zone NOT NULL,
    facts jsonb NOT NULL,
    acknowledged_at timestamp with time zone,
    acknowledged_by uuid,
    arrives_at timestamp with time zone,
    resolved_at timestamp with time zone,
    resolved_by uuid,
    resolved_how text,
    outcome text,
    note text,
    round integer DEFAULT 1 NOT NULL,
    next_step_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    resumed_at timestamp with time zone,
    owner_asked_at timestamp with time zone,
    exhausted_at timestamp with time zone,
    reach_check_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone,
    CONSTRAINT a_missed_alert_has_its_obligation CHECK (((kind = 'missed'::text) = (obligation_id IS NOT NULL))),
    CONSTRAINT alert_acknowledged_is_whole CHECK (((state <> 'acknowledged'::text) OR (acknowledged_at IS NOT NULL))),
    CONSTRAINT alert_kind_is_known CHECK ((kind = ANY (ARRAY['missed'::text, 'help'::text]))),
    CONSTRAINT alert_note_is_1_to_1000_characters CHECK (((length(note) >= 1) AND (length(note) <= 1000))),
    CONSTRAINT alert_outcome_is_known CHECK ((outcome = ANY (ARRAY['safe'::text, 'false_alarm'::text, 'got_help'::text, 'other'::text]))),
    CONSTRAINT alert_outcome_is_of_a_closing CHECK (((resolved_how IS DISTINCT FROM 'closed'::text) OR (outcome IS NOT NULL))),
    CONSTRAINT alert_resolution_is_known CHECK ((resolved_how = ANY (ARRAY['checked_in'::text, 'closed'::text, 'cancelled'::text, 'attested'::text]))),
    CONSTRAINT alert_resolved_is_whole CHECK ((((state = 'resolved'::text) = (resolved_at IS NOT NULL)) AND ((resolved_at IS NULL) = (resolved_how IS NULL)))),
    CONSTRAINT alert_state_is_known CHECK ((state = ANY (ARRAY['open'::text, 'acknowledged'::text, 'resolved'::text]))),
    CONSTRAINT only_a_miss_is_attested CHECK (((resolved_how <> 'attested'::text) OR (kind = 'missed'::text))),
    CONSTRAINT only_help_is_cancelled CHECK (((resolved_how <> 'cancelled'::text) OR (kind = 'help'::text)))
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000', autovacuum_analyze_scale_factor='0.02');
ALTER TABLE ONLY data.alerts FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.alerts IS 'R6.1 one for each missed obligation, by a unique key; R6.2 one at a time for a Member who asks for help. facts: what was known when it was raised, for the texts (R6.7).';
COMMENT ON COLUMN data.alerts.next_step_at IS 'R6.3, R6.4 when the next round is told; while somebody has it: when they are asked, or when the asking ends.';
COMMENT ON COLUMN data.alerts.resumed_at IS 'R6.4 since then the rounds run anew, for everyone.';
COMMENT ON COLUMN data.alerts.reach_check_at IS 'R7.3 when is looked next whether its Contacts are reached; null: at once.';
CREATE FUNCTION jobs.alarms_ahead(starts_at timestamp with time zone, ends_at timestamp with time zone, only_member uuid) RETURNS TABLE(alert_id uuid, name text, alert data.alerts)
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.alarms_ahead(starts_at timestamp with time zone, ends_at timestamp with time zone, only_member uuid) IS 'The alerts that are open, and those that would be raised by the end of a preview.';
CREATE FUNCTION jobs.apply_receipts(delivery uuid, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.apply_receipts(delivery uuid, at timestamp with time zone) IS 'R7.1 what all receipts of a delivery together mean for it. May be called as often as one likes.';
CREATE FUNCTION jobs.apply_subscription(found_one jsonb, asked_at timestamp with time zone) RETURNS jsonb
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.apply_subscription(found_one jsonb, asked_at timestamp with time zone) IS 'R8.1 what Stripe answered when it was told something.';
CREATE FUNCTION jobs.audit() RETURNS TABLE(kind text, count bigint)
    LANGUAGE plpgsql
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION jobs.audit() IS 'R9.7 compares what should have happened with what did: a row for each kind of finding, with how many (at most about 1,000), none when all is well. What each means and what to do: docs/operations.md. Changes nothing; may be called at any time.';
CREATE FUNCTION jobs.batch_size(job text) RETURNS integer
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.batch_size(job text) IS 'How many rows a job takes at once: 500, fewer after a call that was cancelled.';
CREATE FUNCTION jobs.check_reach(ids uuid[], at timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.check_reach(ids uuid[], at timestamp with time zone) IS 'R7.3 checks the reach of these alerts.';
CREATE FUNCTION jobs.claim_comparisons(most integer) RETURNS jsonb
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.claim_comparisons(most integer) IS 'R8.4 the next customers to be compared with Stripe.';
CREATE FUNCTION jobs.claim_deliveries(channel text, most integer, lease_seconds integer, in_hand uuid[] DEFAULT '{}'::uuid[]) RETURNS SETOF jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION jobs.claim_deliveries(channel text, most integer, lease_seconds integer, in_hand uuid[]) IS 'R7.3, R7.4 takes what is due on one channel, in the order of work, for as long as the lease. Whoever calls says what is in its hand: that is leased anew, so that a lease is short and yet only ever runs out when its holder is gone.';
CREATE FUNCTION jobs.claim_polls(most integer) RETURNS SETOF jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION jobs.claim_polls(most integer) IS 'R7.1 deliveries that a provider took and of which no callback said what became: it is to be asked. More and more rarely, for a day.';
CREATE FUNCTION jobs.claim_stripe_work(most integer) RETURNS jsonb
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.claim_stripe_work(most integer) IS 'R8.4 what there is to ask or tell Stripe.';
CREATE FUNCTION jobs.claim_webhook_events(most integer, failing boolean, busy uuid[], lease_seconds integer) RETURNS SETOF jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION jobs.claim_webhook_events(most integer, failing boolean, busy uuid[], lease_seconds integer) IS 'Events that are due, of webhooks that work or of those that fail, so that a dead one delays no other; two of a webhook at most, and none of those that are busy. What is nobody''s business any more is cancelled.';
CREATE FUNCTION jobs.code_keys() RETURNS SETOF jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.code_keys() IS 'R9.3 what is kept of data keys that were rotated away; a server reads it when it starts.';
CREATE FUNCTION jobs.compare_customer(customer text, found_ones jsonb, asked_at timestamp with time zone) RETURNS jsonb
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.compare_customer(customer text, found_ones jsonb, asked_at timestamp with time zone) IS 'R8.4 mends and reports what differs.';
CREATE FUNCTION jobs.contacts_not_told(most integer) RETURNS TABLE(alert_id uuid, contact_id uuid)
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION jobs.contacts_not_told(most integer) IS 'R9.7 the primary Contacts of an alert of the last day that is not over, for whom there is no first message, or one that goes nowhere.';
CREATE FUNCTION jobs.coverage_drifted() RETURNS SETOF uuid
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.coverage_drifted() IS 'R9.7, R6.10 Members of whom data.coverage is not what is true: 200 of them, others in each call, since computing it costs more than the rest of the check.';
CREATE FUNCTION jobs.enter_results(results jsonb) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    SET lock_timeout TO '500ms'
    AS $_$
declare
  at timestamptz := rules.clock();
begin
  -- One whose delivery is gone (its account was erased meanwhile) must not hold up the others.
  insert into data.attempts (delivery_id, number, ended_at, result, detail, took_ms, provider)
  select r.id, r.attempt, at, r.result, r.detail, r.took_ms, r.provider
    from rules.attempt_results(results) r join data.deliveries d on d.id = r.id where r.tries is null;
  if exists (select from rules.attempt_results(results) r where r.tries is not null) then
    insert into data.attempts (delivery_id, number, ended_at, result, detail, took_ms, provider)
    select r.id, r.attempt, at, t.result, t.detail, t.took_ms, t.provider
      from rules.attempt_results(results) r join data.deliveries d on d.id = r.id cross join lateral rules.attempt_results(r.tries) t;
  end if;
  update data.deliveries d
     set state = case
           when r.result = 'accepted' then case when d.state in ('delivered', 'confirmed') then d.state else 'accepted' end
           when r.result = 'permanent' then 'failed'
           when d.is_withdrawn then 'cancelled'
           else 'pending' end,
         settled_at = case when r.result in ('accepted', 'permanent') or d.is_withdrawn then at end,
         failure = case when r.result = 'permanent' then r.detail end,
         lease_until = null,
         provider_message_id = coalesce(r.provider_message_id, d.provider_message_id),
         provider = case when r.result = 'accepted' then r.provider else d.provider end,
         may_have_arrived = d.may_have_arrived or r.result in ('accepted', 'unknown') or coalesce(r.tries @? '$[*] ? (@.result == "unknown")', false),
         poll_at = case when r.result = 'accepted' then rules.first_poll(d.channel, r.provider, at) else d.poll_at end,
         next_attempt_at = at + greatest(rules.backoff(d.attempts), make_interval(secs => coalesce(r.retry_after_seconds, 0)))
    from (select distinct on (a.id) a.* from rules.attempt_results(results) a order by a.id, a.result <> 'accepted', a.attempt desc) r
   where d.id = r.id and (r.result = 'accepted' or d.state = 'sending' and d.attempts = r.attempt);
  -- Receipts may come before the sender reports, and some find their delivery only now.
  perform jobs.apply_receipts(r.id, at) from rules.attempt_results(results) r
   where r.provider_message_id is not null and exists (
     select from data.receipts c where c.delivery_id = r.id or c.delivery_id is null and c.provider_message_id = r.provider_message_id);
  if exists (select from rules.attempt_results(results) r where r.result = 'permanent') then
    perform jobs.give_up(r.id, r.turns_off, at) from rules.attempt_results(results) r join data.deliveries d on d.id = r.id
      where r.result = 'permanent' order by d.notification_id;
    perform pg_notify('pruuf_work', '');
  end if;
end;
$_$;
COMMENT ON FUNCTION jobs.enter_results(results jsonb) IS 'R7.1, R7.3 what became of attempts. A transient one is tried again after a while, a permanent one never.';
CREATE FUNCTION jobs.erase_positions(most integer DEFAULT 500) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION jobs.erase_positions(most integer) IS 'R4.8 erases positions after [24] hours. Reports erased.';
CREATE FUNCTION jobs.escalate(most integer DEFAULT 20) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION jobs.escalate(most integer) IS 'R6.3, R6.4 the steps of alerts that are due, 20 at a time: later rounds, and asking owners. Idempotent and safe to call concurrently. Reports exhausted and without_contact, both alerts.';
CREATE FUNCTION jobs.expire_deliveries() RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION jobs.expire_deliveries() IS 'R7.1 settles deliveries that are too late to be sent.';
CREATE TABLE data.deliveries (
    id uuid DEFAULT data.new_id() NOT NULL,
    notification_id uuid NOT NULL,
    channel text NOT NULL,
    address_id uuid,
    device_id uuid,
    work_rank smallint NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    next_attempt_at timestamp with time zone NOT NULL,
    attempts smallint DEFAULT 0 NOT NULL,
    lease_until timestamp with time zone,
    may_have_arrived boolean DEFAULT false NOT NULL,
    is_withdrawn boolean DEFAULT false NOT NULL,
    stands_by boolean DEFAULT false NOT NULL,
    expires_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    settled_at timestamp with time zone,
    provider_message_id text,
    failure text,
    resend_of uuid,
    poll_at timestamp with time zone,
    provider text,
    alert_id uuid,
    CONSTRAINT channel_is_known CHECK ((channel = ANY (ARRAY['push'::text, 'email'::text, 'sms'::text, 'voice'::text]))),
    CONSTRAINT delivery_goes_to_one_place CHECK ((num_nonnulls(address_id, device_id) <= 1)),
    CONSTRAINT delivery_in_hand_has_a_lease CHECK (((state = 'sending'::text) = (lease_until IS NOT NULL))),
    CONSTRAINT delivery_provider_is_a_name CHECK ((provider ~ '^[a-z-]{1,30}$'::text)),
    CONSTRAINT delivery_state_is_known CHECK ((state = ANY (ARRAY['pending'::text, 'sending'::text, 'accepted'::text, 'delivered'::text, 'confirmed'::text, 'failed'::text, 'cancelled'::text, 'expired'::text]))),
    CONSTRAINT failed_delivery_says_why CHECK (((state <> 'failed'::text) OR (failure IS NOT NULL)))
)
WITH (fillfactor='80', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000', autovacuum_analyze_scale_factor='0.02');
ALTER TABLE ONLY data.deliveries FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.deliveries IS 'R7.1 a notification over one channel to one address: a verified one, a device, or (neither) the notification''s own, or one that its owner has removed since. stands_by: goes out only when the push before it failed or was not confirmed in time (R7.2). is_withdrawn: was in a sender''s hand when its alert ended; is not tried again. may_have_arrived: an attempt was accepted, or its end is unknown.';
COMMENT ON COLUMN data.deliveries.resend_of IS 'R1.4 the failed delivery that staff sent again by this one.';
COMMENT ON COLUMN data.deliveries.poll_at IS 'R7.1 when the provider that took it is asked what became of it, should no callback have said so; null where nobody can be asked, or not any more.';
COMMENT ON COLUMN data.deliveries.provider IS 'R7.1 who took it last and knows it as provider_message_id.';
COMMENT ON COLUMN data.deliveries.alert_id IS 'R9.5 the alert of its notification, so that what is not settled of an alert is found without reading all that is. No foreign key: the notification has it.';
CREATE TABLE data.receipts (
    id bigint NOT NULL,
    provider text NOT NULL,
    event_id text NOT NULL,
    delivery_id uuid,
    provider_message_id text NOT NULL,
    event text NOT NULL,
    meaning text NOT NULL,
    detail text,
    turns_off text,
    said_at timestamp with time zone,
    received_at timestamp with time zone NOT NULL,
    is_from_poll boolean DEFAULT false NOT NULL,
    facts jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT failing_receipt_says_why CHECK (((meaning <> ALL (ARRAY['transient'::text, 'permanent'::text])) OR (detail IS NOT NULL))),
    CONSTRAINT receipt_detail_is_a_code CHECK ((detail ~ '^[A-Za-z0-9_.:-]{1,80}$'::text)),
    CONSTRAINT receipt_event_id_is_1_to_200_characters CHECK (((length(event_id) >= 1) AND (length(event_id) <= 200))),
    CONSTRAINT receipt_event_is_a_code CHECK ((event ~ '^[A-Za-z0-9_.:-]{1,80}$'::text)),
    CONSTRAINT receipt_message_id_is_1_to_200_characters CHECK (((length(provider_message_id) >= 1) AND (length(provider_message_id) <= 200))),
    CONSTRAINT receipt_off_reason_is_known CHECK ((turns_off = ANY (ARRAY['bounced'::text, 'complained'::text, 'invalid'::text, 'landline'::text, 'stopped'::text]))),
    CONSTRAINT receipt_provider_is_known CHECK ((provider = ANY (ARRAY['twilio'::text, 'postmark'::text, 'sendgrid'::text]))),
    CONSTRAINT receipt_says_something_known CHECK ((meaning = ANY (ARRAY['nothing'::text, 'accepted'::text, 'transient'::text, 'delivered'::text, 'permanent'::text, 'confirmed'::text])))
);
ALTER TABLE ONLY data.receipts FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.receipts IS 'R7.1 what providers say became of messages, each event once: rows that are only ever added, in whatever order they come. meaning: what it means for a delivery. facts: the event without addresses and texts. is_from_poll: we asked, no callback came. Without a delivery_id it is found by provider_message_id, perhaps later.';
CREATE FUNCTION jobs.fail_delivery(d data.deliveries, receipt data.receipts, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.fail_delivery(d data.deliveries, receipt data.receipts, at timestamp with time zone) IS 'R7.1, R7.3 "undelivered" is a failure, never "sent": what stood by goes out at once, and what may still succeed is tried again.';
CREATE FUNCTION jobs.finish_deletion(ids uuid[], at timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.finish_deletion(ids uuid[], at timestamp with time zone) IS 'R2.6 erases these accounts, of a large one a part in each call.';
CREATE FUNCTION jobs.finish_deletions(most integer DEFAULT 20) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION jobs.finish_deletions(most integer) IS 'R2.6 erases accounts whose [30] days are over, and lets go of those whose alert is over. Reports erased.';
CREATE FUNCTION jobs.finish_deliveries(results jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION jobs.finish_deliveries(results jsonb) IS 'R7.1, R7.3 enters what became of attempts: an array of rules.attempt_results. held: deliveries that another session has locked; their results are to be given again (R9.5).';
CREATE FUNCTION jobs.finish_stripe_work(work jsonb, outcome jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.finish_stripe_work(work jsonb, outcome jsonb) IS 'R8.4 what came of it.';
CREATE FUNCTION jobs.finish_webhook_event(event_id uuid, attempt integer, failure text, is_gone boolean, retry_after_seconds double precision) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.finish_webhook_event(event_id uuid, attempt integer, failure text, is_gone boolean, retry_after_seconds double precision) IS 'What became of an attempt. failure: null when it was taken. is_gone: its receiver says that there is none any more. A test is tried once, and one that is taken turns its webhook on.';
CREATE FUNCTION jobs.follow_break(ids uuid[], at timestamp with time zone) RETURNS jsonb
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.follow_break(ids uuid[], at timestamp with time zone) IS 'R5.1, R5.3 what is due of these breaks.';
CREATE FUNCTION jobs.follow_breaks(most integer DEFAULT 50) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION jobs.follow_breaks(most integer) IS 'R5.1, R5.3 enters and tells what is due of breaks, 50 at a time. Reports changed (breaks).';
CREATE FUNCTION jobs.follow_coverage(most integer DEFAULT 500) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION jobs.follow_coverage(most integer) IS 'R6.10 looks at everybody whom a change concerns: those whose Contacts, and those whose Contacts'' addresses and devices have changed; and tells whoever became primary while an alert was being raised (R3.5). Reports changed (Members).';
CREATE FUNCTION jobs.forget_attempts() RETURNS jsonb
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.forget_attempts() IS 'R9.8 deletes attempts of deliveries after [90] days.';
CREATE FUNCTION jobs.forget_codes() RETURNS jsonb
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.forget_codes() IS 'R2.1 deletes one-time codes.';
CREATE FUNCTION jobs.forget_idempotency_keys() RETURNS jsonb
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.forget_idempotency_keys() IS 'R9.4 deletes the answers of idempotency keys after [24] hours.';
CREATE FUNCTION jobs.forget_messages(ids uuid[], at timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.forget_messages(ids uuid[], at timestamp with time zone) IS 'R9.3 deletes these messages to people without an account.';
CREATE FUNCTION jobs.forget_receipts() RETURNS jsonb
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.forget_receipts() IS 'R9.8 deletes receipts of providers after [90] days.';
CREATE FUNCTION jobs.forget_refresh_tokens() RETURNS jsonb
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.forget_refresh_tokens() IS 'R2.4 deletes used refresh tokens: until then one that is used twice is a sign of theft.';
CREATE FUNCTION jobs.forget_stranger_messages() RETURNS jsonb
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.forget_stranger_messages() IS 'R9.3 deletes messages to people without an account.';
CREATE FUNCTION jobs.forget_tries() RETURNS jsonb
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.forget_tries() IS 'R2.1, R2.3, R3.2 deletes counters of tries whose time is over.';
CREATE FUNCTION jobs.forget_webhook_events() RETURNS jsonb
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.forget_webhook_events() IS 'Deletes events of webhooks that nothing asks for any more.';
CREATE FUNCTION jobs.give_up(delivery uuid, turns_off text, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.give_up(delivery uuid, turns_off text, at timestamp with time zone) IS 'R7.3, R7.6 after a permanent failure: a dead address is turned off with its reason, and the next channel starts at once.';
CREATE FUNCTION jobs.go_on(delivery uuid, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.go_on(delivery uuid, at timestamp with time zone) IS 'R7.3 after a failure for good the next channel starts now: what stood by; and when nothing else of the notification lives, a place that it has not been tried at.';
CREATE FUNCTION jobs.held_alerts(ids uuid[]) RETURNS uuid[]
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.held_alerts(ids uuid[]) IS 'R9.5 those of these alerts whose step cannot be taken just now: another session holds its row, or its Member.';
CREATE FUNCTION jobs.held_obligations(ids uuid[]) RETURNS uuid[]
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.held_obligations(ids uuid[]) IS 'R9.5 those of these obligations whose miss cannot be raised just now: another session holds its row, its Member or their schedule.';
CREATE FUNCTION jobs.is_set_aside(job text, id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.is_set_aside(job text, id uuid) IS 'R9.5 whether a job has set this row aside. Such rows are taken by jobs.work_off when their time comes.';
CREATE FUNCTION jobs.is_unwatched(member uuid, at timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.is_unwatched(member uuid, at timestamp with time zone) IS 'R9.7, R4.2 whether a miss of a Member with a schedule would not be seen.';
CREATE FUNCTION jobs.keep_customer(person uuid, customer text) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.keep_customer(person uuid, customer text) IS 'R8.1 which customer of Stripe a user is; the first one stays.';
CREATE FUNCTION jobs.keep_prices(found_ones jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.keep_prices(found_ones jsonb) IS 'R8.1 the plans as Stripe has them.';
CREATE FUNCTION jobs.list_jobs() RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.list_jobs() IS 'R9.5 the jobs that a server runs, with their pace and their limits in milliseconds.';
CREATE FUNCTION jobs.measure() RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION jobs.measure() IS 'What GET /metrics shows of the database: by indexes that hold only what is not settled.';
CREATE FUNCTION jobs.move_address(kind text, lookup bytea, new_lookup bytea, new_sealed bytea) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.move_address(kind text, lookup bytea, new_lookup bytea, new_sealed bytea) IS 'R9.3 everything of one address under a new key, at once: rows that are found by each other''s lookup never part. False when another has done it.';
CREATE FUNCTION jobs.note_run(job text, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.note_run(job text, at timestamp with time zone) IS 'R9.7 a job did its work.';
CREATE FUNCTION jobs.open_next(obligation uuid, at timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.open_next(obligation uuid, at timestamp with time zone) IS 'R4.2, R9.5 makes the successor of one obligation; where that fails, the same a day later. Gives what went wrong.';
CREATE FUNCTION jobs.open_same_tomorrow(obligation uuid) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.open_same_tomorrow(obligation uuid) IS 'R4.2, R9.5 when the next obligation cannot be reckoned: the same a day later, for a wrong hour is better than nobody watching. Gives what went wrong even so.';
CREATE FUNCTION jobs.preflight() RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    SET jit TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION jobs.preflight() IS 'What `pruuf preflight` looks at in the database. Changes nothing.';
CREATE FUNCTION jobs.preview(at timestamp with time zone DEFAULT NULL::timestamp with time zone, horizon interval DEFAULT '1 day'::interval, only_member uuid DEFAULT NULL::uuid) RETURNS TABLE(told_at timestamp with time zone, member_name text, alert_id uuid, round integer, kind text, reader_name text, channels text[], is_exhausting boolean)
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    SET jit TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION jobs.preview(at timestamp with time zone, horizon interval, only_member uuid) IS 'R6.3 who would be told what, when and over which channels, of all that is open now, if from `at` on nobody checked in and nobody acted. For DBAs, before and after they change how alerts escalate: nothing is sent, changed or locked. Without a reader: nobody would be told.';
CREATE FUNCTION jobs.raise_missed(ids uuid[], at timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.raise_missed(ids uuid[], at timestamp with time zone) IS 'R6.1 these open obligations past their alert_at become misses, each with its alert, its deliveries and its successor. An alert stands even if no successor can be made.';
CREATE FUNCTION jobs.receive_stripe_event(event jsonb) RETURNS jsonb
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.receive_stripe_event(event jsonb) IS 'POST /webhooks/stripe. R8.4';
CREATE FUNCTION jobs.receive_twilio_key(delivery uuid, key text) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.receive_twilio_key(delivery uuid, key text) IS 'POST /webhooks/twilio/voice. R6.6 a key that was pressed on a call.';
CREATE FUNCTION jobs.receive_twilio_message(message_sid text, lookups bytea[], words text) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.receive_twilio_message(message_sid text, lookups bytea[], words text) IS 'POST /webhooks/twilio/messages. R6.6 a text that came to our number.';
CREATE FUNCTION jobs.reclaim_lost(channel text, in_hand uuid[], at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.reclaim_lost(channel text, in_hand uuid[], at timestamp with time zone) IS 'A lease that ran out means "again", never "failed": its sender died, and nobody knows whether the provider has it. Also while this server may send nothing.';
CREATE FUNCTION jobs.record_receipt(provider text, event_id text, delivery uuid, message_id text, event text, meaning text, detail text, turns_off text, said_at timestamp with time zone, facts jsonb, is_from_poll boolean, at timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.record_receipt(provider text, event_id text, delivery uuid, message_id text, event text, meaning text, detail text, turns_off text, said_at timestamp with time zone, facts jsonb, is_from_poll boolean, at timestamp with time zone) IS 'R7.1 one event of a provider: 1 when it is new. One that speaks of no delivery that is known is kept all the same: it may be known later.';
CREATE FUNCTION jobs.record_receipts(provider text, receipts jsonb, is_from_poll boolean DEFAULT false) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    SET lock_timeout TO '500ms'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION jobs.record_receipts(provider text, receipts jsonb, is_from_poll boolean) IS 'R7.1 keeps what a provider says, each event once, and draws the consequences: an array of rules.receipt_rows. problems: the SQL states of those that could not be kept.';
CREATE FUNCTION jobs.remind(ids uuid[], at timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.remind(ids uuid[], at timestamp with time zone) IS 'R4.1 the reminders of these obligations.';
CREATE FUNCTION jobs.remind_of_drills(ids uuid[], at timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.remind_of_drills(ids uuid[], at timestamp with time zone) IS 'R6.11 the reminders of drills for these users.';
CREATE FUNCTION jobs.renew_leases(in_hand uuid[], at timestamp with time zone, lease interval) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.renew_leases(in_hand uuid[], at timestamp with time zone, lease interval) IS 'R7.3 who has something in hand says so again; most are done before their lease is worth a write.';
CREATE FUNCTION jobs.run(job text) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.run(job text) IS 'R9.5 runs one job of meta.jobs in this transaction. Idempotent and safe to call concurrently, from servers and from pg_cron. Gives what the job reports: done, more, held, problems, and what else its comment says.';
CREATE FUNCTION jobs.seal_audit(most integer DEFAULT 1000) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.seal_audit(most integer) IS 'R9.2 gives what was appended and is committed its place in the chain, in the order of its time. What commits later gets a later place. Gives the head of the chain.';
CREATE FUNCTION jobs.seconds_to_deadline(at timestamp with time zone) RETURNS double precision
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.seconds_to_deadline(at timestamp with time zone) IS 'R6.1 how long the timer of jobs.tick() may sleep, in seconds: below 0 while a row that is due could not be handled, null when nothing is expected of anybody.';
CREATE FUNCTION jobs.seconds_to_next(at timestamp with time zone) RETURNS double precision
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.seconds_to_next(at timestamp with time zone) IS 'When the next deadline or reminder comes, in seconds; for whoever moves the clock of a rehearsal.';
CREATE FUNCTION jobs.seconds_to_reminder(at timestamp with time zone) RETURNS double precision
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.seconds_to_reminder(at timestamp with time zone) IS 'R4.1 how long the timer of jobs.send_reminders() may sleep, in seconds.';
CREATE FUNCTION jobs.send_again(delivery uuid, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.send_again(delivery uuid, at timestamp with time zone) IS 'R7.3 what a provider took and could not deliver this time is tried again after a growing wait, over the alert''s whole life: by a delivery of its own, since a failure stays on record.';
CREATE FUNCTION jobs.send_digests() RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION jobs.send_digests() IS 'R3.4 sends the daily digests that are due.';
CREATE FUNCTION jobs.send_drill_reminders(most integer DEFAULT 500) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION jobs.send_drill_reminders(most integer) IS 'R6.11 asks Members and Contacts to try whether alerts arrive.';
CREATE FUNCTION jobs.send_reminders() RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION jobs.send_reminders() IS 'R4.1 reminds the Members whose time is near. Reports seconds_to_next.';
CREATE FUNCTION jobs.send_weekly_summaries(most integer DEFAULT 200) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION jobs.send_weekly_summaries(most integer) IS 'R7.2 tells whoever is due how the week was. Reports sent.';
CREATE FUNCTION jobs.send_weekly_summary(reader uuid, at timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.send_weekly_summary(reader uuid, at timestamp with time zone) IS 'R7.2 one message about the seven days before the reader''s day of the week: once for each reader and week, whatever number of servers and tries. Nothing where nothing was expected of anybody.';
CREATE FUNCTION jobs.set_aside(job text, id uuid, reason text, at timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.set_aside(job text, id uuid, reason text, at timestamp with time zone) IS 'R9.5 remembers a row that a job could not handle, with its SQL state, until its next try. Gives what the job reports: a row that another session holds is no problem.';
CREATE FUNCTION jobs.set_held_aside(job text, ids uuid[], at timestamp with time zone) RETURNS jsonb
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.set_held_aside(job text, ids uuid[], at timestamp with time zone) IS 'R9.5 sets aside the rows that a probe of this job found held by another session.';
CREATE FUNCTION jobs.settings() RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.settings() IS 'The numbers that a server needs before it knows who asks; it reads them every few seconds.';
CREATE FUNCTION jobs.settle_accounts(ids uuid[], at timestamp with time zone) RETURNS jsonb
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.settle_accounts(ids uuid[], at timestamp with time zone) IS 'R8.2 the entitlement of these Contacts.';
CREATE FUNCTION jobs.settle_coverage(ids uuid[], at timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.settle_coverage(ids uuid[], at timestamp with time zone) IS 'R6.10, R3.5 whom a miss of these people, and of the Members whom they watch, would reach.';
CREATE FUNCTION jobs.settle_entitlements(most integer DEFAULT 500) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION jobs.settle_entitlements(most integer) IS 'R8.2 trials and paid periods that end, warnings that are due. Reports changed (accounts).';
CREATE FUNCTION jobs.some_members() RETURNS SETOF uuid
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.some_members() IS 'R9.7 up to 300 Members, others in each call: what a check of Members costs must not grow with how many there are.';
CREATE FUNCTION jobs.step_alerts(ids uuid[], at timestamp with time zone) RETURNS jsonb
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.step_alerts(ids uuid[], at timestamp with time zone) IS 'R6.3, R6.4 the step of each of these alerts.';
CREATE FUNCTION jobs.steps_ahead(alert data.alerts, starts_at timestamp with time zone, ends_at timestamp with time zone) RETURNS TABLE(told_at timestamp with time zone, round integer, kind text, whom text, has_call boolean, is_exhausting boolean, reader uuid)
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.steps_ahead(alert data.alerts, starts_at timestamp with time zone, ends_at timestamp with time zone) IS 'The steps that rules.take_step would take of an alert, by the same rounds, until then.';
CREATE FUNCTION jobs.take_fewer(job text, ids uuid[], at timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.take_fewer(job text, ids uuid[], at timestamp with time zone) IS 'R9.5 a batch was cancelled by its time-out: the next one has a twentieth of its rows. A single row that is cancelled is set aside.';
CREATE FUNCTION jobs.take_more(job text) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.take_more(job text) IS 'A batch has succeeded: the next one may be larger again.';
CREATE FUNCTION jobs.tell_check_ins() RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION jobs.tell_check_ins() IS 'R3.4 tells the Contacts who hear of every check-in.';
CREATE FUNCTION jobs.tell_digests(ids uuid[], at timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.tell_digests(ids uuid[], at timestamp with time zone) IS 'R3.4 tells these Contacts how the day of their Members was, in the Member''s evening: one message for each Contact, Member and local day. After an outage the newest that is due is enough.';
CREATE FUNCTION jobs.tell_of_check_ins(ids uuid[], at timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.tell_of_check_ins(ids uuid[], at timestamp with time zone) IS 'R3.4 tells of these check-ins, each once.';
CREATE FUNCTION jobs.tell_unreached(most integer DEFAULT 100) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION jobs.tell_unreached(most integer) IS 'R7.3 finds Contacts whom no channel reaches and tells the others. Reports unreached (Contacts) and reaches_nobody (alerts).';
CREATE FUNCTION jobs.tell_weeks(ids uuid[], at timestamp with time zone) RETURNS jsonb
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.tell_weeks(ids uuid[], at timestamp with time zone) IS 'R7.2 the weekly summaries of these readers.';
CREATE FUNCTION jobs.tick() RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION jobs.tick() IS 'R6.1, R9.5 finds the deadlines that have passed and raises their alerts, and does nothing else. Idempotent and safe to call concurrently. Reports missed, without_contact (alerts whose Member has no Contact) and seconds_to_next. enable_seqscan: a foreign key''s plan that was made while a table was small would read the whole table in the burst that makes it large.';
CREATE FUNCTION jobs.turn_off(delivery uuid, reason text, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.turn_off(delivery uuid, reason text, at timestamp with time zone) IS 'R7.6 the place of a delivery is dead: it is turned off with the reason, and nothing waits for it any more.';
CREATE TABLE data.webhook_events (
    id uuid DEFAULT data.new_id() NOT NULL,
    webhook_id uuid NOT NULL,
    notification_id uuid,
    type text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    attempts smallint DEFAULT 0 NOT NULL,
    next_attempt_at timestamp with time zone NOT NULL,
    settled_at timestamp with time zone,
    failure text,
    CONSTRAINT only_a_test_tells_of_nothing CHECK (((notification_id IS NULL) = (type = 'webhook.test'::text))),
    CONSTRAINT webhook_event_failure_is_a_code CHECK ((failure ~ '^[A-Za-z0-9_.:-]{1,80}$'::text)),
    CONSTRAINT webhook_event_is_settled_or_pending CHECK (((state = 'pending'::text) = (settled_at IS NULL))),
    CONSTRAINT webhook_event_state_is_known CHECK ((state = ANY (ARRAY['pending'::text, 'delivered'::text, 'failed'::text, 'cancelled'::text]))),
    CONSTRAINT webhook_event_type_is_a_name CHECK ((type ~ '^[a-z]+\.[a-z_]+$'::text))
);
ALTER TABLE ONLY data.webhook_events FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.webhook_events IS 'What webhooks are told: one for each notification of an alert to their owner, made in its transaction. What it says is read when it is sent, so that nothing is told of whom its reader no longer watches.';
COMMENT ON COLUMN data.webhook_events.next_attempt_at IS 'Also the lease of whoever sends it: a sender that dies leaves it to the others then.';
CREATE FUNCTION jobs.turn_webhook_off(event data.webhook_events, is_gone boolean, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.turn_webhook_off(event data.webhook_events, is_gone boolean, at timestamp with time zone) IS 'A webhook whose receiver is gone, or that did nothing but fail for [5] days, is off, and its owner is told.';
CREATE FUNCTION jobs.wait_after(reason text, tries integer) RETURNS interval
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION jobs.wait_after(reason text, tries integer) IS 'R9.5 how long a row stays set aside: half a second while another session holds it (55P03), else 2, 4, 8 … 60 seconds.';
CREATE FUNCTION jobs.waiting_deliveries(at timestamp with time zone, most integer) RETURNS TABLE(channel text, pending bigint, sending bigint, late bigint, lost bigint, oldest_due_at timestamp with time zone)
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION jobs.waiting_deliveries(at timestamp with time zone, most integer) IS 'R9.7 what waits on each channel, what of it has waited too long, what is in a hand that is gone, and since when the oldest is due.';
CREATE FUNCTION jobs.work_off(job text, task text, due uuid[], at timestamp with time zone, probe text DEFAULT NULL::text) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    SET lock_timeout TO '50ms'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $_$
declare
  fresh uuid[] := coalesce(due, '{}');
  -- A probe costs little for many rows, a try of each by itself does not.
  were_held uuid[] := array(
    select s.row_id from data.set_asides s
     where probe is not null and s.job = work_off.job and s.again_at <= at and s.reason = '55P03'
     order by s.again_at limit jobs.batch_size(work_off.job));
  again uuid[] := array(
    select s.row_id from data.set_asides s
     where s.job = work_off.job and s.again_at <= at and (s.reason <> '57014' or fresh = '{}')
       and (probe is null or s.reason <> '55P03')
     order by s.again_at limit 20);
  said jsonb := jsonb_build_object('done', 0);
begin
  if fresh <> '{}' then
    begin
      execute format('select jobs.%I($1, $2)', task) into said using fresh, at;
      said := jobs.add_up(said, jsonb_build_object('done', cardinality(fresh)));
      perform jobs.take_more(job);
    exception
      when query_canceled then
        return jobs.take_fewer(job, fresh, at);
      when lock_not_available then
        if probe is null then
          again := fresh || again;
        else
          were_held := fresh || were_held;
        end if;
      when others then
        again := fresh || again;
    end;
  end if;
  if were_held <> '{}' then
    said := jobs.add_up(said, jobs.work_off_free(job, task, probe, were_held, at));
  end if;
  if again <> '{}' then
    said := jobs.add_up(said, jobs.work_off_each(job, task, again, at));
  end if;
  return jsonb_build_object('done', 0, 'more', false, 'held', 0, 'problems', jsonb_build_array()) || said
    || jsonb_build_object('more', (said ->> 'more')::boolean is true
         or cardinality(fresh) = jobs.batch_size(job) and (said ->> 'done')::integer > 0);
end;
$_$;
COMMENT ON FUNCTION jobs.work_off(job text, task text, due uuid[], at timestamp with time zone, probe text) IS 'R9.5 does a task (a function of schema jobs: ids and the time) for the rows that are due, all at once; where that fails, without those that the probe finds held, and where that fails too or there is no probe, one by one. Then the rows whose time to be tried again has come. Rows that a job has set aside never hold up the others. due: locked by the caller; without those that are set aside. enable_seqscan: a plan made while a table was small would read the whole table in the burst that makes it large.';
CREATE FUNCTION jobs.work_off_each(job text, task text, ids uuid[], at timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    SET lock_timeout TO '5ms'
    AS $_$
declare
  one uuid;
  said jsonb;
  report jsonb := jsonb_build_object('done', 0);
begin
  foreach one in array ids loop
    if not rules.has_time_left() then
      return report || jsonb_build_object('more', true);
    end if;
    begin
      execute format('select jobs.%I($1, $2)', task) into said using array[one], at;
      delete from data.set_asides s where s.job = work_off_each.job and s.row_id = one;
      report := jobs.add_up(jobs.add_up(report, said), jsonb_build_object('done', 1));
    exception
      when query_canceled then
        -- The time-out has come and does not come again: no more in this call.
        return jobs.add_up(report, jobs.set_aside(job, one, sqlstate, at)) || jsonb_build_object('more', true);
      when others then
        report := jobs.add_up(report, jobs.set_aside(job, one, sqlstate, at));
    end;
  end loop;
  return report;
end;
$_$;
COMMENT ON FUNCTION jobs.work_off_each(job text, task text, ids uuid[], at timestamp with time zone) IS 'R9.5 a task for each row by itself: one that fails, or that another session holds, is set aside. A lock is hardly waited for: the others wait behind it.';
CREATE FUNCTION jobs.work_off_free(job text, task text, probe text, ids uuid[], at timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $_$
declare
  held uuid[];
  free uuid[];
  said jsonb;
  report jsonb;
begin
  execute format('select jobs.%I($1)', probe) into held using ids;
  report := jsonb_build_object('done', 0) || jobs.set_held_aside(job, held, at);
  free := array(select i from unnest(ids) as i where i <> all (held));
  if free = '{}' then
    return report;
  end if;
  begin
    execute format('select jobs.%I($1, $2)', task) into said using free, at;
    delete from data.set_asides s where s.job = work_off_free.job and s.row_id = any (free);
    return jobs.add_up(jobs.add_up(report, said), jsonb_build_object('done', cardinality(free)));
  exception
    when query_canceled then
      return jobs.add_up(report, jobs.take_fewer(job, free, at));
    when others then
      return jobs.add_up(report, jobs.work_off_each(job, task, free, at));
  end;
end;
$_$;
COMMENT ON FUNCTION jobs.work_off_free(job text, task text, probe text, ids uuid[], at timestamp with time zone) IS 'R9.5 sets aside the rows that are held, and does a task for all others at once. probe: a function of schema jobs that gives those of these ids that need a row which another session holds.';
CREATE FUNCTION meta.advance_clock(by interval) RETURNS timestamp with time zone
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION meta.advance_clock(by interval) IS 'Moves the clock of a database made for rehearsals; only the owner may. A production database refuses by a constraint (R9.6).';
CREATE FUNCTION rules.account_of(kind text, lookup bytea) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.account_of(kind text, lookup bytea) IS 'Whose address this is, for the audit trail; null for nobody''s. Asked for every address, known or not: it takes the same time.';
CREATE FUNCTION rules.account_of_any(kind text, lookups bytea[]) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.account_of_any(kind text, lookups bytea[]) IS 'R9.3 the same by the lookups of one address under several keys.';
CREATE FUNCTION rules.act_on_alert(alert uuid, action text, arrives_at timestamp with time zone, outcome text, note text) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.act_on_alert(alert uuid, action text, arrives_at timestamp with time zone, outcome text, note text) IS 'R6.4, R6.5 what a Contact does about an alert; a trigger on data.alert_actions draws the consequences.';
CREATE TABLE data.addresses (
    id uuid DEFAULT data.new_id() NOT NULL,
    user_id uuid NOT NULL,
    kind text NOT NULL,
    lookup bytea NOT NULL,
    sealed bytea NOT NULL,
    verified_at timestamp with time zone,
    off_at timestamp with time zone,
    off_reason text,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT address_kind_is_known CHECK ((kind = ANY (ARRAY['email'::text, 'phone'::text]))),
    CONSTRAINT address_off_has_a_reason CHECK (((off_at IS NULL) = (off_reason IS NULL))),
    CONSTRAINT address_off_reason_is_known CHECK ((off_reason = ANY (ARRAY['bounced'::text, 'complained'::text, 'invalid'::text, 'landline'::text, 'stopped'::text])))
);
ALTER TABLE ONLY data.addresses FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.addresses IS 'E-mail addresses and phone numbers: sealed is ciphertext, lookup its keyed hash (R9.3); a verified one belongs to one user.';
CREATE FUNCTION rules.address_shape(a data.addresses) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.address_shape(a data.addresses) IS 'An address of the caller; the server opens what is sealed.';
CREATE FUNCTION rules.alarm_facts(member uuid, whom text, time_zone text) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.alarm_facts(member uuid, whom text, time_zone text) IS 'R6.7 what the texts of every alarm say: who, when last heard of, when their phone was last alive (R4.12), who else is told, and (R3.5) who will be if it escalates.';
CREATE FUNCTION rules.alarmed_by(alert data.alerts) RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.alarmed_by(alert data.alerts) IS 'R6.5 everybody but the Member whom a message of this alert may have reached.';
CREATE FUNCTION rules.alert_of_link(delivery uuid) RETURNS uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.alert_of_link(delivery uuid) IS 'R6.6 the alert that a message to the caller was about, while its link works; security definer: deliveries are not open to users. Whether they still see the alert, its policies say.';
CREATE FUNCTION rules.alert_page(a data.alerts) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.alert_page(a data.alerts) IS 'R6.6, R6.7 what the page of an alert shows to the Contact who asks; R4.8 where its Member was last, while it is open; that there is a welfare card, but nothing of it.';
CREATE FUNCTION rules.alert_shape(a data.alerts) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.alert_shape(a data.alerts) IS 'An alert as the Member and the Contacts see it.';
CREATE FUNCTION rules.alert_zone(alert data.alerts) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.alert_zone(alert data.alerts) IS 'Whose nine o''clock an alert''s texts speak of.';
CREATE FUNCTION rules.answer_alert(person uuid, alert uuid, action text) RETURNS text
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.answer_alert(person uuid, alert uuid, action text) IS 'R6.6 a Contact acts on an alert without the app: what the app would write, and in a word what came of it.';
CREATE TABLE data.notifications (
    id uuid DEFAULT data.new_id() NOT NULL,
    user_id uuid,
    kind text NOT NULL,
    cause text NOT NULL,
    alert_id uuid,
    facts jsonb DEFAULT '{}'::jsonb NOT NULL,
    address_kind text,
    address_lookup bytea,
    address_sealed bytea,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    read_at timestamp with time zone,
    hidden_at timestamp with time zone,
    member_id uuid,
    has_call boolean DEFAULT false NOT NULL,
    language text,
    CONSTRAINT notification_language_is_known CHECK ((language = ANY (ARRAY['en'::text, 'es'::text]))),
    CONSTRAINT only_strangers_are_told_in_a_language_of_the_message CHECK (((user_id IS NULL) OR (language IS NULL))),
    CONSTRAINT only_what_concerns_an_address_goes_to_strangers CHECK (((user_id IS NOT NULL) OR (kind = ANY (ARRAY['one_time_code'::text, 'invitation'::text, 'address_changed'::text])))),
    CONSTRAINT stranger_address_is_whole CHECK ((num_nonnulls(address_kind, address_lookup, address_sealed) =
CASE
    WHEN (user_id IS NULL) THEN 3
    ELSE 0
END)),
    CONSTRAINT stranger_address_kind_is_known CHECK ((address_kind = ANY (ARRAY['email'::text, 'phone'::text])))
);
ALTER TABLE ONLY data.notifications FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.notifications IS 'R7.1 what a person is told. user_id is null where the address may have no account; it is then in the row. After expires_at it is not sent any more. cause names the event: with user and kind it is unique (R7.5).';
COMMENT ON COLUMN data.notifications.member_id IS 'R3.4 whose day it tells of: a Contact may have muted what is not critical of it.';
COMMENT ON COLUMN data.notifications.has_call IS 'R6.3 its reader is called, too.';
COMMENT ON COLUMN data.notifications.language IS 'R7.7 of a message to an address without its account: others read the language of theirs.';
CREATE FUNCTION rules.answer_reminder(reminder data.notifications, key text) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.answer_reminder(reminder data.notifications, key text) IS 'R4.8 a key on the call that asks a Member: 1 is a check-in for what the call asked, and for nothing later.';
CREATE FUNCTION rules.answer_text(person uuid, word text) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.answer_text(person uuid, word text) IS 'R4.8 "OK" of a Member is a check-in, also when somebody whom they watch has an alert; R6.6 of a Contact with one open alert "1" acknowledges, "2" asks for more help and "3" ends it. Anything else does nothing.';
CREATE TABLE data.obligations (
    id uuid DEFAULT data.new_id() NOT NULL,
    member_id uuid NOT NULL,
    schedule_id uuid NOT NULL,
    local_on date NOT NULL,
    local_time time without time zone NOT NULL,
    time_zone text NOT NULL,
    opens_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    alert_at timestamp with time zone NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    closed_at timestamp with time zone,
    remind_at timestamp with time zone,
    postponed_minutes smallint,
    CONSTRAINT closed_obligation_reminds_nobody CHECK (((state = 'open'::text) OR (remind_at IS NULL))),
    CONSTRAINT obligation_closed_is_whole CHECK (((state = 'open'::text) = (closed_at IS NULL))),
    CONSTRAINT obligation_state_is_known CHECK ((state = ANY (ARRAY['open'::text, 'met'::text, 'met_late'::text, 'missed'::text, 'excused'::text]))),
    CONSTRAINT obligation_times_are_in_order CHECK (((opens_at <= due_at) AND (due_at <= alert_at))),
    CONSTRAINT postponed_by_30_60_or_120_minutes CHECK ((postponed_minutes = ANY (ARRAY[30, 60, 120])))
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000', autovacuum_analyze_scale_factor='0.02');
ALTER TABLE ONLY data.obligations FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.obligations IS 'R4.2 each expected check-in. The zone is part of the slot: whoever flies west meets the same date and time twice (docs/decisions/0003).';
COMMENT ON COLUMN data.obligations.postponed_minutes IS 'R4.10 by how much due_at and alert_at were moved; local_on and local_time stay those of the schedule.';
CREATE TABLE data.schedules (
    id uuid DEFAULT data.new_id() NOT NULL,
    member_id uuid NOT NULL,
    local_times time without time zone[] NOT NULL,
    time_zone text NOT NULL,
    weekdays smallint[] DEFAULT '{1,2,3,4,5,6,7}'::smallint[] NOT NULL,
    grace_minutes smallint NOT NULL,
    reminders text[] DEFAULT '{before,at_time,half_grace}'::text[] NOT NULL,
    created_at timestamp with time zone NOT NULL,
    superseded_at timestamp with time zone,
    CONSTRAINT grace_is_0_to_240_minutes CHECK (((grace_minutes >= 0) AND (grace_minutes <= 240))),
    CONSTRAINT schedule_has_one_to_four_times CHECK ((((cardinality(local_times) >= 1) AND (cardinality(local_times) <= 4)) AND (array_position(local_times, NULL::time without time zone) IS NULL))),
    CONSTRAINT schedule_reminders_are_known CHECK ((reminders <@ '{before,at_time,half_grace}'::text[])),
    CONSTRAINT schedule_times_are_whole_minutes CHECK (((array_to_string(local_times, ','::text) ~ '^([0-2][0-9]:[0-5][0-9]:00,?)+$'::text) AND (NOT ('24:00:00'::time without time zone = ANY (local_times))))),
    CONSTRAINT schedule_weekdays_are_iso CHECK ((((cardinality(weekdays) >= 1) AND (cardinality(weekdays) <= 7)) AND (weekdays <@ '{1,2,3,4,5,6,7}'::smallint[])))
);
ALTER TABLE ONLY data.schedules FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.schedules IS 'R4.1 each row is a version and never changes; the obligations made from it point to it (R4.2). Weekdays are ISO: 1 is Monday.';
CREATE FUNCTION rules.applies_from(schedule data.schedules, expected data.obligations) RETURNS date
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.applies_from(schedule data.schedules, expected data.obligations) IS 'R4.7 from which local date a schedule counts: the open obligation''s, if it was made from it, else that of the one after it; none while an open-ended break lies ahead.';
CREATE FUNCTION rules.apply_subscription(found_one jsonb, at timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.apply_subscription(found_one jsonb, at timestamp with time zone) IS 'R8.4 a subscription as Stripe had it when it was asked, at this time: what is older than what is known changes nothing. A trigger draws the consequences. security definer: nobody may write it. Of customers who are none of ours nothing is kept.';
CREATE FUNCTION rules.ask_owner(alert data.alerts, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.ask_owner(alert data.alerts, at timestamp with time zone) IS 'R6.4 whoever has had an alert for [60] minutes is asked how it stands; [15] minutes later it goes on.';
CREATE FUNCTION rules.asked_by(n data.notifications) RETURNS uuid
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.asked_by(n data.notifications) IS 'R4.8 the obligation that a reminder asks for; null for anything else.';
CREATE FUNCTION rules.asked_last(person uuid, at timestamp with time zone) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.asked_last(person uuid, at timestamp with time zone) IS 'R4.8 what a text without a word of its date answers: what was asked or missed last, if nothing was heard since. A carrier may bring yesterday''s text today: it must not close today. Null: nothing waits for an answer, so it is a tap of this moment.';
CREATE FUNCTION rules.attempt_results(results jsonb) RETURNS TABLE(id uuid, attempt smallint, result text, detail text, took_ms integer, provider text, provider_message_id text, retry_after_seconds double precision, turns_off text, tries jsonb)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO ''
    AS $_$
  select r.id, r.attempt, r.result,
         case when r.detail ~ '^[A-Za-z0-9_.:-]{1,80}$' then r.detail when r.detail is not null or r.result = 'permanent' then 'not-a-code' end,
         r.took_ms, r.provider, r.provider_message_id, r.retry_after_seconds, r.turns_off, r.tries
    from jsonb_to_recordset(results) as r (
    id uuid, attempt smallint, result text, detail text, took_ms integer, provider text, provider_message_id text,
    retry_after_seconds double precision, turns_off text, tries jsonb)
$_$;
COMMENT ON FUNCTION rules.attempt_results(results jsonb) IS 'The columns of what a sender reports of its attempts. tries: the same of each provider, where one attempt went by several (R7.3).';
CREATE TABLE data.pins (
    user_id uuid NOT NULL,
    hash text NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    failed_tries smallint DEFAULT 0 NOT NULL,
    failed_since_success smallint DEFAULT 0 NOT NULL,
    locked_until timestamp with time zone,
    CONSTRAINT pin_hash_is_argon2id CHECK ((hash ~~ '$argon2id$%'::text))
);
ALTER TABLE ONLY data.pins FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.pins IS 'R2.2 Argon2id with a pepper that is not in the database; R2.3 the counters of wrong tries.';
CREATE FUNCTION rules.attempt_shape(pin data.pins, at timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.attempt_shape(pin data.pins, at timestamp with time zone) IS 'R2.3 what the server compares a PIN with, and what it says if that is wrong: the try is counted already.';
CREATE FUNCTION rules.attestations_of(obligation uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.attestations_of(obligation uuid) IS 'R4.9 whose word there is about a check-in, by name: security definer, since Contacts cannot see each other''s rows.';
CREATE FUNCTION rules.attested_obligation(member uuid, at timestamp with time zone) RETURNS data.obligations
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.attested_obligation(member uuid, at timestamp with time zone) IS 'R4.9 what a Contact''s word is about now: a miss of today with its alert, else the check-in that is awaited, else what was closed today; null on other days and on a break.';
CREATE FUNCTION rules.backoff(attempts integer) RETURNS interval
    LANGUAGE plpgsql PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.backoff(attempts integer) IS 'R7.3 how long to wait after the n-th attempt: 2, 4, 8 … 60 seconds, half to one and a half times that.';
CREATE FUNCTION rules.begin_to_watch(person uuid, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.begin_to_watch(person uuid, at timestamp with time zone) IS 'R1.2 the trial of a Contact begins with the first Member they watch, once.';
CREATE TABLE data.blocks (
    id uuid DEFAULT data.new_id() NOT NULL,
    blocker_id uuid NOT NULL,
    blocked_id uuid NOT NULL,
    blocked_at timestamp with time zone NOT NULL,
    unblocked_at timestamp with time zone,
    CONSTRAINT nobody_blocks_themselves CHECK ((blocker_id <> blocked_id))
);
ALTER TABLE ONLY data.blocks FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.blocks IS 'R3.3 who wants nothing to do with whom. A block that was lifted stays: invitations that are older than it stay dead.';
CREATE FUNCTION rules.block_shape(b data.blocks) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.block_shape(b data.blocks) IS 'R3.3 a block as the one who made it sees it.';
CREATE FUNCTION rules.blocked_user_ids() RETURNS SETOF uuid
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.blocked_user_ids() IS 'R3.3 whom the caller has blocked.';
CREATE TABLE data.breaks (
    id uuid DEFAULT data.new_id() NOT NULL,
    member_id uuid NOT NULL,
    first_on date NOT NULL,
    last_on date,
    confirmed_on date,
    created_at timestamp with time zone NOT NULL,
    begins_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    followed_until timestamp with time zone NOT NULL,
    next_step_at timestamp with time zone NOT NULL,
    CONSTRAINT break_begins_before_2200 CHECK ((first_on < '2200-01-01'::date)),
    CONSTRAINT break_ends_after_it_begins CHECK ((last_on >= first_on)),
    CONSTRAINT break_ends_before_2200 CHECK ((last_on < '2200-01-01'::date))
);
ALTER TABLE ONLY data.breaks FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.breaks IS 'R5.1 local dates of the Member, both included; open-ended ("paused") without last_on. The dates alone decide what is expected. confirmed_on is the last date to which a long break was confirmed (R5.2); the instants follow the Member''s zone and say when it shows as running; what is before followed_until has been entered and told, and the next of it is at next_step_at.';
CREATE FUNCTION rules.break_moments(pause data.breaks, time_zone text, after timestamp with time zone) RETURNS TABLE(kind text, falls_at timestamp with time zone)
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.break_moments(pause data.breaks, time_zone text, after timestamp with time zone) IS 'R5.3 what is next to be told of a break after an instant, and when.';
CREATE FUNCTION rules.break_shape(pause data.breaks, at timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.break_shape(pause data.breaks, at timestamp with time zone) IS 'A break as the API shows it.';
CREATE FUNCTION rules.caller_ip() RETURNS inet
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.caller_ip() IS 'The address of the client, for sessions and the audit trail.';
CREATE FUNCTION rules.caller_language() RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.caller_language() IS 'R7.7 which of our languages the Accept-Language of the request likes best; null where it names none.';
CREATE FUNCTION rules.caller_network() RETURNS inet
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.caller_network() IS 'What one customer of a provider has: the IPv4 address, or the /64 of an IPv6 address. Callers whose address is not known count as one.';
CREATE FUNCTION rules.channels_of(reader uuid, has_call boolean) RETURNS text[]
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.channels_of(reader uuid, has_call boolean) IS 'R6.9 over which channels a critical message would go to somebody: one entry for each place.';
CREATE TABLE data.one_time_codes (
    id uuid NOT NULL,
    kind text NOT NULL,
    lookup bytea NOT NULL,
    sealed bytea NOT NULL,
    code_hash bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    tries_left smallint NOT NULL,
    ticket_hash bytea,
    ticket_expires_at timestamp with time zone,
    ticket_used_at timestamp with time zone,
    CONSTRAINT code_address_kind_is_known CHECK ((kind = ANY (ARRAY['email'::text, 'phone'::text]))),
    CONSTRAINT code_tries_never_go_below_none CHECK ((tries_left >= 0)),
    CONSTRAINT ticket_is_whole CHECK (((ticket_hash IS NULL) = (ticket_expires_at IS NULL)))
);
ALTER TABLE ONLY data.one_time_codes FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.one_time_codes IS 'R2.1 a code to an address, as its hash; once verified, the ticket that proves it.';
CREATE FUNCTION rules.check_code(kind text, lookup bytea, code_hashes bytea[], at timestamp with time zone, OUT code data.one_time_codes, OUT refusal jsonb) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.check_code(kind text, lookup bytea, code_hashes bytea[], at timestamp with time zone, OUT code data.one_time_codes, OUT refusal jsonb) IS 'R2.1 the newest code of an address against what was typed; a wrong try is counted and the count is kept.';
CREATE FUNCTION rules.check_in_by_link(delivery uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.check_in_by_link(delivery uuid) IS 'R4.8 the button of the page that a reminder links to: pressed twice it is one check-in. security definer: how a check-in came is not the user''s to say.';
CREATE FUNCTION rules.check_in_of_link(delivery uuid) RETURNS data.obligations
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.check_in_of_link(delivery uuid) IS 'R4.8 the obligation that a reminder to the caller asked for, while an answer to it does something, and to the end of its day; security definer: deliveries are not open to users.';
CREATE FUNCTION rules.check_in_page(o data.obligations) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.check_in_page(o data.obligations) IS 'R4.8 what the page that a reminder links to shows to its Member.';
CREATE TABLE data.check_ins (
    id uuid DEFAULT data.new_id() NOT NULL,
    member_id uuid NOT NULL,
    received_at timestamp with time zone NOT NULL,
    method text DEFAULT 'app'::text NOT NULL,
    device_time timestamp with time zone,
    time_zone text,
    note text,
    mood text,
    obligation_id uuid,
    CONSTRAINT check_in_method_is_known CHECK ((method = ANY (ARRAY['app'::text, 'sms'::text, 'link'::text, 'call'::text, 'device'::text]))),
    CONSTRAINT mood_is_known CHECK ((mood = ANY (ARRAY['good'::text, 'okay'::text, 'bad'::text]))),
    CONSTRAINT note_is_1_to_500_characters CHECK (((length(note) >= 1) AND (length(note) <= 500)))
);
ALTER TABLE ONLY data.check_ins FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.check_ins IS 'Every tap (R4.4), as it came; received_at is the server''s clock and alone decides (R4.5).';
COMMENT ON COLUMN data.check_ins.obligation_id IS 'R4.8 whoever answers a message answers what it asked: it meets that obligation, or makes up for it or for one before it, and never a later one. Null: a tap of this moment.';
CREATE FUNCTION rules.check_in_shape(c data.check_ins) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.check_in_shape(c data.check_ins) IS 'A check-in and what it met.';
CREATE FUNCTION rules.check_reach(alert_id uuid, at timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.check_reach(alert_id uuid, at timestamp with time zone) IS 'R7.3 looks whom an alert that is not over does not reach, and tells the others. security definer: the worker may not touch an alert.';
CREATE FUNCTION rules.claim_comparisons(most integer) RETURNS SETOF text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.claim_comparisons(most integer) IS 'R8.4 customers whose subscriptions were not compared with Stripe for a day: in batches, whenever; nothing hangs on one run at its minute. security definer: the worker may not read who pays.';
CREATE FUNCTION rules.claim_stripe_work(most integer) RETURNS SETOF jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.claim_stripe_work(most integer) IS 'R8.4, R1.2 events to be applied and orders to be carried out, each by one server; what failed comes again, more and more rarely.';
CREATE FUNCTION rules.clock() RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.clock() IS 'R9.6 what time it is: the start of the transaction, plus what a rehearsal is ahead. Nothing else reads a clock.';
CREATE FUNCTION rules.compare_customer(customer text, found_ones jsonb, at timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.compare_customer(customer text, found_ones jsonb, at timestamp with time zone) IS 'R8.4 mends what differs from the subscriptions that Stripe has of a customer, and says which; and which Stripe does not know. security definer: nobody may write them.';
CREATE TABLE data.connections (
    id uuid DEFAULT data.new_id() NOT NULL,
    member_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    invitation_id uuid,
    tier text DEFAULT 'primary'::text NOT NULL,
    connected_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    ended_by uuid,
    may_return boolean DEFAULT false NOT NULL,
    CONSTRAINT nobody_watches_themselves CHECK ((member_id <> contact_id)),
    CONSTRAINT tier_is_known CHECK ((tier = ANY (ARRAY['primary'::text, 'backup'::text])))
);
ALTER TABLE ONLY data.connections FORCE ROW LEVEL SECURITY;
COMMENT ON COLUMN data.connections.may_return IS 'R2.6 it ended with the account of one side, and comes back with it.';
CREATE TABLE data.invitations (
    id uuid NOT NULL,
    inviter_id uuid NOT NULL,
    invitee_becomes text NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    lookup bytea NOT NULL,
    sealed bytea NOT NULL,
    code_hash bytea NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    accepted_by uuid,
    accepted_at timestamp with time zone,
    revoked_at timestamp with time zone,
    token_hash bytea,
    sent_at timestamp with time zone NOT NULL,
    CONSTRAINT invitation_accepted_is_whole CHECK (((state = 'accepted'::text) = (accepted_at IS NOT NULL))),
    CONSTRAINT invitation_address_kind_is_known CHECK ((kind = ANY (ARRAY['email'::text, 'phone'::text]))),
    CONSTRAINT invitation_revoked_is_whole CHECK (((state = 'revoked'::text) = (revoked_at IS NOT NULL))),
    CONSTRAINT invitation_state_is_known CHECK ((state = ANY (ARRAY['pending'::text, 'accepted'::text, 'revoked'::text]))),
    CONSTRAINT invitee_name_is_1_to_80_characters CHECK ((((length(name) >= 1) AND (length(name) <= 80)) AND (name = btrim(name)))),
    CONSTRAINT invitee_role_is_known CHECK ((invitee_becomes = ANY (ARRAY['member'::text, 'contact'::text])))
);
ALTER TABLE ONLY data.invitations FORCE ROW LEVEL SECURITY;
COMMENT ON COLUMN data.invitations.token_hash IS 'R3.1 hash of the link''s token; null for an invitation from before there were links, which has its code only.';
COMMENT ON COLUMN data.invitations.sent_at IS 'R3.1 when its message was last written.';
CREATE FUNCTION rules.connect(invitation data.invitations, invitee uuid, at timestamp with time zone) RETURNS data.connections
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.connect(invitation data.invitations, invitee uuid, at timestamp with time zone) IS 'R3.1, R1.3 makes a connection, within the limits, and tells both; null where a block stands between them (R3.3).';
CREATE FUNCTION rules.connect_again(ended data.connections, at timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.connect_again(ended data.connections, at timestamp with time zone) IS 'R2.6, R1.3 one that ended with an account is as it was, if the limits leave room for it; it was made by the act of both.';
CREATE FUNCTION rules.contact_shape(c data.connections) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.contact_shape(c data.connections) IS 'R3.5 a Contact as the Member sees them.';
CREATE FUNCTION rules.contacts_beside(connection data.connections) RETURNS integer
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.contacts_beside(connection data.connections) IS 'R3.3 how many Contacts a Member has beside this one: with none left, they must hear of it.';
CREATE FUNCTION rules.count_by_ip(what text, at timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.count_by_ip(what text, at timestamp with time zone) IS 'R2.1, R2.3 counts one more before it is done, for the caller''s network and on all servers; over the hour''s number it gives the refusal, which keeps the count. The trail has it once an hour.';
CREATE FUNCTION rules.count_sign_in(pin data.pins, at timestamp with time zone) RETURNS data.pins
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.count_sign_in(pin data.pins, at timestamp with time zone) IS 'R2.3 the counters after one more try, as if it were a wrong one.';
CREATE FUNCTION rules.coverage_gap(member uuid) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.coverage_gap(member uuid) IS 'R6.10 why a miss right now would reach nobody: null when at least one entitled Contact has at least two working channels.';
CREATE TABLE data.coverage (
    member_id uuid NOT NULL,
    is_covered boolean NOT NULL,
    since_at timestamp with time zone NOT NULL,
    reason text,
    told_at timestamp with time zone,
    CONSTRAINT coverage_reason_is_known CHECK ((reason = ANY (ARRAY['no_contact'::text, 'no_entitled_contact'::text, 'too_few_channels'::text]))),
    CONSTRAINT only_a_loss_was_told CHECK (((NOT is_covered) OR (told_at IS NULL))),
    CONSTRAINT whoever_is_not_covered_has_a_reason CHECK ((is_covered = (reason IS NULL)))
);
ALTER TABLE ONLY data.coverage FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.coverage IS 'R6.10 whether a miss right now would reach anybody, since when it is so, and why not. told_at: when the loss was told; null for whoever never was covered.';
CREATE FUNCTION rules.coverage_shape(v data.coverage) RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.coverage_shape(v data.coverage) IS 'R6.10 as Contacts see it.';
CREATE FUNCTION rules.current_session_id() RETURNS uuid
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.current_session_id() IS 'The session of the verified access token.';
CREATE FUNCTION rules.current_user_id() RETURNS uuid
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.current_user_id() IS 'Who asks: the user of the verified access token, null for nobody.';
CREATE FUNCTION rules.day_shape(member uuid, at timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.day_shape(member uuid, at timestamp with time zone) IS 'How a Member''s day stands. Before next.opens_at nothing is asked: checked_in when they were heard of today or have met today''s, missed when they were not and the alert is over, attested when a Contact has said so since (R4.9), on_break while one runs (R5.1), not_yet_due on a day off and before the first time.';
CREATE FUNCTION rules.days_of_warning(entitlement text) RETURNS integer[]
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.days_of_warning(entitlement text) IS 'R8.2, R8.3 how many days before the end its user is told: of [7] days of grace on days 1, 3 and 6, which begin 7, 5 and 2 days before it.';
CREATE FUNCTION rules.delivery_may_become(before text, after text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.delivery_may_become(before text, after text) IS 'R7.1 a delivery''s state only moves up; sending and pending take turns while it is tried. What reached somebody after it was given up did reach them, and what came back after it was delivered did not.';
CREATE TABLE data.devices (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    platform text NOT NULL,
    push_token text NOT NULL,
    registered_at timestamp with time zone NOT NULL,
    off_at timestamp with time zone,
    off_reason text,
    seen_at timestamp with time zone,
    battery_percent smallint,
    may_push boolean DEFAULT true NOT NULL,
    public_key bytea,
    CONSTRAINT battery_is_0_to_100_percent CHECK (((battery_percent >= 0) AND (battery_percent <= 100))),
    CONSTRAINT battery_is_of_a_moment CHECK (((battery_percent IS NULL) OR (seen_at IS NOT NULL))),
    CONSTRAINT device_off_has_a_reason CHECK (((off_at IS NULL) = (off_reason IS NULL))),
    CONSTRAINT device_off_reason_is_known CHECK ((off_reason = 'unregistered'::text)),
    CONSTRAINT device_platform_is_known CHECK ((platform = ANY (ARRAY['android'::text, 'ios'::text]))),
    CONSTRAINT public_key_is_an_uncompressed_point CHECK (((octet_length(public_key) = 65) AND (get_byte(public_key, 0) = 4))),
    CONSTRAINT push_token_is_1_to_4096_characters CHECK (((length(push_token) >= 1) AND (length(push_token) <= 4096)))
);
ALTER TABLE ONLY data.devices FORCE ROW LEVEL SECURITY;
COMMENT ON COLUMN data.devices.seen_at IS 'R4.12 when it last said that it is alive. battery_percent: as it was then, null when it did not say.';
COMMENT ON COLUMN data.devices.may_push IS 'R4.12 whether its user lets it show pushes, as far as it has said. What is sent to it goes there all the same; it covers nobody (R6.10).';
COMMENT ON COLUMN data.devices.public_key IS 'R4.11 of ECDSA on P-256, as an uncompressed point (SEC 1, 2.3.3): what this device signs its check-ins with.';
CREATE FUNCTION rules.device_shape(d data.devices) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.device_shape(d data.devices) IS 'A device as its owner sees it.';
CREATE FUNCTION rules.digest_facts(member uuid, day date, zone text) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.digest_facts(member uuid, day date, zone text) IS 'R3.4 what a Member''s day was: each time that counted, its state, and when they checked in; no time on a day off.';
CREATE FUNCTION rules.drill_reader_shape(n data.notifications) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.drill_reader_shape(n data.notifications) IS 'R6.11 what became of a drill at one of those it went to. Confirmed: it was opened, which is all that can be done about it.';
CREATE FUNCTION rules.drill_readers(person uuid, goes_to text) RETURNS uuid[]
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.drill_readers(person uuid, goes_to text) IS 'R6.11 to whom a drill goes: all Contacts of a Member, or the Contact who asks.';
CREATE FUNCTION rules.due_accounts(at timestamp with time zone, most integer) RETURNS uuid[]
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.due_accounts(at timestamp with time zone, most integer) IS 'R8.2 whose entitlement is to be looked at. security definer: accounts are not the worker''s.';
CREATE FUNCTION rules.due_alert_steps(at timestamp with time zone, most integer) RETURNS uuid[]
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.due_alert_steps(at timestamp with time zone, most integer) IS 'R6.3 the alerts whose next step is due, locked: those that nobody else holds. security definer: the worker may not lock an alert.';
CREATE FUNCTION rules.due_reach_checks(at timestamp with time zone, most integer) RETURNS uuid[]
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.due_reach_checks(at timestamp with time zone, most integer) IS 'R7.3 the alerts whose reach is to be checked, locked. security definer: the worker may not lock an alert.';
CREATE FUNCTION rules.end_connection(member uuid, contact uuid) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.end_connection(member uuid, contact uuid) IS 'R3.3 ends the caller''s connection, from whichever side.';
CREATE FUNCTION rules.end_doubles(customer text, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.end_doubles(customer text, at timestamp with time zone) IS 'R8.5 of two subscriptions that go on, the first that is paid stays: what is newer is cancelled and given back, and what is older and unpaid is cancelled.';
CREATE FUNCTION rules.end_sessions(person uuid, but_not uuid, why text, at timestamp with time zone) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.end_sessions(person uuid, but_not uuid, why text, at timestamp with time zone) IS 'R2.5 ends every session of somebody, but for one that may stay; gives how many.';
CREATE FUNCTION rules.end_staff_role(person uuid, by uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.end_staff_role(person uuid, by uuid) IS 'R1.4 whoever is removed has nothing of staff any more, from their next request on. The last administrator stays.';
CREATE FUNCTION rules.entitlement(person uuid, at timestamp with time zone) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.entitlement(person uuid, at timestamp with time zone) IS 'R8.2 what a Contact is entitled to: the one place that reckons it. rules.settle_entitlement keeps the outcome in billing.accounts, with all that follows from it.';
CREATE FUNCTION rules.entitlement_ends_at(person uuid, at timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.entitlement_ends_at(person uuid, at timestamp with time zone) IS 'R8.2 when a Contact will be frozen if nothing happens until then; null when never, or already.';
CREATE FUNCTION rules.erase_account(person uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.erase_account(person uuid) IS 'R2.6 nothing is left of a person but ids in the trail.';
CREATE FUNCTION rules.erase_bulk(person uuid, most integer) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.erase_bulk(person uuid, most integer) IS 'R2.6, R9.5 erases what there is much of after years, some at a time: an erasure as a whole would outlast its time-out. True when nothing of it is left.';
CREATE FUNCTION rules.erase_name(person uuid, lookups bytea[], readers uuid[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.erase_name(person uuid, lookups bytea[], readers uuid[]) IS 'R2.6 takes a name, and words that its owner wrote, out of what others were told.';
CREATE FUNCTION rules.etag(shape jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.etag(shape jsonb) IS 'The version of a shape: what src/db makes of the answer that a GET gave.';
CREATE FUNCTION rules.event_before(cursor text, OUT at timestamp with time zone, OUT id bigint) RETURNS record
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.event_before(cursor text, OUT at timestamp with time zone, OUT id bigint) IS 'Where a page of the trail goes on: the id that rules.event_shape gave to its last row.';
CREATE FUNCTION rules.event_shape(e audit.events, reader uuid DEFAULT NULL::uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.event_shape(e audit.events, reader uuid) IS 'R9.2 a row of the trail; for a user as its reader, from where others acted is left out.';
CREATE FUNCTION rules.excuse_attested(expected data.obligations, contact uuid, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.excuse_attested(expected data.obligations, contact uuid, at timestamp with time zone) IS 'R4.9 the awaited check-in is asked for no more, and the Member is told on whose word.';
CREATE FUNCTION rules.excuse_what_has_passed(pause data.breaks, schedule data.schedules, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.excuse_what_has_passed(pause data.breaks, schedule data.schedules, at timestamp with time zone) IS 'R5.1, R4.13 the history shows what a break has excused. Only what has passed, since until then the break may end; nothing hangs on it.';
CREATE FUNCTION rules.export_access(person uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.export_access(person uuid) IS 'R2.6 how somebody signs in, from where, and with what.';
CREATE FUNCTION rules.export_alert_actions(person uuid, place text, size integer) RETURNS TABLE(after text, item jsonb)
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.export_alert_actions(person uuid, place text, size integer) IS 'R2.6 a page of what somebody did about alerts.';
CREATE FUNCTION rules.export_alerts(person uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.export_alerts(person uuid) IS 'R2.6 the calls for help of somebody, how their alerts escalate, and the alerts of others that they have or had.';
CREATE FUNCTION rules.export_attestations(person uuid, place text, size integer) RETURNS TABLE(after text, item jsonb)
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.export_attestations(person uuid, place text, size integer) IS 'R2.6 a page of what Contacts said about somebody, and somebody about others.';
CREATE FUNCTION rules.export_billing(person uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.export_billing(person uuid) IS 'R2.6 what somebody is entitled to and pays for.';
CREATE FUNCTION rules.export_check_ins(person uuid, place text, size integer) RETURNS TABLE(after text, item jsonb)
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.export_check_ins(person uuid, place text, size integer) IS 'R2.6 a page of somebody''s taps, each with what it met.';
CREATE FUNCTION rules.export_days(person uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.export_days(person uuid) IS 'R2.6 a Member''s schedules and breaks.';
CREATE FUNCTION rules.export_messages(person uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.export_messages(person uuid) IS 'R2.6 what somebody chose about messages.';
CREATE FUNCTION rules.export_notifications(person uuid, place text, size integer) RETURNS TABLE(after text, item jsonb)
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.export_notifications(person uuid, place text, size integer) IS 'R2.6 a page of what somebody was told, and how it reached them.';
CREATE FUNCTION rules.export_obligations(person uuid, place text, size integer) RETURNS TABLE(after text, item jsonb)
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.export_obligations(person uuid, place text, size integer) IS 'R2.6 a page of the check-ins that were expected of somebody.';
CREATE FUNCTION rules.export_own_alerts(person uuid, place text, size integer) RETURNS TABLE(after text, item jsonb)
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.export_own_alerts(person uuid, place text, size integer) IS 'R2.6 a page of the alerts about somebody.';
CREATE FUNCTION rules.export_people(person uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.export_people(person uuid) IS 'R2.6 who somebody is or was connected with, their invitations, and what they keep about others and for others.';
CREATE FUNCTION rules.export_positions(person uuid, place text, size integer) RETURNS TABLE(after text, item jsonb)
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.export_positions(person uuid, place text, size integer) IS 'R2.6 a page of the positions that are not erased yet; the server opens them.';
CREATE FUNCTION rules.export_rows(part text, person uuid, place text, size integer) RETURNS TABLE(after text, item jsonb)
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.export_rows(part text, person uuid, place text, size integer) IS 'R2.6 a page of one of the long parts of an export, each row with the place where it ends.';
CREATE FUNCTION rules.export_sessions(person uuid, place text, size integer) RETURNS TABLE(after text, item jsonb)
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.export_sessions(person uuid, place text, size integer) IS 'R2.6 a page of where somebody is and was signed in.';
CREATE FUNCTION rules.export_trail(person uuid, place text, size integer) RETURNS TABLE(after text, item jsonb)
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.export_trail(person uuid, place text, size integer) IS 'R2.6 a page of what somebody did and what was done about them.';
CREATE FUNCTION rules.export_welfare_card_looks(person uuid, place text, size integer) RETURNS TABLE(after text, item jsonb)
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.export_welfare_card_looks(person uuid, place text, size integer) IS 'R2.6 a page of who looked at somebody''s card, and at whose they looked.';
CREATE FUNCTION rules.find_invitation(person uuid, code_hashes bytea[], token_hash bytea, at timestamp with time zone) RETURNS data.invitations
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.find_invitation(person uuid, code_hashes bytea[], token_hash bytea, at timestamp with time zone) IS 'R3.1 the invitation that somebody may accept, or has accepted, by its code or its token.';
CREATE FUNCTION rules.find_subscription(must_run boolean) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.find_subscription(must_run boolean) IS 'R8.1 whom and what Stripe is to be asked about for the caller.';
CREATE FUNCTION rules.finish_deletion(person uuid, at timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.finish_deletion(person uuid, at timestamp with time zone) IS 'R2.6 ends what a deleted account still held for an alert that is over now, and erases it [30] days after its deletion; not while its Contacts still look for it. Says whether it was erased.';
CREATE FUNCTION rules.finish_stripe_work(work jsonb, outcome jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.finish_stripe_work(work jsonb, outcome jsonb) IS 'R8.4 what came of a piece of work: the subscription as Stripe has it, whose charge is disputed, or why it failed.';
CREATE FUNCTION rules.first_poll(channel text, provider text, at timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.first_poll(channel text, provider text, at timestamp with time zone) IS 'R7.1 when a provider is asked what became of a message that it took now: Twilio and Postmark can be asked, FCM, SendGrid and a mail server cannot.';
CREATE FUNCTION rules.fit_to_breaks(member uuid, since_on date, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.fit_to_breaks(member uuid, since_on date, at timestamp with time zone) IS 'R5.1, R5.2 after a change of breaks, or of the schedule: what is awaited today is excused if a break begins today, and what lies within a break or waits behind one (since_on: behind where one lay until now), there or where the Member was, is made anew, from the schedule in force. Every other open obligation stays as it is (R4.7).';
CREATE FUNCTION rules.follow_break(break_id uuid, at timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.follow_break(break_id uuid, at timestamp with time zone) IS 'R5.1, R5.3 enters what a break has excused and tells what is due of it. Nothing that is expected hangs on it: the first check-in after a break is awaited since it was planned.';
CREATE FUNCTION rules.follow_time_zone(member uuid, new_zone text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.follow_time_zone(member uuid, new_zone text) IS 'R4.7 a zone sent with a check-in moves the schedule: nine in the morning is where the Member is.';
CREATE FUNCTION rules.forget_attempts(most integer) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION rules.forget_attempts(most integer) IS 'R9.8 deletes attempts of deliveries after [90] days, the oldest first; none of an open alert. security definer: the worker deletes none.';
CREATE FUNCTION rules.forget_codes(most integer) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION rules.forget_codes(most integer) IS 'R2.1 deletes one-time codes, the oldest first. security definer: the worker neither reads nor deletes them.';
CREATE FUNCTION rules.forget_idempotency_keys(most integer) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION rules.forget_idempotency_keys(most integer) IS 'R9.4 deletes the answers of idempotency keys after [24] hours, the oldest first. security definer: the worker neither reads nor deletes them.';
CREATE FUNCTION rules.forget_receipts(most integer) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION rules.forget_receipts(most integer) IS 'R9.8 deletes receipts of providers after [90] days, the oldest first; none of an open alert. security definer: the worker deletes none.';
CREATE FUNCTION rules.forget_refresh_tokens(most integer) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION rules.forget_refresh_tokens(most integer) IS 'R2.4 deletes used refresh tokens: until then one that is used twice is a sign of theft, the oldest first. security definer: the worker neither reads nor deletes them.';
CREATE FUNCTION rules.forget_stranger_messages(ids uuid[], at timestamp with time zone) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION rules.forget_stranger_messages(ids uuid[], at timestamp with time zone) IS 'R9.3 deletes messages to people without an account. security definer: the worker deletes no message.';
CREATE FUNCTION rules.forget_tries(most integer) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION rules.forget_tries(most integer) IS 'R2.1, R2.3, R3.2 deletes counters of tries whose time is over. security definer: the worker neither reads nor deletes them.';
CREATE FUNCTION rules.forget_webhook_events(most integer) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION rules.forget_webhook_events(most integer) IS 'Deletes events of webhooks that nothing asks for any more, the oldest first. security definer: the worker neither reads nor deletes them.';
CREATE FUNCTION rules.forgot(gone bigint, most integer) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.forgot(gone bigint, most integer) IS 'R9.8 what a job reports that has deleted so many rows of a batch.';
CREATE FUNCTION rules.give_staff_role(person uuid, role text, by uuid) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.give_staff_role(person uuid, role text, by uuid) IS 'R1.4 makes somebody who has an account staff, or gives them the other role.';
CREATE FUNCTION rules.grandfather(person uuid, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.grandfather(person uuid, at timestamp with time zone) IS 'R1.2 whoever is an active Member, watched and with a time, is free for ever; what they paid for is cancelled at once.';
CREATE FUNCTION rules.has_other_alert(alert data.alerts) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.has_other_alert(alert data.alerts) IS 'R6.5 whether all is not well though this alert is over: a miss may be over while a call for help is not.';
CREATE FUNCTION rules.has_time_left() RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.has_time_left() IS 'R9.5 false after half of the statement time-out: a job then stops by itself and keeps what it has done. Measures effort; what time it is says rules.clock() only.';
CREATE FUNCTION rules.held_members(members uuid[]) RETURNS uuid[]
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.held_members(members uuid[]) IS 'R9.5 those of these Members of whom no alert can be raised just now, since another session holds their row or that of their schedule: the foreign keys would wait for it. Locks the rows of the others. security definer: the worker may not lock them.';
CREATE FUNCTION rules.history_shape(member uuid, cursor uuid, size integer, month date) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.history_shape(member uuid, cursor uuid, size integer, month date) IS 'R4.13 the closed obligations of a Member, the newest first, or those of one calendar month; and the totals of all.';
CREATE FUNCTION rules.instant_of(local timestamp without time zone, time_zone text) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.instant_of(local timestamp without time zone, time_zone text) IS 'R4.3 the instant of a local time as RFC 5545 (3.3.5) reads it: in a gap with the offset before it, in an overlap the first occurrence.';
CREATE FUNCTION rules.invitation_facts(i data.invitations) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.invitation_facts(i data.invitations) IS 'R3.1 what an invitation''s message and page say; the server derives code and token.';
CREATE FUNCTION rules.invitation_shape(i data.invitations, at timestamp with time zone) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.invitation_shape(i data.invitations, at timestamp with time zone) IS 'An invitation as its sender sees it; the server opens what is sealed and derives the code.';
CREATE FUNCTION rules.is_awaited(o data.obligations, at timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.is_awaited(o data.obligations, at timestamp with time zone) IS 'R4.8 whether an answer to its message still does something: it is open, was missed today, or its alert goes on.';
CREATE FUNCTION rules.is_barred(i data.invitations, person uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.is_barred(i data.invitations, person uuid) IS 'R3.3 whether a block stands between the inviter and this person, or stood and came after the invitation: those died of it.';
CREATE FUNCTION rules.is_double_tap(tap data.check_ins) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.is_double_tap(tap data.check_ins) IS 'R4.6 whether a tap is the same as one that has just met something: it must not meet the next obligation too.';
CREATE FUNCTION rules.is_entitled(person uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.is_entitled(person uuid) IS 'R8.3, R6.10 whether somebody gets everything now. A look at one row and nothing that could go wrong: alerts are not to hang on money. security definer: a Member''s coverage is of their Contacts'' accounts.';
CREATE FUNCTION rules.is_linked(person uuid) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.is_linked(person uuid) IS 'Whether the caller and this person are connected now, either way.';
CREATE FUNCTION rules.is_moot(d data.deliveries, n data.notifications) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.is_moot(d data.deliveries, n data.notifications) IS 'R6.3, R6.5, R7.6 whether a delivery is not to be sent any more: its alert has ended, a later round says the same, or its reader, address or device is gone.';
CREATE FUNCTION rules.is_not_after(obligation uuid, asked uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.is_not_after(obligation uuid, asked uuid) IS 'R4.8 whether an obligation is the one that was asked for, or one before it.';
CREATE FUNCTION rules.is_only_call(call data.deliveries) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.is_only_call(call data.deliveries) IS 'R7.1 whether a call to this number of which nobody knows whose it is can only be this delivery''s: Twilio does not tell what was said on a call, and one that passes for another is a lost alert. A second ring is a nuisance.';
CREATE FUNCTION rules.is_pending(state text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.is_pending(state text) IS 'R9.5 for deliveries that are found by their id or their notification: with the plain condition the planner may read the partial index of all pending ones, since it believes that there are few. In a burst there are not.';
CREATE FUNCTION rules.is_settled(address data.addresses, at timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.is_settled(address data.addresses, at timestamp with time zone) IS 'R2.3 whether an address may stand for the account: the first one does, an added one after a day, in which its owner has heard of it. Who holds a phone for a minute cannot take the account over.';
CREATE FUNCTION rules.is_signed_for(tap data.check_ins, signed_on date) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.is_signed_for(tap data.check_ins, signed_on date) IS 'R4.11 whether a day that was signed is that of the obligation which the check-in met; of one that met nothing, of the last that had opened. It was signed while that was open: what was signed yesterday, for whatever day, is no word of today.';
CREATE FUNCTION rules.is_time_zone(name text) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path TO ''
    AS $_$
  select name ~ '^[A-Z][A-Za-z0-9_+-]*(/[A-Z][A-Za-z0-9_+-]*)*$' and name not in ('Factory') and exists (select from pg_catalog.pg_timezone_names z where z.name = is_time_zone.name)
$_$;
COMMENT ON FUNCTION rules.is_time_zone(name text) IS 'Whether this is the name of an IANA time zone, exactly as IANA spells it; Factory stands for "nobody has set it". Reads the zone files: some 30 ms, so not for a hot path.';
CREATE FUNCTION rules.is_unsettled(state text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.is_unsettled(state text) IS 'R9.5 as rules.is_pending, also for what is in a sender''s hand.';
CREATE FUNCTION rules.is_webhook_event_wanted(event data.webhook_events) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.is_webhook_event_wanted(event data.webhook_events) IS 'R3.3, R6.5 an event is told while its owner watches the Member and, but for the end, while the alert is not over; a test always.';
CREATE FUNCTION rules.iso_local(instant timestamp with time zone, time_zone text) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.iso_local(instant timestamp with time zone, time_zone text) IS 'The local wall-clock time of an instant, ISO 8601 without an offset; in UTC where the zone is not known any more.';
CREATE FUNCTION rules.keep_a_primary(member uuid, leaving uuid) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.keep_a_primary(member uuid, leaving uuid) IS 'R3.5 when the last primary Contact leaves, those who remain are primary: somebody must be told at once.';
CREATE FUNCTION rules.keep_customer(person uuid, customer text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.keep_customer(person uuid, customer text) IS 'R8.1 the customer that Stripe has made for somebody. security definer: no user may say who pays for them.';
CREATE FUNCTION rules.keep_position(position_id uuid, sealed bytea, check_in uuid, help_request uuid) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.keep_position(position_id uuid, sealed bytea, check_in uuid, help_request uuid) IS 'R4.8 keeps the one position of a check-in or of a call for help, if the Member has chosen so, and says whether it did.';
CREATE FUNCTION rules.keep_prices(found_ones jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.keep_prices(found_ones jsonb) IS 'R8.1 prices of Stripe, by lookup key. security definer: nobody may write them.';
CREATE FUNCTION rules.keep_signature(tap uuid, public_key bytea, signed_on date, is_right boolean) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.keep_signature(tap uuid, public_key bytea, signed_on date, is_right boolean) IS 'R4.11 what a signature is worth, once the check-in has done what it does. is_right: the server has verified it with that key; whose key it is, for which day, and whether it was used before is decided here. Called for signed check-ins only.';
CREATE FUNCTION rules.knew(person uuid, lookups bytea[]) RETURNS uuid[]
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.knew(person uuid, lookups bytea[]) IS 'R2.6 who may have been told a name or an address: whoever was ever connected, their others (Contacts of one Member are told of each other), and whoever wrote the address down.';
CREATE FUNCTION rules.known_address(kind text, lookups bytea[], sealeds bytea[], OUT lookup bytea, OUT sealed bytea) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.known_address(kind text, lookups bytea[], sealeds bytea[], OUT lookup bytea, OUT sealed bytea) IS 'R9.3 while keys are rotated: under which of the keys an address is known, else under the first. The lock makes that true until the commit, so that no address is ever written down under two.';
CREATE TABLE data.users (
    id uuid DEFAULT data.new_id() NOT NULL,
    name text NOT NULL,
    language text DEFAULT 'en'::text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone,
    is_leaving boolean DEFAULT false NOT NULL,
    CONSTRAINT user_language_is_known CHECK ((language = ANY (ARRAY['en'::text, 'es'::text]))),
    CONSTRAINT user_name_is_1_to_80_characters CHECK ((((length(name) >= 1) AND (length(name) <= 80)) AND (name = btrim(name))))
);
ALTER TABLE ONLY data.users FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.users IS 'R1.1 one kind of account; connections and schedules say whether it is a Member, a Contact, both or neither.';
COMMENT ON COLUMN data.users.deleted_at IS 'R2.6 since when the account is deleted; signing in restores it until it is erased.';
COMMENT ON COLUMN data.users.is_leaving IS 'R2.6 deleted, with connections that end with its last open alert.';
CREATE FUNCTION rules.known_user(person uuid) RETURNS data.users
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.known_user(person uuid) IS 'A user, or a refusal.';
CREATE FUNCTION rules.language_at(kind text, lookup bytea) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.language_at(kind text, lookup bytea) IS 'R7.7 in which language to write to an address: of its account, else of whoever has the message sent, else what their app asks for. Only whoever reads the message learns it.';
CREATE FUNCTION rules.last_seen(person uuid, time_zone text) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.last_seen(person uuid, time_zone text) IS 'R4.12 when a phone of somebody''s last said that it is alive, and its battery then, in the words of an alert''s facts; null when none ever did.';
CREATE FUNCTION rules.link_purpose(n data.notifications) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.link_purpose(n data.notifications) IS 'R6.6 what the one-tap link in a message is for: an alert, for whoever is told of another''s; R4.8 a check-in, for whoever is reminded of their own. Null where there is none.';
CREATE TABLE data.linked_devices (
    id uuid DEFAULT data.new_id() NOT NULL,
    user_id uuid NOT NULL,
    name text NOT NULL,
    token_hash bytea NOT NULL,
    linked_at timestamp with time zone NOT NULL,
    CONSTRAINT linked_device_name_is_1_to_100_characters CHECK (((length(name) >= 1) AND (length(name) <= 100)))
);
ALTER TABLE ONLY data.linked_devices FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.linked_devices IS 'R4.8 things that check in by a token of their own. Of the token only its hash is kept: when the row goes it is worth nothing.';
CREATE FUNCTION rules.linked_device_shape(d data.linked_devices) RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.linked_device_shape(d data.linked_devices) IS 'R4.8 a linked device as its owner sees it.';
CREATE FUNCTION rules.lock_actor(alert uuid, person uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.lock_actor(alert uuid, person uuid) IS 'R6.4 whoever acts on an alert is still its Member or a Contact of theirs, and is so until it is done: nobody who has left may have it.';
CREATE FUNCTION rules.lock_address(lookups bytea[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.lock_address(lookups bytea[]) IS 'R9.3 whoever holds this sees the rows of an address keep the lookup that they have. Always before a row is locked.';
CREATE FUNCTION rules.lock_alarms(member uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.lock_alarms(member uuid) IS 'R6.4 no alert of this Member begins or ends meanwhile: whoever becomes a Contact is among those whom it tells, or is told of it here.';
CREATE FUNCTION rules.lock_alerts(ids uuid[]) RETURNS uuid[]
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.lock_alerts(ids uuid[]) IS 'R9.5 locks those of these alerts that no other session holds, and gives them. security definer: the worker may not lock an alert.';
CREATE FUNCTION rules.lock_connections(one uuid, other uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.lock_connections(one uuid, other uuid) IS 'R1.3, R3.3, R3.5 one change of somebody''s connections after the other; always before a row is locked.';
CREATE FUNCTION rules.lock_invitations(inviter uuid, lookup bytea) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.lock_invitations(inviter uuid, lookup bytea) IS 'R3.1 one message after the other of one inviter, and to one address, whatever server sends it: what is counted stays true until the commit.';
CREATE FUNCTION rules.lock_member(member uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.lock_member(member uuid) IS 'One change of a Member''s day after the other: two taps at one moment, a tap and a new time (R4.6, R4.7).';
CREATE FUNCTION rules.lock_own_connection(member uuid, contact uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.lock_own_connection(member uuid, contact uuid) IS 'R3.3 before a connection of the caller is changed: the Member''s day, then both sides'' connections (docs/architecture.md). security definer: nobody locks what is others''.';
CREATE FUNCTION rules.lock_own_day() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.lock_own_day() IS 'As rules.lock_member, for the caller: what is compared with If-Match stays as it is until it is changed.';
CREATE FUNCTION rules.lock_people(person uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.lock_people(person uuid) IS 'R2.6 before all connections of somebody are changed at once: the days of the Members among them, then everybody''s connections, each in one order (docs/architecture.md).';
CREATE FUNCTION rules.make_up_for_misses(tap data.check_ins) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.make_up_for_misses(tap data.check_ins) IS 'R4.4 a check-in after a miss on the same local day turns it into met_late; its alert stays on record. R4.9 what was excused on a Contact''s word is the Member''s own now.';
CREATE FUNCTION rules.mark_coverage(person uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.mark_coverage(person uuid) IS 'R6.10 something has changed about how somebody is reached, or who watches them: jobs.follow_coverage draws the consequences. Only a row, so that nothing waits for anything; with the change in one transaction, so that no change goes unseen.';
CREATE FUNCTION rules.may_act_on(alert uuid, person uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.may_act_on(alert uuid, person uuid) IS 'R6.4 whether somebody is the Member of an alert, or watches them now.';
CREATE FUNCTION rules.may_be_due_at(expected data.obligations, moved_at timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.may_be_due_at(expected data.obligations, moved_at timestamp with time zone) IS 'R4.7 whether the open obligation may be put off so far: never past the next time of its schedule, and never more than 36 hours after the last one.';
CREATE FUNCTION rules.may_have_arrived(delivery data.deliveries) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.may_have_arrived(delivery data.deliveries) IS 'R6.5 whether anybody may have read it: it was taken, is in a sender''s hand, or nobody knows.';
CREATE FUNCTION rules.may_tell_again(alert data.alerts, at timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.may_tell_again(alert data.alerts, at timestamp with time zone) IS 'R6.2 whether a call for help, or for more, is a new one: a finger that presses ten times in a minute has pressed once.';
CREATE FUNCTION rules.meet(expected data.obligations, tap data.check_ins) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.meet(expected data.obligations, tap data.check_ins) IS 'R4.4 closes an obligation by a check-in, opens the next, and takes back reminders that have not gone out. After due_at it is late (R4.5).';
CREATE FUNCTION rules.member_shape(member uuid, at timestamp with time zone) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.member_shape(member uuid, at timestamp with time zone) IS 'R3.4 what a Contact sees of a Member: name, today''s status, open alerts; and how they want to watch them; of a frozen one (R8.3) alerts only. Null for whom the caller does not watch.';
CREATE FUNCTION rules.members_allowed(contact uuid, at timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.members_allowed(contact uuid, at timestamp with time zone) IS 'R1.3 how many Members a Contact may watch: fewer on a trial than when entitled otherwise.';
CREATE FUNCTION rules.move_breaks(member uuid, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.move_breaks(member uuid, at timestamp with time zone) IS 'R4.7, R5.1 a new schedule, or another time zone: breaks are in the Member''s dates, and what waits behind one is made anew.';
CREATE FUNCTION rules.my_account() RETURNS data.users
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.my_account() IS 'The caller''s own row: to others only id and name are granted (R3.4).';
CREATE FUNCTION rules.named_in(a data.alerts, person uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.named_in(a data.alerts, person uuid) IS 'Who acted on an alert: named as the alert knows them, since Contacts cannot see each other''s rows.';
CREATE FUNCTION rules.next_card_step(person uuid, at timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.next_card_step(person uuid, at timestamp with time zone) IS 'R8.5 when somebody is to hear of their card; null when not, or already.';
CREATE FUNCTION rules.next_digest_at(member uuid, after timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.next_digest_at(member uuid, after timestamp with time zone) IS 'R3.4 the next evening where the Member is, at the hour of the daily digest.';
CREATE FUNCTION rules.next_entitlement_step(entitlement text, ends_at timestamp with time zone, at timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.next_entitlement_step(entitlement text, ends_at timestamp with time zone, at timestamp with time zone) IS 'R8.2 when an account is to be looked at again: at the next warning, or the end.';
CREATE FUNCTION rules.next_hour(zone text, hour integer, weekday integer, after timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.next_hour(zone text, hour integer, weekday integer, after timestamp with time zone) IS 'When it is next so many o''clock in a zone, on that day of the week (ISO: 1 is Monday), or on any.';
CREATE FUNCTION rules.next_summary_at(reader uuid, after timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.next_summary_at(reader uuid, after timestamp with time zone) IS 'R7.2 when the next weekly summary of somebody is due, where they are.';
CREATE FUNCTION rules.notification_facts(n data.notifications) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.notification_facts(n data.notifications) IS 'R6.7 what a text may say: the alert''s facts, who has it by now, the notification''s own, and who reads it.';
CREATE FUNCTION rules.notification_shape(n data.notifications) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.notification_shape(n data.notifications) IS 'A notification and the facts its text is made from.';
CREATE FUNCTION rules.obligation_shape(o data.obligations) RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.obligation_shape(o data.obligations) IS 'An obligation as the API shows it.';
CREATE FUNCTION rules.old_stranger_messages(most integer) RETURNS uuid[]
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION rules.old_stranger_messages(most integer) IS 'R9.3 messages to people without an account that are old enough to go, locked. security definer: the worker locks no message.';
CREATE FUNCTION rules.open_from(member uuid, at timestamp with time zone, not_before timestamp with time zone) RETURNS data.obligations
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.open_from(member uuid, at timestamp with time zone, not_before timestamp with time zone) IS 'R4.2, R5.1 makes the next obligation of a Member who has none open, outside of breaks and not before an instant; null without a schedule and where a break is open-ended. Wakes the timer only for one that is nearer than the next poll could be sure to see.';
CREATE FUNCTION rules.open_next(member uuid, at timestamp with time zone) RETURNS data.obligations
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.open_next(member uuid, at timestamp with time zone) IS 'R4.2, R4.4 makes the next obligation of a Member who has none open, also one that has passed while no job ran.';
CREATE FUNCTION rules.order_cancelling(person uuid, reason text, at timestamp with time zone) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.order_cancelling(person uuid, reason text, at timestamp with time zone) IS 'R1.2, R2.6 all that somebody pays for is to be cancelled at once, and what they paid for since is given back: a job tells Stripe. Whoever is free now is told that nothing more is charged.';
CREATE FUNCTION rules.order_ending(customer text, at timestamp with time zone) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.order_ending(customer text, at timestamp with time zone) IS 'R8.5 whoever disputes a payment does not want to go on: what is paid for ends with its period.';
CREATE FUNCTION rules.other_places(n data.notifications, at timestamp with time zone) RETURNS TABLE(channel text, address_id uuid, device_id uuid)
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.other_places(n data.notifications, at timestamp with time zone) IS 'R7.2, R7.3 where a notification that has failed everywhere can still go: all places of the first channel that it has not been tried at, push before SMS before e-mail. Nowhere when it is over, or has been read.';
CREATE FUNCTION rules.overtake_misses(member uuid, at timestamp with time zone) RETURNS data.obligations
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.overtake_misses(member uuid, at timestamp with time zone) IS 'R6.1 a deadline that passed while no job ran is a miss all the same, before a check-in is looked at. Gives the open obligation, locked.';
CREATE FUNCTION rules.own_break(break_id uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.own_break(break_id uuid) IS 'R5.1 a break of the caller''s, and the check-in that is expected next.';
CREATE FUNCTION rules.own_check_ins(cursor uuid, size integer) RETURNS SETOF data.check_ins
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.own_check_ins(cursor uuid, size integer) IS 'The caller''s own rows: Contacts must not see all columns of them (R3.4).';
CREATE FUNCTION rules.own_contacts() RETURNS SETOF data.connections
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.own_contacts() IS 'R3.5 the caller''s Contacts with their tiers, which are not the Contacts'' to read.';
CREATE TABLE billing.subscriptions (
    id text NOT NULL,
    customer_id text NOT NULL,
    status text NOT NULL,
    lookup_key text,
    period_ends_at timestamp with time zone,
    is_ending boolean DEFAULT false NOT NULL,
    past_due_since_at timestamp with time zone,
    card_expires_on date,
    fetched_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone,
    CONSTRAINT past_due_is_since_a_time CHECK (((status <> ALL (ARRAY['past_due'::text, 'unpaid'::text])) OR (past_due_since_at IS NOT NULL))),
    CONSTRAINT subscription_id_is_stripes CHECK ((id ~ '^sub_[A-Za-z0-9_]{1,80}$'::text)),
    CONSTRAINT subscription_status_is_stripes CHECK ((status = ANY (ARRAY['incomplete'::text, 'incomplete_expired'::text, 'trialing'::text, 'active'::text, 'past_due'::text, 'canceled'::text, 'unpaid'::text, 'paused'::text])))
);
ALTER TABLE ONLY billing.subscriptions FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE billing.subscriptions IS 'R8.2 the subscriptions as Stripe had them at fetched_at. is_ending: cancelled to the end of the paid period. past_due_since_at: when the first payment of its unpaid invoice failed.';
COMMENT ON COLUMN billing.subscriptions.created_at IS 'R8.5 when Stripe made it; null until it is fetched the next time.';
CREATE FUNCTION rules.own_subscription() RETURNS billing.subscriptions
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.own_subscription() IS 'R8.1 what the caller pays for, if anything.';
CREATE TABLE data.webhooks (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    delivered_at timestamp with time zone,
    first_failed_at timestamp with time zone,
    failure text,
    off_at timestamp with time zone,
    off_reason text,
    CONSTRAINT webhook_failure_is_a_code CHECK ((failure ~ '^[A-Za-z0-9_.:-]{1,80}$'::text)),
    CONSTRAINT webhook_is_off_for_a_reason CHECK (((off_at IS NULL) = (off_reason IS NULL))),
    CONSTRAINT webhook_off_reason_is_known CHECK ((off_reason = ANY (ARRAY['failing'::text, 'gone'::text]))),
    CONSTRAINT webhook_url_is_short CHECK ((octet_length(sealed) <= 2048))
);
ALTER TABLE ONLY data.webhooks FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.webhooks IS 'Where a program of a Contact''s wants to be told what that Contact is told of alerts (Standard Webhooks). It is no person and no channel: it neither covers a Member (R6.10) nor stands in a timeline. sealed: its URL (R9.3).';
COMMENT ON COLUMN data.webhooks.first_failed_at IS 'Since when nothing but failures; null while it works.';
CREATE FUNCTION rules.own_webhook(webhook uuid) RETURNS data.webhooks
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.own_webhook(webhook uuid) IS 'A webhook of the caller, locked, or a refusal.';
CREATE FUNCTION rules.pace_invitations(inviter uuid, kind text, lookup bytea, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.pace_invitations(inviter uuid, kind text, lookup bytea, at timestamp with time zone) IS 'R3.1 refuses a message that follows too soon: of this inviter to this address, revoked invitations included, or of everybody together.';
CREATE FUNCTION rules.page(items jsonb[], size integer) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.page(items jsonb[], size integer) IS 'A page of a list from one item more than it holds; the cursor is the id of its last item.';
CREATE FUNCTION rules.part_ways(person uuid, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.part_ways(person uuid, at timestamp with time zone) IS 'R2.6 ends the connections of a deleted account. Those with the Contacts of a Member with an alert stay until it is resolved: no alert ends in silence, so they go on seeing it and acting on it.';
CREATE FUNCTION rules.people_of_round(member uuid, whom text, OUT told jsonb, OUT backups jsonb) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.people_of_round(member uuid, whom text, OUT told jsonb, OUT backups jsonb) IS 'R3.5 the Contacts whom a round tells, and those whom it does not: backups. Where nobody is primary it tells everyone.';
CREATE FUNCTION rules.person_shape(person uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.person_shape(person uuid) IS 'Another user as far as the caller may see them; null beyond that.';
CREATE FUNCTION rules.phones_for(reader uuid, alert uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.phones_for(reader uuid, alert uuid) IS 'R6.7 how to reach a Member, for one of their Contacts and only while the alert is open; the server opens what is sealed. Also a phone that takes no SMS: it rings.';
CREATE FUNCTION rules.phones_in_alert(alert uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.phones_in_alert(alert uuid) IS 'R6.6, R6.7 how to reach a Member, for the Contact who asks: see rules.phones_for.';
CREATE FUNCTION rules.place_in_export(at timestamp with time zone, id text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.place_in_export(at timestamp with time zone, id text) IS 'Where a page of an export ends whose rows are ordered by time and id.';
CREATE FUNCTION rules.places(told uuid[]) RETURNS TABLE(notification_id uuid, channel text, address_id uuid, device_id uuid, stands_by boolean)
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION rules.places(told uuid[]) IS 'R7.2 where notifications go: critical to every verified address and device, by call where its round calls (R6.3); high by push with e-mail standing by; normal by push, or SMS (and by call where it asks for one, R4.8) or e-mail for a user without one, or whose phone may not show it (R4.12); low by e-mail, or push or SMS; of these only what its reader chose, unless none of that is there (R7.5); an all-clear wherever the alarm may have arrived (R6.5); a deleted account hears of nothing else (R2.6); what is neither critical nor about an alert of a muted Member goes nowhere (R3.4, R6.4), nor to a frozen Contact, who also gets neither SMS nor call while there is another way (R8.3); it stays in the app.';
CREATE FUNCTION rules.places_of(person uuid) RETURNS uuid[]
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.places_of(person uuid) IS 'The addresses and devices of somebody.';
CREATE FUNCTION rules.places_of_alarm(alert uuid, reader uuid) RETURNS TABLE(channel text, place_id uuid)
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.places_of_alarm(alert uuid, reader uuid) IS 'R6.5 where messages of an alert may have arrived at one of its readers.';
CREATE FUNCTION rules.policy(name text) RETURNS integer
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.policy(name text) IS 'The number of a policy, in the unit of its row; an unknown name is a bug and raises.';
CREATE TABLE data.positions (
    id uuid NOT NULL,
    member_id uuid NOT NULL,
    check_in_id uuid,
    help_request_id uuid,
    sealed bytea NOT NULL,
    received_at timestamp with time zone NOT NULL,
    CONSTRAINT position_came_with_one_act CHECK ((num_nonnulls(check_in_id, help_request_id) = 1)),
    CONSTRAINT position_is_at_most_512_bytes CHECK ((octet_length(sealed) <= 512))
);
ALTER TABLE ONLY data.positions FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.positions IS 'R4.8 where a Member was when they checked in or called for help, if they have chosen so: as one ciphertext (R9.3) that opens only for this id, for their Contacts only, and erased after [24] hours.';
CREATE FUNCTION rules.position_of(member uuid) RETURNS data.positions
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.position_of(member uuid) IS 'R4.8 where a Member was last, as far as the caller may see it; never after [24] hours, also when no job has run.';
CREATE FUNCTION rules.position_shape(p data.positions) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.position_shape(p data.positions) IS 'A position; the server opens what is sealed.';
CREATE FUNCTION rules.postpone(minutes integer, seen uuid) RETURNS data.obligations
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.postpone(minutes integer, seen uuid) IS 'R4.10 moves the caller''s open deadline, its alert and the reminders that are still to come, once and before it is due; seen: which check-in they mean. security definer: obligations are not open to users.';
CREATE TABLE data.preferences (
    user_id uuid NOT NULL,
    high_channels text[] DEFAULT '{push,email,sms}'::text[] NOT NULL,
    normal_channels text[] DEFAULT '{push,email,sms}'::text[] NOT NULL,
    quiet_from time without time zone,
    quiet_until time without time zone,
    time_zone text,
    has_weekly_summary boolean DEFAULT true NOT NULL,
    shares_position text DEFAULT 'never'::text NOT NULL,
    CONSTRAINT high_messages_have_a_channel CHECK (((cardinality(high_channels) >= 1) AND (high_channels <@ '{push,email,sms}'::text[]))),
    CONSTRAINT normal_messages_have_a_channel CHECK (((cardinality(normal_channels) >= 1) AND (normal_channels <@ '{push,email,sms}'::text[]))),
    CONSTRAINT position_choice_is_known CHECK ((shares_position = ANY (ARRAY['never'::text, 'with_help'::text, 'always'::text]))),
    CONSTRAINT quiet_hours_are_times_of_day CHECK (((quiet_from < '24:00:00'::time without time zone) AND (quiet_until < '24:00:00'::time without time zone))),
    CONSTRAINT quiet_hours_begin_and_end CHECK (((quiet_from IS NULL) = (quiet_until IS NULL))),
    CONSTRAINT quiet_hours_have_a_length CHECK ((quiet_from <> quiet_until))
);
ALTER TABLE ONLY data.preferences FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.preferences IS 'R7.5 what somebody has chosen about messages that are not critical; none is the default of everything. Channels: which may be used, in the order of R7.2; where none of them reaches, the others are. Quiet hours that end before they begin span midnight. time_zone: where they are read; without one, the zone of the schedule.';
COMMENT ON COLUMN data.preferences.shares_position IS 'R4.8 with which acts a Member says where they are.';
CREATE FUNCTION rules.preferences_shape(chosen data.preferences) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.preferences_shape(chosen data.preferences) IS 'R7.5 what somebody chose, and where they chose nothing what holds.';
CREATE FUNCTION rules.queue_webhook_events(told uuid[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    SET lock_timeout TO '20ms'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$…$$;
COMMENT ON FUNCTION rules.queue_webhook_events(told uuid[]) IS 'The events of notifications. Never fails and hardly ever waits: the transaction is that of an alert.';
CREATE FUNCTION rules.quiet_until(person uuid, at timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.quiet_until(person uuid, at timestamp with time zone) IS 'R7.5 when the quiet hours end that somebody is in; null outside of them. Both ends are read as R4.3 reads a local time.';
CREATE FUNCTION rules.raise_help(member uuid, at timestamp with time zone) RETURNS data.alerts
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.raise_help(member uuid, at timestamp with time zone) IS 'R6.2 the alert of a call for help, and what the Contacts of its first round are told.';
CREATE FUNCTION rules.raise_missed(obligation_ids uuid[], at timestamp with time zone) RETURNS SETOF data.alerts
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.raise_missed(obligation_ids uuid[], at timestamp with time zone) IS 'R6.1 closes the obligations whose alert_at has passed as missed, with one alert each and what the Contacts of its first round are told: one statement, all or nothing. A trigger on notifications adds the deliveries.';
CREATE FUNCTION rules.recall(key text, fingerprint bytea) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.recall(key text, fingerprint bytea) IS 'R9.4 the answer this key of the caller already got, or null. Db::write asks it before the api function.';
CREATE FUNCTION rules.receipt_of(delivery data.deliveries) RETURNS data.receipts
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.receipt_of(delivery data.deliveries) IS 'R7.1 the receipt that decides about a delivery: of each message the highest; of its messages (it may have been sent more than once) one that arrived, else the last one. Null when nothing was said.';
CREATE FUNCTION rules.receipt_rank(meaning text) RETURNS integer
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.receipt_rank(meaning text) IS 'R7.1 of all that is said of one message the highest counts, in whatever order it came: a late "sent" takes nothing back, what bounces after it was delivered did not reach anybody, and what a person answered did.';
CREATE FUNCTION rules.receipt_rows(receipts jsonb) RETURNS TABLE(event_id text, delivery_id uuid, provider_message_id text, event text, meaning text, detail text, turns_off text, said_at timestamp with time zone, facts jsonb)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.receipt_rows(receipts jsonb) IS 'The columns of what a provider says of its messages.';
CREATE FUNCTION rules.reconnect(person uuid, at timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.reconnect(person uuid, at timestamp with time zone) IS 'R2.6 brings back the connections that ended with an account; gives the people with whom that is not possible.';
CREATE FUNCTION rules.record_setting(setting text, before jsonb, after jsonb) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.record_setting(setting text, before jsonb, after jsonb) IS 'R9.2 puts a change of a setting into the trail.';
CREATE FUNCTION rules.refusal(code text, detail text, facts jsonb DEFAULT '{}'::jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.refusal(code text, detail text, facts jsonb) IS 'The answer of an api function that refuses and yet keeps what it wrote (a counted try): an exception would roll that back. Db::write turns it into the same problem.';
CREATE FUNCTION rules.refuse_break(wanted data.breaks, before data.breaks, today date) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.refuse_break(wanted data.breaks, before data.breaks, today date) IS 'R5.2 why a break cannot be as it is wanted: it would reach into the past or into another one, or is long and not confirmed. To make one shorter is never refused; a pause that gets its end so far away loses the reminders that it had.';
CREATE FUNCTION rules.refuse_code(kind text, lookup bytea, at timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.refuse_code(kind text, lookup bytea, at timestamp with time zone) IS 'R2.1 why no code goes to this address now, counted for the network that asks; null when one may go.';
CREATE FUNCTION rules.refuse_ended_session() RETURNS void
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.refuse_ended_session() IS 'R2.4, R2.5 a session that was revoked ends at once, not when its last access token does. src/db asks it before every call of a signed-in user; security definer: sessions are nobody else''s to read.';
CREATE FUNCTION rules.refuse_guesser(person uuid, place inet, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.refuse_guesser(person uuid, place inet, at timestamp with time zone) IS 'R3.2 at most [10] wrong codes an hour of one user and from one place, counted in the database: one after the other, whatever server is asked.';
CREATE FUNCTION rules.refuse_unknown(what text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.refuse_unknown(what text) IS 'One answer for what is not there and for what the caller may not see.';
CREATE FUNCTION rules.release_alerts(member uuid, contact uuid, occasion uuid, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.release_alerts(member uuid, contact uuid, occasion uuid, at timestamp with time zone) IS 'R6.4 an alert whose owner is no Contact any more is nobody''s: it is open again, the others are told, and its rounds run anew.';
CREATE FUNCTION rules.remember(key text, fingerprint bytea, answer jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.remember(key text, fingerprint bytea, answer jsonb) IS 'R9.4 keeps the answer in the transaction of its effect, and gives it back.';
CREATE FUNCTION rules.reminder_after(schedule data.schedules, due_at timestamp with time zone, alert_at timestamp with time zone, after timestamp with time zone, OUT phase text, OUT remind_at timestamp with time zone) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.reminder_after(schedule data.schedules, due_at timestamp with time zone, alert_at timestamp with time zone, after timestamp with time zone, OUT phase text, OUT remind_at timestamp with time zone) IS 'R4.1 which reminder of an obligation comes next, and when.';
CREATE FUNCTION rules.request_id() RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.request_id() IS 'The X-Request-Id of the request, for the audit trail.';
CREATE FUNCTION rules.require_match(shape jsonb, if_match text) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.require_match(shape jsonb, if_match text) IS 'Refuses a change of something that is not any more what the caller read. Ask it once what is changed is locked; shape is what the GET answers, null when nothing is there.';
CREATE FUNCTION rules.require_staff(needed text) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.require_staff(needed text) IS 'R1.4 who asks, if they are staff now: support, or admin, who may do all that support may.';
CREATE FUNCTION rules.resolve_alert(alert uuid, how text, by uuid, at timestamp with time zone, outcome text DEFAULT NULL::text, note text DEFAULT NULL::text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.resolve_alert(alert uuid, how text, by uuid, at timestamp with time zone, outcome text, note text) IS 'R6.5 ends an alert once; the second call does nothing.';
CREATE FUNCTION rules.restore_account(person uuid, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.restore_account(person uuid, at timestamp with time zone) IS 'R2.6 whoever signs in to a deleted account has it back, and all who are connected with it are told. Does nothing for any other account.';
CREATE FUNCTION rules.resume_escalation(alert data.alerts, kind text, by uuid, at timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.resume_escalation(alert data.alerts, kind text, by uuid, at timestamp with time zone) IS 'R6.4 nobody has it any more: a round at once for everyone, and from now on the rounds run anew.';
CREATE FUNCTION rules.resume_schedule(member uuid, since timestamp with time zone, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.resume_schedule(member uuid, since timestamp with time zone, at timestamp with time zone) IS 'R2.6 the schedule that was in force when the account was deleted is in force again, with its next obligation.';
CREATE FUNCTION rules.round_due(member uuid, minutes integer, OUT whom text, OUT has_call boolean, OUT has_exhausted boolean, OUT next_minutes integer) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.round_due(member uuid, minutes integer, OUT whom text, OUT has_call boolean, OUT has_exhausted boolean, OUT next_minutes integer) IS 'R6.3 which round of a Member''s escalation is due so many minutes after its begin, by their own policy or the one of all; whether it is exhausted by then; and after how many minutes the next one comes, for ever.';
CREATE FUNCTION rules.say_ok(person uuid, way text, asked uuid) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.say_ok(person uuid, way text, asked uuid) IS 'R4.8 a Member says by phone that they are well; asked: what they answer, null for a tap of this moment. The answer says what it did, and when the next is due.';
CREATE FUNCTION rules.say_safe(alert data.alerts, person uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.say_safe(alert data.alerts, person uuid) IS 'R6.6 a Contact who has seen or spoken to the Member ends the alert: a miss of today by attesting it (R4.9), any other by closing it.';
CREATE FUNCTION rules.schedule_shape(s data.schedules) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.schedule_shape(s data.schedules) IS 'A schedule as the API shows it.';
CREATE FUNCTION rules.send_code(code_id uuid, kind text, lookup bytea, sealed bytea, code_hash bytea, at timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.send_code(code_id uuid, kind text, lookup bytea, sealed bytea, code_hash bytea, at timestamp with time zone) IS 'R2.1 a one-time code to an address: only its hash is stored; the deliverer derives it from its id and a key that is not in the database.';
CREATE FUNCTION rules.send_invitation(i data.invitations, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.send_invitation(i data.invitations, at timestamp with time zone) IS 'R3.1 the message of an invitation, to an address that may have no account.';
CREATE TABLE data.sessions (
    id uuid DEFAULT data.new_id() NOT NULL,
    user_id uuid NOT NULL,
    device_name text,
    created_at timestamp with time zone NOT NULL,
    last_used_at timestamp with time zone NOT NULL,
    last_ip inet,
    revoked_at timestamp with time zone,
    revoked_reason text,
    CONSTRAINT device_name_is_1_to_100_characters CHECK (((length(device_name) >= 1) AND (length(device_name) <= 100))),
    CONSTRAINT session_revoked_has_a_reason CHECK (((revoked_at IS NULL) = (revoked_reason IS NULL))),
    CONSTRAINT session_revoked_reason_is_known CHECK ((revoked_reason = ANY (ARRAY['signed_out'::text, 'pin_changed'::text, 'theft'::text, 'account_deleted'::text])))
);
ALTER TABLE ONLY data.sessions FORCE ROW LEVEL SECURITY;
CREATE FUNCTION rules.session_shape(s data.sessions) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.session_shape(s data.sessions) IS 'R2.5 a session as its user sees it.';
CREATE FUNCTION rules.settle_coverage(member uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.settle_coverage(member uuid) IS 'R6.10 brings data.coverage to what is true of a Member, and tells of a loss at that moment, and of its end to whoever was told. Gives whether it changed.';
CREATE FUNCTION rules.settle_entitlement(person uuid, at timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.settle_entitlement(person uuid, at timestamp with time zone) IS 'R8.2, R8.3 draws the consequences of what rules.entitlement says: who is told, before and when it changes. As often as one likes: each is told once. security definer: accounts are not the worker''s. Gives whether it changed.';
CREATE FUNCTION rules.shares_position(with_help boolean) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.shares_position(with_help boolean) IS 'R4.8 whether the caller has chosen to say where they are: never unless they have.';
CREATE FUNCTION rules.sign_in_refusal(pin data.pins, at timestamp with time zone) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.sign_in_refusal(pin data.pins, at timestamp with time zone) IS 'R2.3 why nobody signs in with this PIN now; null when they may try.';
CREATE FUNCTION rules.sign_in_shape(person uuid, at timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.sign_in_shape(person uuid, at timestamp with time zone) IS 'R1.4 what staff sees of a sign-in. Locked without an end: only a recovery by code opens it.';
CREATE FUNCTION rules.signature_of(tap uuid) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.signature_of(tap uuid) IS 'R4.11 what became of the signature of a check-in; null when it had none.';
CREATE FUNCTION rules.signed_in_user_id() RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.signed_in_user_id() IS 'Who asks, and a refusal for nobody.';
CREATE FUNCTION rules.slot_after(schedule data.schedules, after timestamp with time zone, not_before timestamp with time zone, OUT local_on date, OUT local_time time without time zone, OUT due_at timestamp with time zone) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.slot_after(schedule data.schedules, after timestamp with time zone, not_before timestamp with time zone, OUT local_on date, OUT local_time time without time zone, OUT due_at timestamp with time zone) IS 'R4.2 the first slot of a schedule after an instant and not before another.';
CREATE FUNCTION rules.slot_after_obligation(schedule data.schedules, before data.obligations, OUT local_on date, OUT local_time time without time zone, OUT due_at timestamp with time zone) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.slot_after_obligation(schedule data.schedules, before data.obligations, OUT local_on date, OUT local_time time without time zone, OUT due_at timestamp with time zone) IS 'R4.7 the slot that follows an obligation. Under a changed schedule it is the first within 12 hours that the old one expected too, else it lies 12 to 36 hours later, unless days off lie between.';
CREATE FUNCTION rules.slot_outside_breaks(schedule data.schedules, wanted_on date, wanted_time time without time zone, wanted_at timestamp with time zone, OUT local_on date, OUT local_time time without time zone, OUT due_at timestamp with time zone) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.slot_outside_breaks(schedule data.schedules, wanted_on date, wanted_time time without time zone, wanted_at timestamp with time zone, OUT local_on date, OUT local_time time without time zone, OUT due_at timestamp with time zone) IS 'R5.1 a slot, or if a break has it the first one after that; none when that break is open-ended.';
CREATE FUNCTION rules.slot_shape(o data.obligations) RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.slot_shape(o data.obligations) IS 'What was due, in the words of an alert''s facts; R4.10 if it was put off, by the time that it was put off to.';
CREATE FUNCTION rules.slot_within_break(pause data.breaks, schedule data.schedules, after timestamp with time zone, OUT local_on date, OUT local_time time without time zone, OUT due_at timestamp with time zone) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.slot_within_break(pause data.breaks, schedule data.schedules, after timestamp with time zone, OUT local_on date, OUT local_time time without time zone, OUT due_at timestamp with time zone) IS 'R5.1 the next slot after an instant that a break has; null when there is none.';
CREATE TABLE data.ip_tries (
    kind text NOT NULL,
    ip inet NOT NULL,
    count integer NOT NULL,
    began_at timestamp with time zone NOT NULL,
    CONSTRAINT ip_try_kind_is_known CHECK ((kind = ANY (ARRAY['codes'::text, 'sign_ins'::text, 'wrong_codes'::text, 'wrong_refreshes'::text])))
);
ALTER TABLE ONLY data.ip_tries FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.ip_tries IS 'R2.1, R2.3 how often one network tried something in the hour that began then: an IPv4 address, or the /64 of an IPv6 address; 0.0.0.0 stands for all whose address is not known. All servers count here.';
CREATE FUNCTION rules.slowed(tries data.ip_tries, at timestamp with time zone) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.slowed(tries data.ip_tries, at timestamp with time zone) IS 'The refusal of a network that has used up the hour''s number, with the seconds until it has a new one.';
CREATE FUNCTION rules.speak_as(person uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.speak_as(person uuid) IS 'R9.2 what follows in this transaction was done by somebody who answered by phone: the trail says so.';
CREATE FUNCTION rules.staff() RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.staff() IS 'R1.4 everybody who is staff now.';
CREATE TABLE data.staff_roles (
    id uuid DEFAULT data.new_id() NOT NULL,
    user_id uuid NOT NULL,
    role text NOT NULL,
    added_at timestamp with time zone NOT NULL,
    added_by uuid,
    removed_at timestamp with time zone,
    removed_by uuid,
    CONSTRAINT staff_role_is_known CHECK ((role = ANY (ARRAY['support'::text, 'admin'::text]))),
    CONSTRAINT staff_role_is_removed_by_somebody_at_some_time CHECK (((removed_by IS NULL) OR (removed_at IS NOT NULL)))
);
ALTER TABLE ONLY data.staff_roles FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.staff_roles IS 'R1.4 who is staff, and who was. Somebody without added_by or removed_by did it on the command line.';
CREATE FUNCTION rules.staff_role_shape(held data.staff_roles) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.staff_role_shape(held data.staff_roles) IS 'A role of somebody of the staff.';
CREATE FUNCTION rules.start_session(user_id uuid, device_name text, refresh_hash bytea, at timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.start_session(user_id uuid, device_name text, refresh_hash bytea, at timestamp with time zone) IS 'R2.4 a session and its first refresh token.';
CREATE FUNCTION rules.start_texts(lookups bytea[]) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.start_texts(lookups bytea[]) IS 'R7.6 START takes STOP back, and no other reason.';
CREATE FUNCTION rules.step_alert(alert uuid, at timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.step_alert(alert uuid, at timestamp with time zone) IS 'R6.3, R6.4 takes the step of an alert whose step is due. security definer: the worker may not touch an alert.';
CREATE FUNCTION rules.stop_schedule(member uuid, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.stop_schedule(member uuid, at timestamp with time zone) IS 'R2.6 nothing is expected any more of whoever deletes their account.';
CREATE FUNCTION rules.stop_texts(lookups bytea[], at timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.stop_texts(lookups bytea[], at timestamp with time zone) IS 'R7.6 STOP turns SMS off for that number, with the reason; what waits for it goes another way.';
CREATE FUNCTION rules.store_stripe_event(event jsonb) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.store_stripe_event(event jsonb) IS 'R8.4 an event of Stripe is kept before it is answered; a duplicate is nothing new. Gives whether it was.';
CREATE FUNCTION rules.stripe_charge_of(payload jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.stripe_charge_of(payload jsonb) IS 'R8.5 the charge that an event disputes.';
CREATE FUNCTION rules.stripe_pause(tries integer) RETURNS interval
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.stripe_pause(tries integer) IS 'R8.4 how long until Stripe is tried again: half a minute, twice as long each time, six hours at most, and not all at one moment.';
CREATE FUNCTION rules.stripe_subscription_of(payload jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.stripe_subscription_of(payload jsonb) IS 'R8.4 which subscription an event of Stripe is about: of itself, of its invoice or of a checkout; null when of none.';
CREATE FUNCTION rules.subscription_counts(s billing.subscriptions, at timestamp with time zone) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.subscription_counts(s billing.subscriptions, at timestamp with time zone) IS 'R8.2 what a subscription entitles to; null when to nothing.';
CREATE FUNCTION rules.summary_facts(reader uuid, from_on date, until_on date) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.summary_facts(reader uuid, from_on date, until_on date) IS 'R7.2 the week of all whom somebody watches now and has not muted (R3.4), and their own.';
CREATE FUNCTION rules.support_connections(person uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.support_connections(person uuid) IS 'R1.4 with whom somebody is connected, and what the other one is to them.';
CREATE FUNCTION rules.support_delivery(d data.deliveries) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.support_delivery(d data.deliveries) IS 'R1.4 what became of a message; nothing of what it says, nor to which address it goes.';
CREATE FUNCTION rules.support_places(person uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.support_places(person uuid) IS 'R1.4 where messages reach somebody; the server opens the addresses and masks them.';
CREATE FUNCTION rules.take_key(delivery uuid, key text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.take_key(delivery uuid, key text) IS 'R6.6 a key that was pressed on a call: there is a person, so the call has arrived; 1 acknowledges, 2 asks for more help, 3 ends it; on a call that reminds a Member 1 is a check-in (R4.8). security definer: the worker may not act for anybody.';
CREATE FUNCTION rules.take_step(alert data.alerts, at timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.take_step(alert data.alerts, at timestamp with time zone) IS 'R6.3 the next round of an open alert; R6.4 of one that somebody has: they are asked, and if nothing follows it is open again.';
CREATE FUNCTION rules.take_text(message_sid text, lookups bytea[], words text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.take_text(message_sid text, lookups bytea[], words text) IS 'R6.6 a text that came to our number, once however often Twilio brings it. security definer: the worker may not act for anybody.';
CREATE FUNCTION rules.tapped_before(device_time timestamp with time zone, received_at timestamp with time zone, time_zone text) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tapped_before(device_time timestamp with time zone, received_at timestamp with time zone, time_zone text) IS 'R4.5 when a check-in that waited in a queue was made, by the device''s clock; null when it came at once. It counts when it comes, and whoever hears of it hears this.';
CREATE FUNCTION rules.tell_account_deleted(person uuid, at timestamp with time zone) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tell_account_deleted(person uuid, at timestamp with time zone) IS 'R2.6 whoever is connected is told, and whoever has no Contact left that nobody is.';
CREATE TABLE data.alert_actions (
    id uuid DEFAULT data.new_id() NOT NULL,
    alert_id uuid NOT NULL,
    user_id uuid NOT NULL,
    action text NOT NULL,
    taken_at timestamp with time zone NOT NULL,
    arrives_at timestamp with time zone,
    outcome text,
    note text,
    CONSTRAINT a_closing_has_an_outcome CHECK (((action = 'close'::text) = (outcome IS NOT NULL))),
    CONSTRAINT alert_action_is_known CHECK ((action = ANY (ARRAY['acknowledge'::text, 'needs_more_help'::text, 'close'::text, 'cancel'::text]))),
    CONSTRAINT closing_note_is_1_to_1000_characters CHECK (((length(note) >= 1) AND (length(note) <= 1000))),
    CONSTRAINT closing_outcome_is_known CHECK ((outcome = ANY (ARRAY['safe'::text, 'false_alarm'::text, 'got_help'::text, 'other'::text]))),
    CONSTRAINT only_a_closing_has_a_note CHECK (((action = 'close'::text) OR (note IS NULL))),
    CONSTRAINT only_an_acknowledgement_has_an_arrival CHECK (((action = 'acknowledge'::text) OR (arrives_at IS NULL)))
);
ALTER TABLE ONLY data.alert_actions FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.alert_actions IS 'R6.2, R6.4, R6.5 what a person did about an alert; a trigger draws the consequences.';
CREATE FUNCTION rules.tell_acknowledged(alert data.alerts, action data.alert_actions) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tell_acknowledged(alert data.alerts, action data.alert_actions) IS 'R6.4 all other Contacts and the Member are told who has it.';
CREATE FUNCTION rules.tell_address_changed(person uuid, how text, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tell_address_changed(person uuid, how text, at timestamp with time zone) IS 'R7.6 whoever did not do it themselves must hear of it; called before an address is added, after one is removed.';
CREATE FUNCTION rules.tell_all_clear(resolved data.alerts, at timestamp with time zone, cause text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tell_all_clear(resolved data.alerts, at timestamp with time zone, cause text) IS 'R6.5 everybody who was, or may have been, alerted is told that it is over; whoever had heard nothing hears nothing.';
CREATE FUNCTION rules.tell_coverage(member uuid, gap text, at timestamp with time zone) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tell_coverage(member uuid, gap text, at timestamp with time zone) IS 'R6.10 the Member and the Contacts who remain are told.';
CREATE FUNCTION rules.tell_frozen(person uuid, is_frozen boolean, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tell_frozen(person uuid, is_frozen boolean, at timestamp with time zone) IS 'R8.3 a Contact who is frozen or gets everything again is told, and so are their Members and the other Contacts.';
CREATE FUNCTION rules.tell_late_check_in(obligation uuid, tap data.check_ins) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tell_late_check_in(obligation uuid, tap data.check_ins) IS 'R7.2 a check-in after a Contact has ended the alert: whoever was told that none had come is told that it came.';
CREATE FUNCTION rules.tell_new_primaries(member uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tell_new_primaries(member uuid) IS 'R3.5 whoever is primary and has not been told of an alert that is open is told at once. security definer: the worker may not tell of a call for help.';
CREATE FUNCTION rules.tell_of_break(pause data.breaks, told_kind text, to_whom text, cause text, more jsonb, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tell_of_break(pause data.breaks, told_kind text, to_whom text, cause text, more jsonb, at timestamp with time zone) IS 'R5.3 tells the Member, or the Contacts, or both of a break: each once for the same cause.';
CREATE FUNCTION rules.tell_of_open_alerts(member uuid, readers uuid[], occasion uuid, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tell_of_open_alerts(member uuid, readers uuid[], occasion uuid, at timestamp with time zone) IS 'R6.4 who joins while an alert is open, or is left with one whose owner went, is told of it.';
CREATE FUNCTION rules.tell_pin_changed(person uuid, how text, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tell_pin_changed(person uuid, how text, at timestamp with time zone) IS 'R2.5 whoever did not do it themselves must hear of it.';
CREATE FUNCTION rules.tell_round(alert data.alerts, kind text, whom text, has_call boolean, is_exhausting boolean, by uuid, at timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tell_round(alert data.alerts, kind text, whom text, has_call boolean, is_exhausting boolean, by uuid, at timestamp with time zone) IS 'R6.3 a round after the first: each of its people once, everywhere. by: who set it off needs not be told. alert: as it was before the round. Gives how many are told.';
CREATE FUNCTION rules.tell_unreached(alert data.alerts, contacts uuid[], at timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tell_unreached(alert data.alerts, contacts uuid[], at timestamp with time zone) IS 'R7.3 "we could not reach Anna": to the Contacts who have the alert; where none of them is reached, to all the others. Gives how many are told.';
CREATE FUNCTION rules.tell_watchers(person uuid, phase text, cause text, at timestamp with time zone) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tell_watchers(person uuid, phase text, cause text, at timestamp with time zone) IS 'R8.3 the Members of a Contact and the other Contacts of these: that the Contact will not, does not or does again get everything. Nothing of money, and nothing where there is no phone: then nothing changes for them.';
CREATE FUNCTION rules.tell_what_has_come(pause data.breaks, time_zone text, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tell_what_has_come(pause data.breaks, time_zone text, at timestamp with time zone) IS 'R5.3 tells what is due of a break since it was last looked at.';
CREATE FUNCTION rules.tg_addresses__mark_coverage() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_addresses__mark_coverage() IS 'R6.10 an address that was verified, turned off or removed.';
CREATE FUNCTION rules.tg_addresses__record() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_addresses__record() IS 'R9.2, R7.6 an address that is sent to no more, whoever found that it is dead.';
CREATE FUNCTION rules.tg_addresses__withdraw() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_addresses__withdraw() IS 'R7.6 before an address goes.';
CREATE FUNCTION rules.tg_alert_actions__act() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_alert_actions__act() IS 'R6.4 the first acknowledgement wins, under the alert''s row lock, and needing more help tells everyone; R6.5, R6.2 a closing or the Member''s own cancelling ends it.';
CREATE FUNCTION rules.tg_alert_actions__stamp() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_alert_actions__stamp() IS 'R6.4 the server''s clock says when somebody acted; acts on the alerts of one Member come one after the other.';
CREATE FUNCTION rules.tg_alerts__record() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_alerts__record() IS 'R9.2 every step of an alert is in the trail.';
CREATE FUNCTION rules.tg_attestations__close() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_attestations__close() IS 'R4.9 a Contact''s word ends the alerts of today''s misses, which stay misses, or else excuses the check-in that is awaited: it is never the Member''s own.';
CREATE FUNCTION rules.tg_blocks__part() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_blocks__part() IS 'R3.3 a block ends the connection both ways, of which the other side is told, and takes back invitations that have not gone out. In the trail it is the blocker''s alone.';
CREATE FUNCTION rules.tg_blocks__stamp() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_blocks__stamp() IS 'The server''s clock says when somebody was blocked, and when no longer; a block that was lifted stays so.';
CREATE FUNCTION rules.tg_breaks__follow() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_breaks__follow() IS 'R5.1 what is expected follows the breaks at once: the first check-in after one is awaited from the moment that it is planned, and needs no job. R5.3 Contacts are told.';
CREATE FUNCTION rules.tg_breaks__keep() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_breaks__keep() IS 'R5.2 before a break is planned or changed: misses first, then whether it may be so.';
CREATE FUNCTION rules.tg_check_ins__count() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_check_ins__count() IS 'R4.4 what a check-in does: it makes up for today''s misses, meets the open obligation, resolves alerts. R4.8 one that answers a message does none of that to what came after the message.';
CREATE FUNCTION rules.tg_check_ins__stamp() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_check_ins__stamp() IS 'R4.5 the server''s clock alone decides; R4.6 the taps of one Member come one after the other.';
CREATE FUNCTION rules.tg_clock__rehearsal() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_clock__rehearsal() IS 'R9.6 in production nobody can move the time.';
CREATE FUNCTION rules.tg_connections__catch_up() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_connections__catch_up() IS 'R3.5 a backup who becomes primary while an alert is open, also because the last primary left, is told of it at once.';
CREATE FUNCTION rules.tg_connections__end() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_connections__end() IS 'R3.3 either side ends a connection at any time; the other side is told.';
CREATE FUNCTION rules.tg_connections__entitle() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_connections__entitle() IS 'R1.2 who watches has a trial; who is watched never pays.';
CREATE FUNCTION rules.tg_connections__mark_coverage() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_connections__mark_coverage() IS 'R6.10 a Contact more or less.';
CREATE FUNCTION rules.tg_connections__plan_drills() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_connections__plan_drills() IS 'R6.11 both sides are asked to try it after [90] days.';
CREATE FUNCTION rules.tg_connections__plan_summaries() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_connections__plan_summaries() IS 'R7.2 both sides are told how their weeks are.';
CREATE FUNCTION rules.tg_deliveries__arrive() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_deliveries__arrive() IS 'R6.5 a message of an alert may have arrived: its place is kept, once for each alert.';
CREATE FUNCTION rules.tg_deliveries__only_up() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_deliveries__only_up() IS 'R7.1 raised for a step that rules.delivery_may_become does not know.';
CREATE FUNCTION rules.tg_devices__mark_coverage() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_devices__mark_coverage() IS 'R6.10 a device that came, died or went, or whose user lets it show pushes or not.';
CREATE FUNCTION rules.tg_devices__record() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_devices__record() IS 'R9.2, R7.6 a device that goes: removed, the oldest of too many, its token another''s now, or dead; R4.12 and one whose user lets it show pushes or not. That a device is alive is no change of a person''s data.';
CREATE FUNCTION rules.tg_devices__withdraw() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_devices__withdraw() IS 'R7.6 before a device goes.';
CREATE FUNCTION rules.tg_escalation_policies__record() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_escalation_policies__record() IS 'R6.3 every change of an escalation policy is kept.';
CREATE FUNCTION rules.tg_escalation_rounds__record() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_escalation_rounds__record() IS 'R6.3 every change of a round is kept.';
CREATE FUNCTION rules.tg_help_requests__raise() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_help_requests__raise() IS 'R6.2 a call for help is an alert at once, without grace, on a break and without a schedule; a second one within it adds to it, and tells everyone again if the last telling is not just over.';
CREATE FUNCTION rules.tg_jobs__record() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_jobs__record() IS 'R9.2 every change of a job is in the trail, whoever makes it and however.';
CREATE FUNCTION rules.tg_notification_kinds__record() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_notification_kinds__record() IS 'R9.2 every change of a kind of notification is in the trail, whoever makes it and however.';
CREATE FUNCTION rules.tg_notification_kinds__stay() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_notification_kinds__stay() IS 'R7.2 stands for a foreign key: one would let a session that holds the row of a kind hold up all alerts.';
CREATE FUNCTION rules.tg_notifications__address() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    SET enable_hashjoin TO 'on'
    SET enable_mergejoin TO 'on'
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_notifications__address() IS 'R6.1 a notification and all its deliveries are one statement; then it wakes the deliverer and the open event streams (200 ids a notification: a payload holds 8,000 bytes).';
CREATE FUNCTION rules.tg_notifications__hook() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_notifications__hook() IS 'A Contact''s webhooks are told exactly what the Contact is told of others'' alerts, in the same transaction.';
CREATE FUNCTION rules.tg_notifications__read() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_notifications__read() IS 'R7.2, R7.5 what has been read needs no second channel, nor is it sent at the end of quiet hours; an alarm still goes over every one.';
CREATE FUNCTION rules.tg_notifications__record() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_notifications__record() IS 'R9.2 what was read or hidden, and when, is in the trail.';
CREATE FUNCTION rules.tg_notifications__stamp() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_notifications__stamp() IS 'The server''s clock says when something was read or hidden, once; neither is undone.';
CREATE FUNCTION rules.tg_policies__record() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_policies__record() IS 'Every change of a policy is kept, whoever makes it and however.';
CREATE FUNCTION rules.tg_positions__stamp() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_positions__stamp() IS 'The server''s clock says when a position came, and so when it goes.';
CREATE FUNCTION rules.tg_preferences__keep() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_preferences__keep() IS 'R7.5 quiet hours are somewhere.';
CREATE FUNCTION rules.tg_preferences__record() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_preferences__record() IS 'R9.2 what somebody chose is in their trail; not where they are, nor when they sleep.';
CREATE FUNCTION rules.tg_schedules__entitle() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_schedules__entitle() IS 'R1.2 a Member who has chosen a time is active.';
CREATE FUNCTION rules.tg_schedules__mark_coverage() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_schedules__mark_coverage() IS 'R6.10 somebody is a Member now.';
CREATE FUNCTION rules.tg_schedules__start() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_schedules__start() IS 'R4.2 the first schedule of a Member makes the first obligation.';
CREATE FUNCTION rules.tg_schedules__take_over() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_schedules__take_over() IS 'R4.7 a new version of a schedule ends the one before it; obligations that exist stay as they are.';
CREATE FUNCTION rules.tg_subscriptions__settle() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_subscriptions__settle() IS 'R8.1, R8.3 what Stripe says changes the entitlement at once; R1.2, R2.6, R8.5 and whoever is not to pay, or pays already, is not charged.';
CREATE FUNCTION rules.tg_users__mark_coverage() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_users__mark_coverage() IS 'R6.10, R2.6 an account that is deleted, or back.';
CREATE FUNCTION rules.tg_watch_settings__keep() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_watch_settings__keep() IS 'R3.4 settings are of a connection that stands; a daily digest has its time.';
CREATE FUNCTION rules.tg_watch_settings__record() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_watch_settings__record() IS 'R9.2 in the Contact''s trail, without the nickname; not in the Member''s, who knows nothing of it.';
CREATE FUNCTION rules.tg_webhook_events__arrive() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_webhook_events__arrive() IS 'R6.5 a program may have heard of an alert, and waits for its end.';
CREATE FUNCTION rules.tg_webhooks__record() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_webhooks__record() IS 'R9.2 a webhook that is told nothing any more, or again.';
CREATE FUNCTION rules.tg_welfare_card_looks__record() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_welfare_card_looks__record() IS 'R1.5 every look at a card is in the Member''s trail.';
CREATE FUNCTION rules.tg_welfare_card_looks__stamp() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_welfare_card_looks__stamp() IS 'The server''s clock says when somebody looked.';
CREATE FUNCTION rules.tg_welfare_cards__record() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_welfare_cards__record() IS 'R9.2 that a card was written is in the trail; nothing of what it says.';
CREATE FUNCTION rules.tg_welfare_cards__stamp() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.tg_welfare_cards__stamp() IS 'The server''s clock says when a card was written.';
CREATE FUNCTION rules.time_in_export(place text) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.time_in_export(place text) IS 'The time of rules.place_in_export; the beginning of time for no place.';
CREATE FUNCTION rules.timed_break(pause data.breaks, schedule data.schedules) RETURNS data.breaks
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.timed_break(pause data.breaks, schedule data.schedules) IS 'R5.1 a break with the instants of its dates where the Member is, and when a job next looks at it.';
CREATE FUNCTION rules.timeline(alert uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.timeline(alert uuid) IS 'R6.8 the events of an alert in their order, for its Member and whoever watches them now; for others none. security definer: deliveries and attempts are not open to users. No address is in it.';
CREATE FUNCTION rules.timeline_events(alert data.alerts) RETURNS TABLE(at timestamp with time zone, rank integer, id text, what text, person_id uuid, delivery_id uuid, channel text, more jsonb)
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.timeline_events(alert data.alerts) IS 'R6.8 everything that happened about an alert, each as one row: what happened to it, what people did, and every delivery with its attempts.';
CREATE FUNCTION rules.totals_of(member uuid) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.totals_of(member uuid) IS 'R4.13 over the whole history: late counts in a streak, excused neither counts nor breaks.';
CREATE FUNCTION rules.uncount_by_ip(what text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.uncount_by_ip(what text) IS 'What was right was no guess: only wrong ones use up the hour''s number, or a carrier''s customers would use up each other''s. What is used up stays so for its hour.';
CREATE FUNCTION rules.unpayable_subscription(person uuid) RETURNS billing.subscriptions
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.unpayable_subscription(person uuid) IS 'R8.5 what renews after its card has ended.';
CREATE FUNCTION rules.unreached(alert data.alerts, at timestamp with time zone) RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.unreached(alert data.alerts, at timestamp with time zone) IS 'R7.3 the Contacts who were told of an alert and whom no channel works for: all have failed, there is none, or none has taken anything for so long. Whoever has read or done something is reached. Looks at the messages of the last 25 hours.';
CREATE FUNCTION rules.unsettled_at(places uuid[]) RETURNS uuid[]
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.unsettled_at(places uuid[]) IS 'R7.6 what waits for these addresses and devices, or is in a sender''s hand, locked.';
CREATE FUNCTION rules.use_ticket(ticket_hash bytea, at timestamp with time zone) RETURNS data.one_time_codes
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.use_ticket(ticket_hash bytea, at timestamp with time zone) IS 'R2.1 a ticket proves an address, once.';
CREATE FUNCTION rules.visible_alert(alert uuid) RETURNS data.alerts
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.visible_alert(alert uuid) IS 'An alert that the caller''s policies let them see, or a refusal.';
CREATE FUNCTION rules.warn_of_card(person uuid, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.warn_of_card(person uuid, at timestamp with time zone) IS 'R8.5 tells whoever pays with a card that will have ended by the next payment, once for each card.';
CREATE FUNCTION rules.warn_of_end(person uuid, entitlement text, ends_at timestamp with time zone, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.warn_of_end(person uuid, entitlement text, ends_at timestamp with time zone, at timestamp with time zone) IS 'R8.2, R8.3 tells a Contact of the end that comes, and with the last warning their Members and the other Contacts.';
CREATE FUNCTION rules.watched_member_id(member uuid) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.watched_member_id(member uuid) IS 'A Member whom the caller watches, or a refusal.';
CREATE FUNCTION rules.watched_member_ids() RETURNS SETOF uuid
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.watched_member_ids() IS 'The Members whom the caller watches now.';
CREATE FUNCTION rules.webhook_body(event data.webhook_events) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.webhook_body(event data.webhook_events) IS 'What an event says: ids and states as they are now, and the Member''s name; nothing of an alert that its Contact could not read (R3.4).';
CREATE FUNCTION rules.webhook_shape(w data.webhooks) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.webhook_shape(w data.webhooks) IS 'A webhook; the server opens its URL. Of its secrets nothing.';
CREATE FUNCTION rules.webhook_type(kind text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.webhook_type(kind text) IS 'What a kind of notification is to a program; null for what webhooks do not tell.';
CREATE FUNCTION rules.webhook_wait(attempts integer) RETURNS interval
    LANGUAGE plpgsql PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.webhook_wait(attempts integer) IS 'Standard Webhooks: how long to wait after the n-th attempt that failed, a fifth more or less; null when it was the last one.';
CREATE FUNCTION rules.week_counts(member uuid, from_on date, until_on date) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.week_counts(member uuid, from_on date, until_on date) IS 'R7.2 how many check-ins of a Member were expected on these of their days, and what became of them; null when none was expected nor excused.';
CREATE TABLE data.welfare_cards (
    user_id uuid NOT NULL,
    sealed bytea NOT NULL,
    is_always_shown boolean DEFAULT false NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    CONSTRAINT welfare_card_is_at_most_64_kib CHECK ((octet_length(sealed) <= 65536))
);
ALTER TABLE ONLY data.welfare_cards FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.welfare_cards IS 'R1.5 what Contacts need to get in and to help, as one ciphertext (R9.3) that opens only for this user_id. Shown while an alert is open, or always.';
CREATE FUNCTION rules.welfare_card_shape(card data.welfare_cards) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.welfare_card_shape(card data.welfare_cards) IS 'A welfare card; the server opens what is sealed.';
CREATE FUNCTION rules.why_not_resent(d data.deliveries, n data.notifications, at timestamp with time zone) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.why_not_resent(d data.deliveries, n data.notifications, at timestamp with time zone) IS 'R1.4 why staff may not send a delivery again; null when they may. Nobody hears what is over or not theirs to hear any more.';
CREATE FUNCTION rules.withdraw(ids uuid[], at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.withdraw(ids uuid[], at timestamp with time zone) IS 'R6.5 cancels deliveries that have not been sent; those in a sender''s hand are not tried again.';
CREATE FUNCTION rules.withdraw_alarm(alert uuid, at timestamp with time zone) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.withdraw_alarm(alert uuid, at timestamp with time zone) IS 'R6.5 what was queued and not yet sent is cancelled; what is in a sender''s hand is not tried again.';
CREATE FUNCTION rules.withdraw_all(person uuid, at timestamp with time zone) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.withdraw_all(person uuid, at timestamp with time zone) IS 'R2.6 what is queued for a deleted account is cancelled, and so are its invitations that nobody has accepted.';
CREATE FUNCTION rules.withdraw_from(address uuid, device uuid) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.withdraw_from(address uuid, device uuid) IS 'R7.6 what waits for a place that its owner removes is not sent there any more; what was sent stays on record.';
CREATE FUNCTION rules.withdraw_invitation(i data.invitations, at timestamp with time zone) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.withdraw_invitation(i data.invitations, at timestamp with time zone) IS 'R3.1 what was queued of an invitation and not yet sent is cancelled; what is in a sender''s hand is not tried again. Looks its lookup up anew: `pruuf keys rotate` may have changed it since.';
CREATE FUNCTION rules.withdraw_reminders(expected data.obligations, at timestamp with time zone) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.withdraw_reminders(expected data.obligations, at timestamp with time zone) IS 'R4.1 reminders of a check-in that is not awaited any more, and that have not gone out, are taken back.';
CREATE FUNCTION rules.withdraw_routine(reader uuid, member uuid, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.withdraw_routine(reader uuid, member uuid, at timestamp with time zone) IS 'R3.4, R7.5 what waits for the end of quiet hours and tells of a Member''s days is not a former Contact''s to hear.';
CREATE FUNCTION rules.without_name(facts jsonb, person uuid) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.without_name(facts jsonb, person uuid) IS 'Facts without the name of one person, wherever it stands beside their id, and without the note of what they did.';
CREATE FUNCTION rules.working_channels(person uuid) RETURNS text[]
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.working_channels(person uuid) IS 'R6.10 how somebody can be reached. SMS and call are one: they die with the same number.';
CREATE FUNCTION rules.zone_name(name text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.zone_name(name text) IS 'R4.3 the name under which a zone is kept: what IANA links it to, for the four that PostgreSQL takes for abbreviations, which know no summer time.';
CREATE FUNCTION rules.zone_of(person uuid) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$…$$;
COMMENT ON FUNCTION rules.zone_of(person uuid) IS 'R7.5 where somebody''s hours are read: as they said, else where their check-ins are, else where whoever they have watched the longest is; UTC when nothing is known.';
CREATE TABLE audit.events_else (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    actor_user_id uuid,
    subject_user_id uuid,
    action text NOT NULL,
    object_id uuid,
    request_id text,
    ip inet,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    ip_salt bytea,
    ip_digest bytea,
    CONSTRAINT audit_action_is_a_name CHECK ((action ~ '^[a-z][a-z0-9_.]*$'::text)),
    CONSTRAINT ip_salt_goes_with_its_ip CHECK (((ip_salt IS NULL) OR (ip IS NOT NULL)))
);
ALTER TABLE ONLY audit.events_else FORCE ROW LEVEL SECURITY;
ALTER TABLE audit.events ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME audit.events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE audit.seals (
    place bigint NOT NULL,
    event_at timestamp with time zone NOT NULL,
    event_id bigint NOT NULL,
    digest bytea NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT digest_is_sha256 CHECK ((octet_length(digest) = 32)),
    CONSTRAINT hash_is_sha256 CHECK ((octet_length(hash) = 32)),
    CONSTRAINT places_begin_at_one CHECK ((place >= 1))
);
ALTER TABLE ONLY audit.seals FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE audit.seals IS 'R9.2 the chain: places without gaps, each with the hash of its event and the hash of the hash before it and that. Only ever added to.';
CREATE TABLE audit.unsealed_events (
    event_at timestamp with time zone NOT NULL,
    event_id bigint NOT NULL,
    digest bytea NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='5000');
ALTER TABLE ONLY audit.unsealed_events FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE audit.unsealed_events IS 'R9.2 what was appended and has no seal yet, with the hash it had then. Without an index: a row costs an append next to nothing, and lives for a second.';
CREATE TABLE billing.accounts (
    user_id uuid NOT NULL,
    trial_ends_at timestamp with time zone,
    grandfathered_at timestamp with time zone,
    entitlement text NOT NULL,
    since_at timestamp with time zone NOT NULL,
    next_step_at timestamp with time zone,
    CONSTRAINT entitlement_is_known CHECK ((entitlement = ANY (ARRAY['trialing'::text, 'active'::text, 'free'::text, 'past_due'::text, 'frozen'::text, 'cancelled'::text])))
);
ALTER TABLE ONLY billing.accounts FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE billing.accounts IS 'R8.2 one for each user who watches, or was watched: their trial (R1.2) and whether they are free for ever. entitlement: what it was when it was last looked at, and told; rules.entitlement says what it is. next_step_at: when it is to be looked at again.';
CREATE TABLE billing.customers (
    id text NOT NULL,
    user_id uuid,
    created_at timestamp with time zone NOT NULL,
    compared_at timestamp with time zone NOT NULL,
    CONSTRAINT customer_id_is_stripes CHECK ((id ~ '^cus_[A-Za-z0-9_]{1,80}$'::text))
);
ALTER TABLE ONLY billing.customers FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE billing.customers IS 'R8.1 which customer of Stripe a user is. Stays without its user when an account is erased (R2.6). compared_at: when its subscriptions were last compared with Stripe (R8.4).';
CREATE TABLE billing.events (
    id text NOT NULL,
    type text NOT NULL,
    customer_id text,
    subscription_id text,
    payload jsonb NOT NULL,
    received_at timestamp with time zone NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    tries integer DEFAULT 0 NOT NULL,
    next_try_at timestamp with time zone,
    applied_at timestamp with time zone,
    failure text,
    CONSTRAINT event_id_is_stripes CHECK ((id ~ '^evt_[A-Za-z0-9_]{1,80}$'::text)),
    CONSTRAINT event_state_is_known CHECK ((state = ANY (ARRAY['pending'::text, 'applied'::text, 'ignored'::text, 'failed'::text]))),
    CONSTRAINT event_that_waits_has_its_time CHECK (((state = ANY (ARRAY['pending'::text, 'failed'::text])) = (next_try_at IS NOT NULL))),
    CONSTRAINT event_type_is_stripes CHECK ((type ~ '^[a-z0-9_.]{1,80}$'::text)),
    CONSTRAINT failed_event_says_why CHECK (((state <> 'failed'::text) OR (failure IS NOT NULL)))
);
ALTER TABLE ONLY billing.events FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE billing.events IS 'R8.4 what Stripe''s webhook brought, stored before it is answered, each once. It only says what to fetch: customer_id and subscription_id. failed: it is tried again, and listed by billing.failed_events.';
CREATE VIEW billing.failed_events WITH (security_invoker='true') AS
 SELECT e.id,
    e.type,
    e.subscription_id,
    e.received_at,
    e.tries,
    e.next_try_at,
    e.failure
   FROM billing.events e
  WHERE (e.state = 'failed'::text)
  ORDER BY e.received_at;
COMMENT ON VIEW billing.failed_events IS 'R8.4 events of Stripe that could not be applied yet; each is tried again.';
CREATE TABLE billing.orders (
    id uuid DEFAULT data.new_id() NOT NULL,
    subscription_id text NOT NULL,
    action text NOT NULL,
    reason text NOT NULL,
    ordered_at timestamp with time zone NOT NULL,
    done_at timestamp with time zone,
    tries integer DEFAULT 0 NOT NULL,
    next_try_at timestamp with time zone,
    failure text,
    CONSTRAINT order_action_is_known CHECK ((action = ANY (ARRAY['cancel_now'::text, 'cancel_at_period_end'::text, 'cancel_and_refund'::text]))),
    CONSTRAINT order_reason_is_known CHECK ((reason = ANY (ARRAY['grandfathered'::text, 'account_deleted'::text, 'disputed'::text, 'paid_twice'::text]))),
    CONSTRAINT order_that_waits_has_its_time CHECK (((done_at IS NULL) = (next_try_at IS NOT NULL)))
);
ALTER TABLE ONLY billing.orders FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE billing.orders IS 'R1.2, R2.6 what Stripe is to be told: written with what made it necessary, in one transaction, and tried until it is done. Its id is the Idempotency-Key.';
CREATE TABLE billing.prices (
    id text NOT NULL,
    lookup_key text NOT NULL,
    currency text NOT NULL,
    unit_amount bigint NOT NULL,
    period text NOT NULL,
    fetched_at timestamp with time zone NOT NULL,
    CONSTRAINT currency_is_iso CHECK ((currency ~ '^[a-z]{3}$'::text)),
    CONSTRAINT price_id_is_stripes CHECK ((id ~ '^price_[A-Za-z0-9_]{1,80}$'::text)),
    CONSTRAINT price_is_not_negative CHECK ((unit_amount >= 0)),
    CONSTRAINT price_period_is_known CHECK ((period = ANY (ARRAY['month'::text, 'year'::text])))
);
ALTER TABLE ONLY billing.prices FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE billing.prices IS 'R8.1 the plans: prices of Stripe, found by lookup key. unit_amount: in the smallest unit of the currency.';
CREATE TABLE data.alarm_places (
    alert_id uuid NOT NULL,
    user_id uuid NOT NULL,
    channel text NOT NULL,
    place_id uuid NOT NULL,
    CONSTRAINT alarm_channel_is_known CHECK ((channel = ANY (ARRAY['push'::text, 'email'::text, 'sms'::text, 'voice'::text, 'webhook'::text])))
);
ALTER TABLE ONLY data.alarm_places FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.alarm_places IS 'R6.5 where the messages of an alert may have arrived: whoever is listed here is told of its end, there. place_id: an address, a device or a webhook; without a foreign key, since a place that is removed leaves its reader.';
CREATE TABLE data.alert_rounds (
    alert_id uuid NOT NULL,
    number integer NOT NULL,
    kind text NOT NULL,
    told_at timestamp with time zone NOT NULL,
    whom text NOT NULL,
    has_call boolean NOT NULL,
    is_exhausting boolean NOT NULL,
    CONSTRAINT round_was_for_known_people CHECK ((whom = ANY (ARRAY['primary'::text, 'everyone'::text]))),
    CONSTRAINT the_first_round_is_the_alert CHECK ((number > 1))
);
ALTER TABLE ONLY data.alert_rounds FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.alert_rounds IS 'R6.3, R6.8 the rounds that were told after the first, which came with the alert.';
CREATE TABLE data.attempts (
    id bigint NOT NULL,
    delivery_id uuid NOT NULL,
    number smallint NOT NULL,
    ended_at timestamp with time zone NOT NULL,
    result text NOT NULL,
    detail text,
    took_ms integer,
    provider text,
    CONSTRAINT attempt_detail_is_a_code CHECK ((detail ~ '^[A-Za-z0-9_.:-]{1,80}$'::text)),
    CONSTRAINT attempt_provider_is_a_name CHECK ((provider ~ '^[a-z-]{1,30}$'::text)),
    CONSTRAINT attempt_result_is_known CHECK ((result = ANY (ARRAY['accepted'::text, 'transient'::text, 'permanent'::text, 'unknown'::text])))
);
ALTER TABLE ONLY data.attempts FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.attempts IS 'R7.1 rows that are only ever added. detail is a provider''s code, never its text: that may hold an address. unknown: nobody knows whether the provider took it.';
COMMENT ON COLUMN data.attempts.provider IS 'R7.3 who was asked. One attempt may be several rows: one for each provider that it went by.';
ALTER TABLE data.attempts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME data.attempts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE data.attestations (
    id uuid DEFAULT data.new_id() NOT NULL,
    member_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    obligation_id uuid NOT NULL,
    attested_at timestamp with time zone NOT NULL,
    note text,
    CONSTRAINT attestation_note_is_1_to_1000_characters CHECK (((length(note) >= 1) AND (length(note) <= 1000)))
);
ALTER TABLE ONLY data.attestations FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.attestations IS 'R4.9 the word of a Contact who has seen or spoken to a Member. A trigger finds what it closes.';
CREATE TABLE data.code_keys (
    id uuid NOT NULL,
    key_id bytea NOT NULL,
    sealed bytea NOT NULL
);
ALTER TABLE ONLY data.code_keys FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.code_keys IS 'R9.3, R3.1 what stays of a data key that was rotated away, sealed under the one in use: it derives and recognises the codes and links of invitations sent before, and opens nothing.';
CREATE TABLE data.coverage_marks (
    id bigint NOT NULL,
    user_id uuid NOT NULL,
    marked_at timestamp with time zone NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000');
ALTER TABLE ONLY data.coverage_marks FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.coverage_marks IS 'R6.10 whose contacts, addresses or devices have changed: a job looks whom that leaves without anybody. No foreign key: a mark may outlive its user.';
ALTER TABLE data.coverage_marks ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME data.coverage_marks_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE data.drill_reminders (
    user_id uuid NOT NULL,
    remind_at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY data.drill_reminders FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.drill_reminders IS 'R6.11 when a Member or a Contact is next asked to try it.';
CREATE TABLE data.drills (
    id uuid DEFAULT data.new_id() NOT NULL,
    user_id uuid NOT NULL,
    goes_to text NOT NULL,
    reader_ids uuid[] NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    CONSTRAINT drill_goes_to_somebody CHECK ((goes_to = ANY (ARRAY['contacts'::text, 'myself'::text]))),
    CONSTRAINT drill_has_readers CHECK ((cardinality(reader_ids) >= 1))
);
ALTER TABLE ONLY data.drills FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.drills IS 'R6.11 a try whether alerts arrive: a table of its own, so that nothing that looks for alerts can take one for an alert. Its messages have its id as their cause.';
CREATE TABLE data.escalation_changes (
    id bigint NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    changed_by text NOT NULL,
    before jsonb,
    after jsonb,
    CONSTRAINT escalation_change_changes_something CHECK ((before IS DISTINCT FROM after))
);
ALTER TABLE ONLY data.escalation_changes FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.escalation_changes IS 'The history of data.escalation_policies and data.escalation_rounds: a row as it was and as it is.';
ALTER TABLE data.escalation_changes ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME data.escalation_changes_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE data.escalation_policies (
    id uuid DEFAULT data.new_id() NOT NULL,
    member_id uuid,
    repeat_minutes integer DEFAULT 1440 NOT NULL,
    CONSTRAINT no_alert_falls_silent CHECK (((repeat_minutes >= 5) AND (repeat_minutes <= 1440)))
);
ALTER TABLE ONLY data.escalation_policies FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.escalation_policies IS 'R6.3 how alerts escalate: one row without a member_id for everybody, and one for each Member who has their own. After the last of its rounds the same comes again every repeat_minutes, without an end.';
CREATE TABLE data.escalation_rounds (
    policy_id uuid NOT NULL,
    after_minutes integer NOT NULL,
    whom text NOT NULL,
    has_call boolean NOT NULL,
    is_exhausting boolean DEFAULT false NOT NULL,
    CONSTRAINT round_is_for_known_people CHECK ((whom = ANY (ARRAY['primary'::text, 'everyone'::text]))),
    CONSTRAINT round_is_within_a_year CHECK (((after_minutes >= 0) AND (after_minutes <= 525600)))
);
ALTER TABLE ONLY data.escalation_rounds FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.escalation_rounds IS 'R6.3 a round so many minutes after the alert, as long as nobody has it. Push, e-mail and SMS always (R6.9); has_call: and an automated call. is_exhausting: then it goes to everyone, and operations are alarmed. The round of 0 minutes is the first.';
CREATE TABLE data.help_requests (
    id uuid DEFAULT data.new_id() NOT NULL,
    member_id uuid NOT NULL,
    alert_id uuid NOT NULL,
    requested_at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY data.help_requests FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.help_requests IS 'R6.2 every press of "I need help". A trigger raises its alert, or adds to the one that is open.';
CREATE TABLE data.idempotency_keys (
    user_id uuid NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    answer jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT idempotency_key_is_1_to_200_characters CHECK (((length(key) >= 1) AND (length(key) <= 200)))
);
ALTER TABLE ONLY data.idempotency_keys FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.idempotency_keys IS 'R9.4 the answer that a key of this user got, stored in the transaction of its effect. fingerprint: a hash of operation and body.';
CREATE TABLE data.invitation_tries (
    id bigint NOT NULL,
    user_id uuid NOT NULL,
    tried_at timestamp with time zone NOT NULL,
    network inet
);
ALTER TABLE ONLY data.invitation_tries FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.invitation_tries IS 'R3.2 wrong invitation codes, to count them.';
COMMENT ON COLUMN data.invitation_tries.network IS 'R3.2 where the try came from: an IPv4 address, or the 64 bits of an IPv6 network, which is one customer''s.';
ALTER TABLE data.invitation_tries ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME data.invitation_tries_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE data.job_runs (
    job text NOT NULL,
    ran_at timestamp with time zone NOT NULL,
    most integer DEFAULT 500 NOT NULL,
    CONSTRAINT job_takes_at_least_one_row CHECK (((most >= 1) AND (most <= 500)))
);
ALTER TABLE ONLY data.job_runs FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.job_runs IS 'R9.7 when a job last did its work, give or take ten seconds: silence of one that nothing is due for would look like peace.';
COMMENT ON COLUMN data.job_runs.most IS 'How many rows the job takes at once: fewer after a call that was cancelled.';
CREATE TABLE data.notification_kinds (
    kind text NOT NULL,
    priority text NOT NULL,
    work_rank smallint NOT NULL,
    about text NOT NULL,
    is_urgent boolean DEFAULT false NOT NULL,
    CONSTRAINT priority_is_known CHECK ((priority = ANY (ARRAY['critical'::text, 'high'::text, 'normal'::text, 'low'::text])))
);
ALTER TABLE ONLY data.notification_kinds FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.notification_kinds IS 'R7.2 what may be told, how urgently, and its place in the order of work (R7.4: 1 first).';
COMMENT ON COLUMN data.notification_kinds.is_urgent IS 'R7.5 no quiet hours hold it back, though it is not critical.';
CREATE TABLE data.obligations_met (
    obligation_id uuid NOT NULL,
    check_in_id uuid NOT NULL
);
ALTER TABLE ONLY data.obligations_met FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.obligations_met IS 'Which check-in met which obligation: the first one counts (R4.4).';
CREATE TABLE data.policies (
    key text NOT NULL,
    value integer NOT NULL,
    unit text NOT NULL,
    "least" integer DEFAULT 0 NOT NULL,
    most integer NOT NULL,
    about text NOT NULL,
    CONSTRAINT policy_is_in_its_range CHECK (((value >= "least") AND (value <= most))),
    CONSTRAINT policy_key_is_a_name CHECK ((key ~ '^[a-z][a-z0-9_]*$'::text))
);
ALTER TABLE ONLY data.policies FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.policies IS 'The numbers in [brackets] of the product''s rules. Changed with api.set_policy; every change is kept in data.policy_changes.';
CREATE TABLE data.policy_changes (
    id bigint NOT NULL,
    key text NOT NULL,
    old_value integer NOT NULL,
    new_value integer NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    changed_by text NOT NULL,
    reason text NOT NULL,
    CONSTRAINT policy_change_has_a_reason CHECK (((length(reason) >= 3) AND (length(reason) <= 500)))
);
ALTER TABLE ONLY data.policy_changes FORCE ROW LEVEL SECURITY;
ALTER TABLE data.policy_changes ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME data.policy_changes_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE data.receipts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME data.receipts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE data.received_texts (
    message_sid text NOT NULL,
    answer text NOT NULL,
    received_at timestamp with time zone NOT NULL,
    CONSTRAINT message_sid_is_1_to_64_characters CHECK (((length(message_sid) >= 1) AND (length(message_sid) <= 64))),
    CONSTRAINT text_answer_is_a_code CHECK ((answer ~ '^[a-z_]{1,30}$'::text))
);
ALTER TABLE ONLY data.received_texts FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.received_texts IS 'R6.6 which texts were taken, and what was answered: Twilio may bring one twice. Neither the number nor the words are kept.';
CREATE TABLE data.refresh_tokens (
    token_hash bytea NOT NULL,
    session_id uuid NOT NULL,
    issued_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone
);
ALTER TABLE ONLY data.refresh_tokens FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.refresh_tokens IS 'R2.4 a session is a family of refresh tokens, of which one is unused.';
CREATE TABLE data.set_asides (
    job text NOT NULL,
    row_id uuid NOT NULL,
    reason text NOT NULL,
    tries integer DEFAULT 1 NOT NULL,
    first_at timestamp with time zone NOT NULL,
    again_at timestamp with time zone NOT NULL,
    CONSTRAINT reason_is_a_sqlstate CHECK ((reason ~ '^[0-9A-Z]{5}$'::text))
);
ALTER TABLE ONLY data.set_asides FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.set_asides IS 'R9.5 rows that a job could not handle, by SQL state, and when it tries again: 55P03 is a row that another session holds. The job goes on with the others. No foreign key: row_id is what the job takes, and may be gone.';
CREATE TABLE data.signatures (
    check_in_id uuid NOT NULL,
    device_id uuid,
    signed_at timestamp with time zone,
    signed_on date,
    state text NOT NULL,
    CONSTRAINT signature_state_is_known CHECK ((state = ANY (ARRAY['verified'::text, 'unverified'::text, 'wrong'::text])))
);
ALTER TABLE ONLY data.signatures FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.signatures IS 'R4.11 what became of the signature of a check-in; one without has no row. verified: by a key of the Member''s, for the day it counts for, and not used before. unverified: right, but for another day, or used before. wrong: of no key that is registered, or of something else. The check-in counts in any case.';
CREATE TABLE data.unknown_sign_ins (
    kind text NOT NULL,
    lookup bytea NOT NULL,
    failed_tries smallint DEFAULT 0 NOT NULL,
    failed_since_success smallint DEFAULT 0 NOT NULL,
    locked_until timestamp with time zone,
    tried_at timestamp with time zone NOT NULL,
    CONSTRAINT unknown_address_kind_is_known CHECK ((kind = ANY (ARRAY['email'::text, 'phone'::text])))
);
ALTER TABLE ONLY data.unknown_sign_ins FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.unknown_sign_ins IS 'R2.1, R2.3 tries to sign in with an address that has no account, counted and locked as if it had one: the answer tells nobody which it is.';
CREATE TABLE data.unreached_contacts (
    alert_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    found_at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY data.unreached_contacts FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.unreached_contacts IS 'R7.3 whom no channel reached with an alert, so that the others were told: once for each alert and Contact.';
CREATE TABLE data.untold_check_ins (
    check_in_id uuid NOT NULL
);
ALTER TABLE ONLY data.untold_check_ins FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.untold_check_ins IS 'R3.4 check-ins of which some Contact wants to hear, until a job has told them.';
CREATE TABLE data.watch_settings (
    contact_id uuid NOT NULL,
    member_id uuid NOT NULL,
    nickname text,
    hears_of text DEFAULT 'misses_only'::text NOT NULL,
    mutes_routine boolean DEFAULT false NOT NULL,
    digest_at timestamp with time zone,
    CONSTRAINT hears_of_is_known CHECK ((hears_of = ANY (ARRAY['every_check_in'::text, 'daily_digest'::text, 'misses_only'::text]))),
    CONSTRAINT nickname_is_1_to_80_characters CHECK ((((length(nickname) >= 1) AND (length(nickname) <= 80)) AND (nickname = btrim(nickname)))),
    CONSTRAINT only_a_daily_digest_has_its_time CHECK (((hears_of = 'daily_digest'::text) = (digest_at IS NOT NULL)))
);
ALTER TABLE ONLY data.watch_settings FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.watch_settings IS 'R3.4 how a Contact wants to watch a Member; none is the default of everything. A table of its own, so that the Member sees nothing of it; it ends with the connection. digest_at: when the next digest is due.';
CREATE TABLE data.webhook_secrets (
    id uuid NOT NULL,
    webhook_id uuid NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone,
    CONSTRAINT webhook_secret_is_short CHECK ((octet_length(sealed) <= 512))
);
ALTER TABLE ONLY data.webhook_secrets FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.webhook_secrets IS 'What events of a webhook are signed with (R9.3: sealed). ends_at: it was followed by another one, and signs beside it until then.';
CREATE TABLE data.weekly_summaries (
    user_id uuid NOT NULL,
    due_at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY data.weekly_summaries FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.weekly_summaries IS 'R7.2 when somebody is next told how the week was: of all whom they watch, and their own. A row for whoever is, or was, connected.';
CREATE TABLE data.welfare_card_looks (
    id uuid DEFAULT data.new_id() NOT NULL,
    member_id uuid NOT NULL,
    looked_by uuid NOT NULL,
    looked_at timestamp with time zone NOT NULL,
    CONSTRAINT a_look_is_somebody_elses CHECK ((member_id <> looked_by))
);
ALTER TABLE ONLY data.welfare_card_looks FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE data.welfare_card_looks IS 'R1.5 every look of a Contact at a welfare card; a trigger writes it into the trail.';
CREATE TABLE meta.clock (
    only_one boolean DEFAULT true NOT NULL,
    rehearsal boolean DEFAULT false NOT NULL,
    ahead_by interval DEFAULT '00:00:00'::interval NOT NULL,
    CONSTRAINT there_is_one_clock CHECK (only_one),
    CONSTRAINT time_is_real_in_production CHECK ((rehearsal OR (ahead_by = '00:00:00'::interval))),
    CONSTRAINT time_never_runs_behind CHECK ((ahead_by >= '00:00:00'::interval))
);
COMMENT ON TABLE meta.clock IS 'How far rules.clock() runs ahead of now(). Only a database made for rehearsals (tests, pruuf dev) may differ from zero (R9.6).';
CREATE TABLE meta.jobs (
    name text NOT NULL,
    call text NOT NULL,
    every interval NOT NULL,
    woken_by text,
    is_deadline boolean DEFAULT false NOT NULL,
    time_limit interval DEFAULT '00:00:20'::interval NOT NULL,
    about text NOT NULL,
    CONSTRAINT job_has_a_time_limit CHECK (((time_limit >= '00:00:01'::interval) AND (time_limit <= '00:05:00'::interval))),
    CONSTRAINT job_is_a_function_of_jobs CHECK ((call ~ '^jobs\.[a-z]+(_[a-z]+)*\(\)$'::text)),
    CONSTRAINT job_is_woken_by_a_known_channel CHECK ((woken_by = 'pruuf_work'::text)),
    CONSTRAINT job_name_is_snake_case CHECK ((name ~ '^[a-z]+(_[a-z]+)*$'::text)),
    CONSTRAINT job_runs_at_least_daily CHECK (((every >= '00:00:00.1'::interval) AND (every <= '1 day'::interval)))
);
COMMENT ON TABLE meta.jobs IS 'R9.5 what runs by itself: its SQL call, how often, the NOTIFY that wakes it, and its statement time-out. A job stops by itself after half of its time limit and keeps what it has done. is_deadline: runs on database connections that no other job can take.';
CREATE TABLE meta.releases (
    id text NOT NULL,
    is_additive boolean NOT NULL,
    applied_at timestamp with time zone NOT NULL,
    CONSTRAINT id_is_sha256 CHECK ((id ~ '^[0-9a-f]{64}$'::text))
);
COMMENT ON TABLE meta.releases IS 'The releases that this database has had; the one applied last is the one it has now. id: the SHA-256 of all SQL of the release. is_additive: servers of the release before may go on serving.';
CREATE TABLE meta.schema_history (
    version bigint NOT NULL,
    name character varying(255),
    applied_on character varying(255),
    checksum character varying(255)
);
CREATE TABLE meta.sql_files (
    path text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);
COMMENT ON TABLE meta.sql_files IS 'Which version of each file under sql/ this database runs.';
ALTER TABLE ONLY audit.events ATTACH PARTITION audit.events_else DEFAULT;
ALTER TABLE ONLY audit.seals
    ADD CONSTRAINT one_seal_per_event UNIQUE (event_id);
ALTER TABLE ONLY audit.seals
    ADD CONSTRAINT seals_pkey PRIMARY KEY (place);
ALTER TABLE ONLY billing.accounts
    ADD CONSTRAINT accounts_pkey PRIMARY KEY (user_id);
ALTER TABLE ONLY billing.customers
    ADD CONSTRAINT customers_pkey PRIMARY KEY (id);
ALTER TABLE ONLY billing.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (id);
ALTER TABLE ONLY billing.customers
    ADD CONSTRAINT one_customer_per_user UNIQUE (user_id);
ALTER TABLE ONLY billing.orders
    ADD CONSTRAINT one_order_per_subscription_and_reason UNIQUE (subscription_id, reason);
ALTER TABLE ONLY billing.prices
    ADD CONSTRAINT one_price_per_plan UNIQUE (lookup_key);
ALTER TABLE ONLY billing.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (id);
ALTER TABLE ONLY billing.prices
    ADD CONSTRAINT prices_pkey PRIMARY KEY (id);
ALTER TABLE ONLY billing.subscriptions
    ADD CONSTRAINT subscriptions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.addresses
    ADD CONSTRAINT addresses_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.alarm_places
    ADD CONSTRAINT alarm_places_pkey PRIMARY KEY (alert_id, user_id, channel, place_id);
ALTER TABLE ONLY data.alert_actions
    ADD CONSTRAINT alert_actions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.alert_rounds
    ADD CONSTRAINT alert_rounds_pkey PRIMARY KEY (alert_id, number);
ALTER TABLE ONLY data.alerts
    ADD CONSTRAINT alerts_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.attempts
    ADD CONSTRAINT attempts_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.attestations
    ADD CONSTRAINT attestations_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.blocks
    ADD CONSTRAINT blocks_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.breaks
    ADD CONSTRAINT breaks_of_a_member_never_overlap EXCLUDE USING gist (member_id WITH =, daterange(first_on, last_on, '[]'::text) WITH &&);
ALTER TABLE ONLY data.breaks
    ADD CONSTRAINT breaks_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.check_ins
    ADD CONSTRAINT check_ins_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.code_keys
    ADD CONSTRAINT code_keys_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.connections
    ADD CONSTRAINT connections_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.coverage_marks
    ADD CONSTRAINT coverage_marks_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.coverage
    ADD CONSTRAINT coverage_pkey PRIMARY KEY (member_id);
ALTER TABLE ONLY data.code_keys
    ADD CONSTRAINT data_key_is_kept_once UNIQUE (key_id);
ALTER TABLE ONLY data.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.devices
    ADD CONSTRAINT devices_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.drill_reminders
    ADD CONSTRAINT drill_reminders_pkey PRIMARY KEY (user_id);
ALTER TABLE ONLY data.drills
    ADD CONSTRAINT drills_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.escalation_changes
    ADD CONSTRAINT escalation_changes_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.escalation_policies
    ADD CONSTRAINT escalation_policies_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.escalation_rounds
    ADD CONSTRAINT escalation_rounds_pkey PRIMARY KEY (policy_id, after_minutes);
ALTER TABLE ONLY data.help_requests
    ADD CONSTRAINT help_requests_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (user_id, key);
ALTER TABLE ONLY data.invitation_tries
    ADD CONSTRAINT invitation_tries_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.invitations
    ADD CONSTRAINT invitations_pkey PRIMARY KEY (id);
ALTER TABLE data.invitations
    ADD CONSTRAINT invitee_name_is_plain CHECK (((name !~ '[\u0001-\u001F\u007F-\u009F\u200B\u200E\u200F\u2028-\u202E\u2060-\u2069\uFEFF]'::text) AND (name !~* '://|www[.]'::text))) NOT VALID;
ALTER TABLE ONLY data.ip_tries
    ADD CONSTRAINT ip_tries_pkey PRIMARY KEY (kind, ip);
ALTER TABLE ONLY data.job_runs
    ADD CONSTRAINT job_runs_pkey PRIMARY KEY (job);
ALTER TABLE ONLY data.linked_devices
    ADD CONSTRAINT linked_devices_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.notification_kinds
    ADD CONSTRAINT notification_kinds_pkey PRIMARY KEY (kind);
ALTER TABLE ONLY data.notifications
    ADD CONSTRAINT notifications_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.obligations_met
    ADD CONSTRAINT obligations_met_pkey PRIMARY KEY (obligation_id);
ALTER TABLE ONLY data.obligations
    ADD CONSTRAINT obligations_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.alerts
    ADD CONSTRAINT one_alert_per_obligation UNIQUE (obligation_id);
ALTER TABLE ONLY data.escalation_policies
    ADD CONSTRAINT one_escalation_policy_per_member UNIQUE NULLS NOT DISTINCT (member_id);
ALTER TABLE ONLY data.webhook_events
    ADD CONSTRAINT one_event_per_webhook_and_notification UNIQUE (webhook_id, notification_id);
ALTER TABLE ONLY data.linked_devices
    ADD CONSTRAINT one_linked_device_per_token UNIQUE (token_hash);
ALTER TABLE ONLY data.notifications
    ADD CONSTRAINT one_notification_per_user_and_cause UNIQUE NULLS NOT DISTINCT (user_id, kind, cause);
ALTER TABLE ONLY data.obligations
    ADD CONSTRAINT one_obligation_per_slot UNIQUE (member_id, local_on, local_time, time_zone);
ALTER TABLE ONLY data.receipts
    ADD CONSTRAINT one_receipt_per_event UNIQUE (provider, event_id);
ALTER TABLE ONLY data.one_time_codes
    ADD CONSTRAINT one_time_codes_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.pins
    ADD CONSTRAINT pins_pkey PRIMARY KEY (user_id);
ALTER TABLE ONLY data.policies
    ADD CONSTRAINT policies_pkey PRIMARY KEY (key);
ALTER TABLE ONLY data.policy_changes
    ADD CONSTRAINT policy_changes_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.positions
    ADD CONSTRAINT positions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.preferences
    ADD CONSTRAINT preferences_pkey PRIMARY KEY (user_id);
ALTER TABLE ONLY data.receipts
    ADD CONSTRAINT receipts_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.received_texts
    ADD CONSTRAINT received_texts_pkey PRIMARY KEY (message_sid);
ALTER TABLE ONLY data.refresh_tokens
    ADD CONSTRAINT refresh_tokens_pkey PRIMARY KEY (token_hash);
ALTER TABLE ONLY data.schedules
    ADD CONSTRAINT schedules_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.set_asides
    ADD CONSTRAINT set_asides_pkey PRIMARY KEY (job, row_id);
ALTER TABLE ONLY data.signatures
    ADD CONSTRAINT signatures_pkey PRIMARY KEY (check_in_id);
ALTER TABLE ONLY data.staff_roles
    ADD CONSTRAINT staff_roles_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.unknown_sign_ins
    ADD CONSTRAINT unknown_sign_ins_pkey PRIMARY KEY (kind, lookup);
ALTER TABLE ONLY data.unreached_contacts
    ADD CONSTRAINT unreached_contacts_pkey PRIMARY KEY (alert_id, contact_id);
ALTER TABLE ONLY data.untold_check_ins
    ADD CONSTRAINT untold_check_ins_pkey PRIMARY KEY (check_in_id);
ALTER TABLE data.users
    ADD CONSTRAINT user_name_is_plain CHECK (((name !~ '[\u0001-\u001F\u007F-\u009F\u200B\u200E\u200F\u2028-\u202E\u2060-\u2069\uFEFF]'::text) AND (name !~* '://|www[.]'::text))) NOT VALID;
ALTER TABLE ONLY data.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.watch_settings
    ADD CONSTRAINT watch_settings_pkey PRIMARY KEY (contact_id, member_id);
ALTER TABLE ONLY data.webhook_events
    ADD CONSTRAINT webhook_events_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.webhook_secrets
    ADD CONSTRAINT webhook_secrets_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.webhooks
    ADD CONSTRAINT webhooks_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.weekly_summaries
    ADD CONSTRAINT weekly_summaries_pkey PRIMARY KEY (user_id);
ALTER TABLE ONLY data.welfare_card_looks
    ADD CONSTRAINT welfare_card_looks_pkey PRIMARY KEY (id);
ALTER TABLE ONLY data.welfare_cards
    ADD CONSTRAINT welfare_cards_pkey PRIMARY KEY (user_id);
ALTER TABLE ONLY meta.clock
    ADD CONSTRAINT clock_pkey PRIMARY KEY (only_one);
ALTER TABLE ONLY meta.jobs
    ADD CONSTRAINT jobs_pkey PRIMARY KEY (name);
ALTER TABLE ONLY meta.releases
    ADD CONSTRAINT releases_pkey PRIMARY KEY (id);
ALTER TABLE ONLY meta.schema_history
    ADD CONSTRAINT schema_history_pkey PRIMARY KEY (version);
ALTER TABLE ONLY meta.sql_files
    ADD CONSTRAINT sql_files_pkey PRIMARY KEY (path);
CREATE INDEX events_actor ON ONLY audit.events USING btree (actor_user_id, at);
CREATE INDEX events_at ON ONLY audit.events USING brin (at) WITH (pages_per_range='32', autosummarize='on');
CREATE INDEX events_else_actor_user_id_at_idx ON audit.events_else USING btree (actor_user_id, at);
CREATE INDEX events_else_at_idx ON audit.events_else USING brin (at) WITH (pages_per_range='32', autosummarize='on');
CREATE INDEX events_object ON ONLY audit.events USING btree (object_id);
CREATE INDEX events_else_object_id_idx ON audit.events_else USING btree (object_id);
CREATE INDEX events_subject ON ONLY audit.events USING btree (subject_user_id, at);
CREATE INDEX events_else_subject_user_id_at_idx ON audit.events_else USING btree (subject_user_id, at);
CREATE INDEX accounts_next_step ON billing.accounts USING btree (next_step_at) WHERE (next_step_at IS NOT NULL);
CREATE INDEX customers_compared ON billing.customers USING btree (compared_at);
CREATE INDEX events_due ON billing.events USING btree (next_try_at) WHERE (state = ANY (ARRAY['pending'::text, 'failed'::text]));
CREATE INDEX orders_due ON billing.orders USING btree (next_try_at) WHERE (done_at IS NULL);
CREATE INDEX subscriptions_customer ON billing.subscriptions USING btree (customer_id);
CREATE INDEX subscriptions_fetched ON billing.subscriptions USING btree (fetched_at);
CREATE UNIQUE INDEX address_is_listed_once ON data.addresses USING btree (user_id, kind, lookup);
CREATE INDEX addresses_lookup ON data.addresses USING btree (lookup);
CREATE INDEX alarm_places_user ON data.alarm_places USING btree (user_id);
CREATE INDEX alert_actions_alert ON data.alert_actions USING btree (alert_id, id);
CREATE INDEX alert_actions_user ON data.alert_actions USING btree (user_id);
CREATE INDEX alerts_acknowledged_by ON data.alerts USING btree (acknowledged_by);
CREATE INDEX alerts_member ON data.alerts USING btree (member_id, id DESC);
CREATE INDEX alerts_next_step ON data.alerts USING btree (next_step_at) WHERE (state <> 'resolved'::text);
CREATE INDEX alerts_reach_check ON data.alerts USING btree (reach_check_at) WHERE (state <> 'resolved'::text);
CREATE INDEX alerts_resolved_by ON data.alerts USING btree (resolved_by);
CREATE INDEX alerts_unresolved ON data.alerts USING btree (member_id) WHERE (state <> 'resolved'::text);
CREATE INDEX alerts_unresolved_since ON data.alerts USING btree (raised_at) WHERE (state <> 'resolved'::text);
CREATE INDEX attempts_delivery ON data.attempts USING btree (delivery_id, id);
CREATE INDEX attempts_ended_at ON data.attempts USING btree (ended_at);
CREATE INDEX attestations_contact ON data.attestations USING btree (contact_id);
CREATE INDEX attestations_member ON data.attestations USING btree (member_id, id DESC);
CREATE INDEX attestations_obligation ON data.attestations USING btree (obligation_id);
CREATE INDEX blocks_blocked ON data.blocks USING btree (blocked_id);
CREATE INDEX blocks_blocker ON data.blocks USING btree (blocker_id);
CREATE INDEX breaks_member ON data.breaks USING btree (member_id, first_on DESC);
CREATE INDEX breaks_step ON data.breaks USING btree (next_step_at) WHERE (next_step_at < 'infinity'::timestamp with time zone);
CREATE INDEX check_ins_member ON data.check_ins USING btree (member_id, received_at DESC);
CREATE INDEX check_ins_obligation ON data.check_ins USING btree (obligation_id) WHERE (obligation_id IS NOT NULL);
CREATE INDEX connections_contact ON data.connections USING btree (contact_id) WHERE (ended_at IS NULL);
CREATE INDEX connections_contact_ever ON data.connections USING btree (contact_id);
CREATE INDEX connections_ended_by ON data.connections USING btree (ended_by);
CREATE INDEX connections_invitation ON data.connections USING btree (invitation_id);
CREATE INDEX connections_member_ever ON data.connections USING btree (member_id);
CREATE INDEX coverage_marks_user ON data.coverage_marks USING btree (user_id);
CREATE INDEX deliveries_any_link ON data.deliveries USING btree ("right"((id)::text, 10)) WHERE (channel = ANY (ARRAY['email'::text, 'sms'::text, 'push'::text]));
CREATE INDEX deliveries_due ON data.deliveries USING btree (channel, work_rank, next_attempt_at) WHERE (state = 'pending'::text);
CREATE INDEX deliveries_expiring ON data.deliveries USING btree (expires_at) WHERE ((state = 'pending'::text) AND (expires_at IS NOT NULL));
CREATE INDEX deliveries_leased ON data.deliveries USING btree (channel, lease_until) WHERE (state = 'sending'::text);
CREATE INDEX deliveries_message ON data.deliveries USING btree (provider_message_id) WHERE (provider_message_id IS NOT NULL);
CREATE INDEX deliveries_notification ON data.deliveries USING btree (notification_id);
CREATE INDEX deliveries_of_address ON data.deliveries USING btree (address_id, created_at) WHERE (address_id IS NOT NULL);
CREATE INDEX deliveries_poll ON data.deliveries USING btree (poll_at) WHERE ((state = 'accepted'::text) AND (poll_at IS NOT NULL));
CREATE INDEX deliveries_unsettled_alert ON data.deliveries USING btree (alert_id) WHERE ((alert_id IS NOT NULL) AND (state = ANY (ARRAY['pending'::text, 'sending'::text])));
CREATE INDEX deliveries_unsettled_at_place ON data.deliveries USING btree (COALESCE(address_id, device_id)) WHERE ((COALESCE(address_id, device_id) IS NOT NULL) AND (state = ANY (ARRAY['pending'::text, 'sending'::text])));
CREATE INDEX devices_user ON data.devices USING btree (user_id, registered_at);
CREATE INDEX drill_reminders_due ON data.drill_reminders USING btree (remind_at);
CREATE INDEX drills_user ON data.drills USING btree (user_id, asked_at DESC);
CREATE INDEX help_requests_alert ON data.help_requests USING btree (alert_id);
CREATE INDEX help_requests_member ON data.help_requests USING btree (member_id, id DESC);
CREATE INDEX idempotency_keys_age ON data.idempotency_keys USING btree (created_at);
CREATE UNIQUE INDEX invitation_code_is_free ON data.invitations USING btree (code_hash) WHERE (state = 'pending'::text);
CREATE UNIQUE INDEX invitation_token_is_one_invitation ON data.invitations USING btree (token_hash) WHERE (token_hash IS NOT NULL);
CREATE INDEX invitation_tries_age ON data.invitation_tries USING btree (tried_at);
CREATE INDEX invitation_tries_network ON data.invitation_tries USING btree (network, tried_at) WHERE (network IS NOT NULL);
CREATE INDEX invitation_tries_user ON data.invitation_tries USING btree (user_id, tried_at);
CREATE INDEX invitations_accepted_by ON data.invitations USING btree (accepted_by);
CREATE INDEX invitations_address ON data.invitations USING btree (lookup);
CREATE INDEX invitations_code ON data.invitations USING btree (code_hash);
CREATE INDEX invitations_inviter ON data.invitations USING btree (inviter_id, id);
CREATE INDEX ip_tries_age ON data.ip_tries USING btree (began_at);
CREATE INDEX linked_devices_user ON data.linked_devices USING btree (user_id);
CREATE INDEX notifications_address ON data.notifications USING btree (address_lookup, created_at) WHERE (address_lookup IS NOT NULL);
CREATE INDEX notifications_alert_reader ON data.notifications USING btree (alert_id, user_id, created_at) WHERE (alert_id IS NOT NULL);
CREATE INDEX notifications_member ON data.notifications USING btree (member_id) WHERE (member_id IS NOT NULL);
CREATE INDEX notifications_stranger_age ON data.notifications USING btree (created_at) WHERE (user_id IS NULL);
CREATE INDEX notifications_user ON data.notifications USING btree (user_id, id DESC);
CREATE INDEX obligations_alert ON data.obligations USING btree (alert_at) WHERE (state = 'open'::text);
CREATE INDEX obligations_history ON data.obligations USING btree (member_id, due_at);
CREATE INDEX obligations_met_check_in ON data.obligations_met USING btree (check_in_id);
CREATE INDEX obligations_remind ON data.obligations USING btree (remind_at) WHERE (remind_at IS NOT NULL);
CREATE INDEX obligations_schedule ON data.obligations USING btree (schedule_id);
CREATE UNIQUE INDEX one_account_per_address ON data.addresses USING btree (kind, lookup) WHERE (verified_at IS NOT NULL);
CREATE UNIQUE INDEX one_block_per_pair ON data.blocks USING btree (blocker_id, blocked_id) WHERE (unblocked_at IS NULL);
CREATE UNIQUE INDEX one_connection_per_pair ON data.connections USING btree (member_id, contact_id) WHERE (ended_at IS NULL);
CREATE UNIQUE INDEX one_open_call_for_help_per_member ON data.alerts USING btree (member_id) WHERE ((kind = 'help'::text) AND (state <> 'resolved'::text));
CREATE UNIQUE INDEX one_open_obligation_per_member ON data.obligations USING btree (member_id) WHERE (state = 'open'::text);
CREATE UNIQUE INDEX one_position_per_check_in ON data.positions USING btree (check_in_id) WHERE (check_in_id IS NOT NULL);
CREATE UNIQUE INDEX one_position_per_help_request ON data.positions USING btree (help_request_id) WHERE (help_request_id IS NOT NULL);
CREATE UNIQUE INDEX one_resend_per_delivery ON data.deliveries USING btree (resend_of) WHERE (resend_of IS NOT NULL);
CREATE UNIQUE INDEX one_schedule_in_force ON data.schedules USING btree (member_id) WHERE (superseded_at IS NULL);
CREATE UNIQUE INDEX one_staff_role_per_user ON data.staff_roles USING btree (user_id) WHERE (removed_at IS NULL);
CREATE INDEX one_time_codes_address ON data.one_time_codes USING btree (kind, lookup, created_at DESC);
CREATE INDEX one_time_codes_age ON data.one_time_codes USING btree (created_at);
CREATE INDEX one_time_codes_lookup ON data.one_time_codes USING btree (lookup);
CREATE UNIQUE INDEX one_unused_refresh_token_per_session ON data.refresh_tokens USING btree (session_id) WHERE (used_at IS NULL);
CREATE INDEX policy_changes_key ON data.policy_changes USING btree (key, id);
CREATE INDEX positions_member ON data.positions USING btree (member_id, received_at);
CREATE INDEX positions_received ON data.positions USING btree (received_at);
CREATE UNIQUE INDEX push_token_is_one_device ON data.devices USING btree (push_token);
CREATE INDEX receipts_delivery ON data.receipts USING btree (delivery_id) WHERE (delivery_id IS NOT NULL);
CREATE INDEX receipts_message ON data.receipts USING btree (provider_message_id);
CREATE INDEX receipts_received_at ON data.receipts USING btree (received_at);
CREATE INDEX refresh_tokens_age ON data.refresh_tokens USING btree (expires_at) WHERE (used_at IS NOT NULL);
CREATE INDEX refresh_tokens_session ON data.refresh_tokens USING btree (session_id);
CREATE INDEX schedules_member ON data.schedules USING btree (member_id);
CREATE INDEX sessions_user ON data.sessions USING btree (user_id);
CREATE INDEX set_asides_again ON data.set_asides USING btree (job, again_at);
CREATE INDEX signatures_device ON data.signatures USING btree (device_id, signed_at);
CREATE INDEX staff_roles_added_by ON data.staff_roles USING btree (added_by);
CREATE INDEX staff_roles_removed_by ON data.staff_roles USING btree (removed_by);
CREATE INDEX staff_roles_user ON data.staff_roles USING btree (user_id);
CREATE UNIQUE INDEX ticket_is_one_code ON data.one_time_codes USING btree (ticket_hash) WHERE (ticket_hash IS NOT NULL);
CREATE INDEX unknown_sign_ins_age ON data.unknown_sign_ins USING btree (tried_at);
CREATE INDEX unreached_contacts_contact ON data.unreached_contacts USING btree (contact_id);
CREATE INDEX users_deleted ON data.users USING btree (deleted_at) WHERE (deleted_at IS NOT NULL);
CREATE INDEX users_leaving ON data.users USING btree (id) WHERE is_leaving;
CREATE INDEX watch_settings_digest ON data.watch_settings USING btree (digest_at) WHERE (digest_at IS NOT NULL);
CREATE INDEX watch_settings_every_check_in ON data.watch_settings USING btree (member_id) WHERE (hears_of = 'every_check_in'::text);
CREATE INDEX watch_settings_member ON data.watch_settings USING btree (member_id);
CREATE INDEX webhook_events_due ON data.webhook_events USING btree (next_attempt_at) WHERE (state = 'pending'::text);
CREATE INDEX webhook_events_notification ON data.webhook_events USING btree (notification_id);
CREATE INDEX webhook_events_settled ON data.webhook_events USING btree (settled_at) WHERE (settled_at IS NOT NULL);
CREATE INDEX webhook_secrets_webhook ON data.webhook_secrets USING btree (webhook_id);
CREATE INDEX webhooks_user ON data.webhooks USING btree (user_id);
CREATE INDEX weekly_summaries_due ON data.weekly_summaries USING btree (due_at);
CREATE INDEX welfare_card_looks_looked_by ON data.welfare_card_looks USING btree (looked_by);
CREATE INDEX welfare_card_looks_member ON data.welfare_card_looks USING btree (member_id, id DESC);
CREATE INDEX releases_applied_at ON meta.releases USING btree (applied_at);
ALTER INDEX audit.events_actor ATTACH PARTITION audit.events_else_actor_user_id_at_idx;
ALTER INDEX audit.events_at ATTACH PARTITION audit.events_else_at_idx;
ALTER INDEX audit.events_object ATTACH PARTITION audit.events_else_object_id_idx;
ALTER INDEX audit.events_subject ATTACH PARTITION audit.events_else_subject_user_id_at_idx;
CREATE TRIGGER tg_subscriptions__settle AFTER INSERT OR UPDATE ON billing.subscriptions FOR EACH ROW EXECUTE FUNCTION rules.tg_subscriptions__settle();
CREATE TRIGGER tg_addresses__mark_coverage AFTER INSERT OR DELETE OR UPDATE OF verified_at, off_at ON data.addresses FOR EACH ROW EXECUTE FUNCTION rules.tg_addresses__mark_coverage();
CREATE TRIGGER tg_addresses__record AFTER UPDATE OF off_at ON data.addresses FOR EACH ROW WHEN (((old.off_at IS NULL) AND (new.off_at IS NOT NULL))) EXECUTE FUNCTION rules.tg_addresses__record();
CREATE TRIGGER tg_addresses__withdraw BEFORE DELETE ON data.addresses FOR EACH ROW EXECUTE FUNCTION rules.tg_addresses__withdraw();
CREATE TRIGGER tg_alert_actions__act AFTER INSERT ON data.alert_actions FOR EACH ROW EXECUTE FUNCTION rules.tg_alert_actions__act();
CREATE TRIGGER tg_alert_actions__stamp BEFORE INSERT ON data.alert_actions FOR EACH ROW EXECUTE FUNCTION rules.tg_alert_actions__stamp();
CREATE TRIGGER tg_alerts__record AFTER INSERT OR UPDATE OF state ON data.alerts FOR EACH ROW EXECUTE FUNCTION rules.tg_alerts__record();
CREATE TRIGGER tg_attestations__close BEFORE INSERT ON data.attestations FOR EACH ROW EXECUTE FUNCTION rules.tg_attestations__close();
CREATE TRIGGER tg_blocks__part AFTER INSERT OR UPDATE OF unblocked_at ON data.blocks FOR EACH ROW EXECUTE FUNCTION rules.tg_blocks__part();
CREATE TRIGGER tg_blocks__stamp BEFORE INSERT OR UPDATE ON data.blocks FOR EACH ROW EXECUTE FUNCTION rules.tg_blocks__stamp();
CREATE TRIGGER tg_breaks__follow AFTER INSERT OR DELETE OR UPDATE OF first_on, last_on, confirmed_on ON data.breaks FOR EACH ROW EXECUTE FUNCTION rules.tg_breaks__follow();
CREATE TRIGGER tg_breaks__keep BEFORE INSERT OR UPDATE OF first_on, last_on, confirmed_on ON data.breaks FOR EACH ROW EXECUTE FUNCTION rules.tg_breaks__keep();
CREATE TRIGGER tg_check_ins__count AFTER INSERT ON data.check_ins FOR EACH ROW EXECUTE FUNCTION rules.tg_check_ins__count();
CREATE TRIGGER tg_check_ins__stamp BEFORE INSERT ON data.check_ins FOR EACH ROW EXECUTE FUNCTION rules.tg_check_ins__stamp();
CREATE TRIGGER tg_connections__catch_up AFTER UPDATE OF tier ON data.connections FOR EACH ROW WHEN (((old.tier = 'backup'::text) AND (new.tier = 'primary'::text) AND (new.ended_at IS NULL))) EXECUTE FUNCTION rules.tg_connections__catch_up();
CREATE TRIGGER tg_connections__end BEFORE UPDATE OF ended_at ON data.connections FOR EACH ROW WHEN (((old.ended_at IS NULL) AND (new.ended_at IS NOT NULL))) EXECUTE FUNCTION rules.tg_connections__end();
CREATE TRIGGER tg_connections__entitle AFTER INSERT ON data.connections FOR EACH ROW EXECUTE FUNCTION rules.tg_connections__entitle();
CREATE TRIGGER tg_connections__mark_coverage AFTER INSERT OR DELETE OR UPDATE OF ended_at ON data.connections FOR EACH ROW EXECUTE FUNCTION rules.tg_connections__mark_coverage();
CREATE TRIGGER tg_connections__plan_drills AFTER INSERT ON data.connections FOR EACH ROW EXECUTE FUNCTION rules.tg_connections__plan_drills();
CREATE TRIGGER tg_connections__plan_summaries AFTER INSERT ON data.connections FOR EACH ROW EXECUTE FUNCTION rules.tg_connections__plan_summaries();
CREATE TRIGGER tg_deliveries__arrive AFTER UPDATE OF state, may_have_arrived ON data.deliveries FOR EACH ROW WHEN (((new.alert_id IS NOT NULL) AND (COALESCE(new.address_id, new.device_id) IS NOT NULL) AND (new.may_have_arrived OR (new.state = ANY (ARRAY['accepted'::text, 'delivered'::text, 'confirmed'::text]))) AND (NOT (old.may_have_arrived OR (old.state = ANY (ARRAY['accepted'::text, 'delivered'::text, 'confirmed'::text])))))) EXECUTE FUNCTION rules.tg_deliveries__arrive();
CREATE TRIGGER tg_deliveries__only_up BEFORE UPDATE OF state ON data.deliveries FOR EACH ROW WHEN (((old.state <> new.state) AND (NOT rules.delivery_may_become(old.state, new.state)))) EXECUTE FUNCTION rules.tg_deliveries__only_up();
CREATE TRIGGER tg_devices__mark_coverage AFTER INSERT OR DELETE OR UPDATE OF off_at, may_push ON data.devices FOR EACH ROW EXECUTE FUNCTION rules.tg_devices__mark_coverage();
CREATE TRIGGER tg_devices__record AFTER DELETE OR UPDATE OF off_at, may_push ON data.devices FOR EACH ROW EXECUTE FUNCTION rules.tg_devices__record();
CREATE TRIGGER tg_devices__withdraw BEFORE DELETE ON data.devices FOR EACH ROW EXECUTE FUNCTION rules.tg_devices__withdraw();
CREATE TRIGGER tg_escalation_policies__record AFTER INSERT OR DELETE OR UPDATE ON data.escalation_policies FOR EACH ROW EXECUTE FUNCTION rules.tg_escalation_policies__record();
CREATE TRIGGER tg_escalation_rounds__record AFTER INSERT OR DELETE OR UPDATE ON data.escalation_rounds FOR EACH ROW EXECUTE FUNCTION rules.tg_escalation_rounds__record();
CREATE TRIGGER tg_help_requests__raise BEFORE INSERT ON data.help_requests FOR EACH ROW EXECUTE FUNCTION rules.tg_help_requests__raise();
CREATE TRIGGER tg_notification_kinds__record AFTER UPDATE ON data.notification_kinds FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION rules.tg_notification_kinds__record();
CREATE TRIGGER tg_notification_kinds__stay BEFORE DELETE ON data.notification_kinds FOR EACH ROW EXECUTE FUNCTION rules.tg_notification_kinds__stay();
CREATE TRIGGER tg_notifications__address AFTER INSERT ON data.notifications REFERENCING NEW TABLE AS told FOR EACH STATEMENT EXECUTE FUNCTION rules.tg_notifications__address();
CREATE TRIGGER tg_notifications__hook AFTER INSERT ON data.notifications REFERENCING NEW TABLE AS told FOR EACH STATEMENT EXECUTE FUNCTION rules.tg_notifications__hook();
CREATE TRIGGER tg_notifications__read AFTER UPDATE OF read_at ON data.notifications FOR EACH ROW WHEN (((old.read_at IS NULL) AND (new.read_at IS NOT NULL))) EXECUTE FUNCTION rules.tg_notifications__read();
CREATE TRIGGER tg_notifications__record AFTER UPDATE OF read_at, hidden_at ON data.notifications FOR EACH ROW WHEN ((((old.read_at IS NULL) AND (new.read_at IS NOT NULL)) OR ((old.hidden_at IS NULL) AND (new.hidden_at IS NOT NULL)))) EXECUTE FUNCTION rules.tg_notifications__record();
CREATE TRIGGER tg_notifications__stamp BEFORE UPDATE OF read_at, hidden_at ON data.notifications FOR EACH ROW EXECUTE FUNCTION rules.tg_notifications__stamp();
CREATE TRIGGER tg_policies__record AFTER UPDATE OF value ON data.policies FOR EACH ROW WHEN ((old.value <> new.value)) EXECUTE FUNCTION rules.tg_policies__record();
CREATE TRIGGER tg_positions__stamp BEFORE INSERT ON data.positions FOR EACH ROW EXECUTE FUNCTION rules.tg_positions__stamp();
CREATE TRIGGER tg_preferences__keep BEFORE INSERT OR UPDATE ON data.preferences FOR EACH ROW EXECUTE FUNCTION rules.tg_preferences__keep();
CREATE TRIGGER tg_preferences__record AFTER INSERT OR UPDATE ON data.preferences FOR EACH ROW EXECUTE FUNCTION rules.tg_preferences__record();
CREATE TRIGGER tg_schedules__entitle AFTER INSERT ON data.schedules FOR EACH ROW EXECUTE FUNCTION rules.tg_schedules__entitle();
CREATE TRIGGER tg_schedules__mark_coverage AFTER INSERT ON data.schedules FOR EACH ROW EXECUTE FUNCTION rules.tg_schedules__mark_coverage();
CREATE TRIGGER tg_schedules__start AFTER INSERT ON data.schedules FOR EACH ROW EXECUTE FUNCTION rules.tg_schedules__start();
CREATE TRIGGER tg_schedules__take_over BEFORE INSERT ON data.schedules FOR EACH ROW EXECUTE FUNCTION rules.tg_schedules__take_over();
CREATE TRIGGER tg_users__mark_coverage AFTER UPDATE OF deleted_at ON data.users FOR EACH ROW WHEN ((old.deleted_at IS DISTINCT FROM new.deleted_at)) EXECUTE FUNCTION rules.tg_users__mark_coverage();
CREATE TRIGGER tg_watch_settings__keep BEFORE INSERT OR UPDATE OF hears_of ON data.watch_settings FOR EACH ROW EXECUTE FUNCTION rules.tg_watch_settings__keep();
CREATE TRIGGER tg_watch_settings__record AFTER INSERT OR UPDATE OF nickname, hears_of, mutes_routine ON data.watch_settings FOR EACH ROW EXECUTE FUNCTION rules.tg_watch_settings__record();
CREATE TRIGGER tg_webhook_events__arrive AFTER UPDATE OF attempts ON data.webhook_events FOR EACH ROW WHEN (((new.attempts > 0) AND (old.attempts = 0) AND (new.notification_id IS NOT NULL))) EXECUTE FUNCTION rules.tg_webhook_events__arrive();
CREATE TRIGGER tg_webhooks__record AFTER UPDATE OF off_at ON data.webhooks FOR EACH ROW WHEN ((old.off_at IS DISTINCT FROM new.off_at)) EXECUTE FUNCTION rules.tg_webhooks__record();
CREATE TRIGGER tg_welfare_card_looks__record AFTER INSERT ON data.welfare_card_looks FOR EACH ROW EXECUTE FUNCTION rules.tg_welfare_card_looks__record();
CREATE TRIGGER tg_welfare_card_looks__stamp BEFORE INSERT ON data.welfare_card_looks FOR EACH ROW EXECUTE FUNCTION rules.tg_welfare_card_looks__stamp();
CREATE TRIGGER tg_welfare_cards__record AFTER INSERT OR UPDATE ON data.welfare_cards FOR EACH ROW EXECUTE FUNCTION rules.tg_welfare_cards__record();
CREATE TRIGGER tg_welfare_cards__stamp BEFORE INSERT OR UPDATE ON data.welfare_cards FOR EACH ROW EXECUTE FUNCTION rules.tg_welfare_cards__stamp();
CREATE TRIGGER tg_clock__rehearsal BEFORE UPDATE ON meta.clock FOR EACH ROW EXECUTE FUNCTION rules.tg_clock__rehearsal();
CREATE TRIGGER tg_jobs__record AFTER UPDATE ON meta.jobs FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION rules.tg_jobs__record();
ALTER TABLE ONLY billing.accounts
    ADD CONSTRAINT accounts_user_id_fkey FOREIGN KEY (user_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY billing.customers
    ADD CONSTRAINT customers_user_id_fkey FOREIGN KEY (user_id) REFERENCES data.users(id) ON DELETE SET NULL;
ALTER TABLE ONLY billing.orders
    ADD CONSTRAINT orders_subscription_id_fkey FOREIGN KEY (subscription_id) REFERENCES billing.subscriptions(id) ON DELETE CASCADE;
ALTER TABLE ONLY billing.subscriptions
    ADD CONSTRAINT subscriptions_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES billing.customers(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.addresses
    ADD CONSTRAINT addresses_user_id_fkey FOREIGN KEY (user_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.alarm_places
    ADD CONSTRAINT alarm_places_alert_id_fkey FOREIGN KEY (alert_id) REFERENCES data.alerts(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.alert_actions
    ADD CONSTRAINT alert_actions_alert_id_fkey FOREIGN KEY (alert_id) REFERENCES data.alerts(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.alert_actions
    ADD CONSTRAINT alert_actions_user_id_fkey FOREIGN KEY (user_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.alert_rounds
    ADD CONSTRAINT alert_rounds_alert_id_fkey FOREIGN KEY (alert_id) REFERENCES data.alerts(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.alerts
    ADD CONSTRAINT alerts_acknowledged_by_fkey FOREIGN KEY (acknowledged_by) REFERENCES data.users(id) ON DELETE SET NULL;
ALTER TABLE ONLY data.alerts
    ADD CONSTRAINT alerts_member_id_fkey FOREIGN KEY (member_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.alerts
    ADD CONSTRAINT alerts_obligation_id_fkey FOREIGN KEY (obligation_id) REFERENCES data.obligations(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.alerts
    ADD CONSTRAINT alerts_resolved_by_fkey FOREIGN KEY (resolved_by) REFERENCES data.users(id) ON DELETE SET NULL;
ALTER TABLE ONLY data.attempts
    ADD CONSTRAINT attempts_delivery_id_fkey FOREIGN KEY (delivery_id) REFERENCES data.deliveries(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.attestations
    ADD CONSTRAINT attestations_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.attestations
    ADD CONSTRAINT attestations_member_id_fkey FOREIGN KEY (member_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.attestations
    ADD CONSTRAINT attestations_obligation_id_fkey FOREIGN KEY (obligation_id) REFERENCES data.obligations(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.blocks
    ADD CONSTRAINT blocks_blocked_id_fkey FOREIGN KEY (blocked_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.blocks
    ADD CONSTRAINT blocks_blocker_id_fkey FOREIGN KEY (blocker_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.breaks
    ADD CONSTRAINT breaks_member_id_fkey FOREIGN KEY (member_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.check_ins
    ADD CONSTRAINT check_ins_member_id_fkey FOREIGN KEY (member_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.check_ins
    ADD CONSTRAINT check_ins_obligation_id_fkey FOREIGN KEY (obligation_id) REFERENCES data.obligations(id) ON DELETE SET NULL;
ALTER TABLE ONLY data.connections
    ADD CONSTRAINT connections_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.connections
    ADD CONSTRAINT connections_ended_by_fkey FOREIGN KEY (ended_by) REFERENCES data.users(id) ON DELETE SET NULL;
ALTER TABLE ONLY data.connections
    ADD CONSTRAINT connections_invitation_id_fkey FOREIGN KEY (invitation_id) REFERENCES data.invitations(id) ON DELETE SET NULL;
ALTER TABLE ONLY data.connections
    ADD CONSTRAINT connections_member_id_fkey FOREIGN KEY (member_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.coverage
    ADD CONSTRAINT coverage_member_id_fkey FOREIGN KEY (member_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.deliveries
    ADD CONSTRAINT deliveries_notification_id_fkey FOREIGN KEY (notification_id) REFERENCES data.notifications(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.deliveries
    ADD CONSTRAINT deliveries_resend_of_fkey FOREIGN KEY (resend_of) REFERENCES data.deliveries(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.devices
    ADD CONSTRAINT devices_user_id_fkey FOREIGN KEY (user_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.drill_reminders
    ADD CONSTRAINT drill_reminders_user_id_fkey FOREIGN KEY (user_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.drills
    ADD CONSTRAINT drills_user_id_fkey FOREIGN KEY (user_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.escalation_policies
    ADD CONSTRAINT escalation_policies_member_id_fkey FOREIGN KEY (member_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.escalation_rounds
    ADD CONSTRAINT escalation_rounds_policy_id_fkey FOREIGN KEY (policy_id) REFERENCES data.escalation_policies(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.help_requests
    ADD CONSTRAINT help_requests_alert_id_fkey FOREIGN KEY (alert_id) REFERENCES data.alerts(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.help_requests
    ADD CONSTRAINT help_requests_member_id_fkey FOREIGN KEY (member_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.idempotency_keys
    ADD CONSTRAINT idempotency_keys_user_id_fkey FOREIGN KEY (user_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.invitation_tries
    ADD CONSTRAINT invitation_tries_user_id_fkey FOREIGN KEY (user_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.invitations
    ADD CONSTRAINT invitations_accepted_by_fkey FOREIGN KEY (accepted_by) REFERENCES data.users(id) ON DELETE SET NULL;
ALTER TABLE ONLY data.invitations
    ADD CONSTRAINT invitations_inviter_id_fkey FOREIGN KEY (inviter_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.linked_devices
    ADD CONSTRAINT linked_devices_user_id_fkey FOREIGN KEY (user_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.notifications
    ADD CONSTRAINT notifications_alert_id_fkey FOREIGN KEY (alert_id) REFERENCES data.alerts(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.notifications
    ADD CONSTRAINT notifications_member_id_fkey FOREIGN KEY (member_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.obligations
    ADD CONSTRAINT obligations_member_id_fkey FOREIGN KEY (member_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.obligations_met
    ADD CONSTRAINT obligations_met_check_in_id_fkey FOREIGN KEY (check_in_id) REFERENCES data.check_ins(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.obligations_met
    ADD CONSTRAINT obligations_met_obligation_id_fkey FOREIGN KEY (obligation_id) REFERENCES data.obligations(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.obligations
    ADD CONSTRAINT obligations_schedule_id_fkey FOREIGN KEY (schedule_id) REFERENCES data.schedules(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.pins
    ADD CONSTRAINT pins_user_id_fkey FOREIGN KEY (user_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.policy_changes
    ADD CONSTRAINT policy_changes_key_fkey FOREIGN KEY (key) REFERENCES data.policies(key) ON DELETE RESTRICT;
ALTER TABLE ONLY data.positions
    ADD CONSTRAINT positions_check_in_id_fkey FOREIGN KEY (check_in_id) REFERENCES data.check_ins(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.positions
    ADD CONSTRAINT positions_help_request_id_fkey FOREIGN KEY (help_request_id) REFERENCES data.help_requests(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.positions
    ADD CONSTRAINT positions_member_id_fkey FOREIGN KEY (member_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.preferences
    ADD CONSTRAINT preferences_user_id_fkey FOREIGN KEY (user_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.receipts
    ADD CONSTRAINT receipts_delivery_id_fkey FOREIGN KEY (delivery_id) REFERENCES data.deliveries(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.refresh_tokens
    ADD CONSTRAINT refresh_tokens_session_id_fkey FOREIGN KEY (session_id) REFERENCES data.sessions(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.schedules
    ADD CONSTRAINT schedules_member_id_fkey FOREIGN KEY (member_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.sessions
    ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.signatures
    ADD CONSTRAINT signatures_check_in_id_fkey FOREIGN KEY (check_in_id) REFERENCES data.check_ins(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.signatures
    ADD CONSTRAINT signatures_device_id_fkey FOREIGN KEY (device_id) REFERENCES data.devices(id) ON DELETE SET NULL;
ALTER TABLE ONLY data.staff_roles
    ADD CONSTRAINT staff_roles_added_by_fkey FOREIGN KEY (added_by) REFERENCES data.users(id) ON DELETE SET NULL;
ALTER TABLE ONLY data.staff_roles
    ADD CONSTRAINT staff_roles_removed_by_fkey FOREIGN KEY (removed_by) REFERENCES data.users(id) ON DELETE SET NULL;
ALTER TABLE ONLY data.staff_roles
    ADD CONSTRAINT staff_roles_user_id_fkey FOREIGN KEY (user_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.unreached_contacts
    ADD CONSTRAINT unreached_contacts_alert_id_fkey FOREIGN KEY (alert_id) REFERENCES data.alerts(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.unreached_contacts
    ADD CONSTRAINT unreached_contacts_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.untold_check_ins
    ADD CONSTRAINT untold_check_ins_check_in_id_fkey FOREIGN KEY (check_in_id) REFERENCES data.check_ins(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.watch_settings
    ADD CONSTRAINT watch_settings_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.watch_settings
    ADD CONSTRAINT watch_settings_member_id_fkey FOREIGN KEY (member_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.webhook_events
    ADD CONSTRAINT webhook_events_notification_id_fkey FOREIGN KEY (notification_id) REFERENCES data.notifications(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.webhook_events
    ADD CONSTRAINT webhook_events_webhook_id_fkey FOREIGN KEY (webhook_id) REFERENCES data.webhooks(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.webhook_secrets
    ADD CONSTRAINT webhook_secrets_webhook_id_fkey FOREIGN KEY (webhook_id) REFERENCES data.webhooks(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.webhooks
    ADD CONSTRAINT webhooks_user_id_fkey FOREIGN KEY (user_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.weekly_summaries
    ADD CONSTRAINT weekly_summaries_user_id_fkey FOREIGN KEY (user_id) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.welfare_card_looks
    ADD CONSTRAINT welfare_card_looks_looked_by_fkey FOREIGN KEY (looked_by) REFERENCES data.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY data.welfare_card_looks
    ADD CONSTRAINT welfare_card_looks_member_id_fkey FOREIGN KEY (member_id) REFERENCES data.welfare_cards(user_id) ON DELETE CASCADE;
ALTER TABLE ONLY data.welfare_cards
    ADD CONSTRAINT welfare_cards_user_id_fkey FOREIGN KEY (user_id) REFERENCES data.users(id) ON DELETE CASCADE;
CREATE POLICY engine_appends_to_the_trail ON audit.events FOR INSERT TO pruuf_engine WITH CHECK (true);
CREATE POLICY engine_forgets_ip_addresses ON audit.events FOR UPDATE TO pruuf_engine USING (true) WITH CHECK (((ip IS NULL) AND (ip_salt IS NULL)));
CREATE POLICY engine_queues_for_the_sealer ON audit.unsealed_events FOR INSERT TO pruuf_engine WITH CHECK (true);
CREATE POLICY engine_reads_the_chain ON audit.seals FOR SELECT TO pruuf_engine USING (true);
CREATE POLICY engine_reads_the_trail ON audit.events FOR SELECT TO pruuf_engine USING (true);
CREATE POLICY engine_reads_what_waits ON audit.unsealed_events FOR SELECT TO pruuf_engine USING (true);
ALTER TABLE audit.events ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit.events_else ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit.seals ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit.unsealed_events ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_adds_to_the_chain ON audit.seals FOR INSERT TO pruuf_worker WITH CHECK (true);
CREATE POLICY worker_reads_the_chain ON audit.seals FOR SELECT TO pruuf_worker USING (true);
CREATE POLICY worker_reads_what_to_seal ON audit.unsealed_events FOR SELECT TO pruuf_worker USING (true);
CREATE POLICY worker_removes_what_is_sealed ON audit.unsealed_events FOR DELETE TO pruuf_worker USING ((EXISTS ( SELECT
   FROM audit.seals s
  WHERE (s.event_id = unsealed_events.event_id))));
ALTER TABLE billing.accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE billing.customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY engine_does_its_work ON billing.accounts TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON billing.customers TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON billing.events TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON billing.orders TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON billing.prices TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON billing.subscriptions TO pruuf_engine USING (true) WITH CHECK (true);
ALTER TABLE billing.events ENABLE ROW LEVEL SECURITY;
ALTER TABLE billing.orders ENABLE ROW LEVEL SECURITY;
ALTER TABLE billing.prices ENABLE ROW LEVEL SECURITY;
ALTER TABLE billing.subscriptions ENABLE ROW LEVEL SECURITY;
CREATE POLICY user_reads_own_account ON billing.accounts FOR SELECT TO pruuf_user USING ((user_id = ( SELECT rules.current_user_id() AS current_user_id)));
CREATE POLICY user_reads_own_customer ON billing.customers FOR SELECT TO pruuf_user USING ((user_id = ( SELECT rules.current_user_id() AS current_user_id)));
CREATE POLICY user_reads_own_subscriptions ON billing.subscriptions FOR SELECT TO pruuf_user USING ((EXISTS ( SELECT
   FROM billing.customers k
  WHERE ((k.id = subscriptions.customer_id) AND (k.user_id = ( SELECT rules.current_user_id() AS current_user_id))))));
CREATE POLICY whoever_is_signed_in_reads_prices ON billing.prices FOR SELECT TO pruuf_user USING ((( SELECT rules.current_user_id() AS current_user_id) IS NOT NULL));
CREATE POLICY worker_reads_who_gets_everything ON billing.accounts FOR SELECT TO pruuf_worker USING (true);
ALTER TABLE data.addresses ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.alarm_places ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.alert_actions ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.alert_rounds ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.alerts ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.attempts ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.attestations ENABLE ROW LEVEL SECURITY;
CREATE POLICY blocker_lifts_own_blocks ON data.blocks FOR UPDATE TO pruuf_user USING (((blocker_id = ( SELECT rules.current_user_id() AS current_user_id)) AND (unblocked_at IS NULL))) WITH CHECK (((blocker_id = ( SELECT rules.current_user_id() AS current_user_id)) AND (unblocked_at IS NOT NULL)));
CREATE POLICY blocker_reads_own_blocks ON data.blocks FOR SELECT TO pruuf_user USING ((blocker_id = ( SELECT rules.current_user_id() AS current_user_id)));
CREATE POLICY blocker_reads_whom_they_blocked ON data.users FOR SELECT TO pruuf_user USING ((id IN ( SELECT rules.blocked_user_ids() AS blocked_user_ids)));
ALTER TABLE data.blocks ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.breaks ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.check_ins ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.code_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY connected_users_see_each_other ON data.users FOR SELECT TO pruuf_user USING (rules.is_linked(id));
ALTER TABLE data.connections ENABLE ROW LEVEL SECURITY;
CREATE POLICY contact_acts_on_alert_of_linked_member ON data.alert_actions FOR INSERT TO pruuf_user WITH CHECK (((action <> 'cancel'::text) AND (user_id = ( SELECT rules.current_user_id() AS current_user_id)) AND (EXISTS ( SELECT
   FROM data.alerts a
  WHERE ((a.id = alert_actions.alert_id) AND (a.member_id IN ( SELECT rules.watched_member_ids() AS watched_member_ids)))))));
CREATE POLICY contact_attests_linked_member ON data.attestations FOR INSERT TO pruuf_user WITH CHECK (((contact_id = ( SELECT rules.current_user_id() AS current_user_id)) AND (member_id IN ( SELECT rules.watched_member_ids() AS watched_member_ids))));
CREATE POLICY contact_changes_how_they_watch ON data.watch_settings FOR UPDATE TO pruuf_user USING ((contact_id = ( SELECT rules.current_user_id() AS current_user_id))) WITH CHECK (((contact_id = ( SELECT rules.current_user_id() AS current_user_id)) AND (member_id IN ( SELECT rules.watched_member_ids() AS watched_member_ids))));
CREATE POLICY contact_looks_at_a_card_that_is_shown ON data.welfare_card_looks FOR INSERT TO pruuf_user WITH CHECK (((looked_by = ( SELECT rules.current_user_id() AS current_user_id)) AND (EXISTS ( SELECT
   FROM data.welfare_cards c
  WHERE (c.user_id = welfare_card_looks.member_id)))));
CREATE POLICY contact_reads_a_card_that_is_shown ON data.welfare_cards FOR SELECT TO pruuf_user USING (((user_id IN ( SELECT rules.watched_member_ids() AS watched_member_ids)) AND (is_always_shown OR (EXISTS ( SELECT
   FROM data.alerts a
  WHERE ((a.member_id = welfare_cards.user_id) AND (a.state <> 'resolved'::text)))))));
CREATE POLICY contact_reads_breaks_of_linked_member ON data.breaks FOR SELECT TO pruuf_user USING ((( SELECT rules.is_entitled(( SELECT rules.current_user_id() AS current_user_id)) AS is_entitled) AND (member_id IN ( SELECT rules.watched_member_ids() AS watched_member_ids))));
CREATE POLICY contact_reads_linked_member ON data.alerts FOR SELECT TO pruuf_user USING ((member_id IN ( SELECT rules.watched_member_ids() AS watched_member_ids)));
CREATE POLICY contact_reads_linked_member ON data.check_ins FOR SELECT TO pruuf_user USING ((( SELECT rules.is_entitled(( SELECT rules.current_user_id() AS current_user_id)) AS is_entitled) AND (member_id IN ( SELECT rules.watched_member_ids() AS watched_member_ids))));
CREATE POLICY contact_reads_linked_member ON data.coverage FOR SELECT TO pruuf_user USING ((member_id IN ( SELECT rules.watched_member_ids() AS watched_member_ids)));
CREATE POLICY contact_reads_linked_member ON data.obligations FOR SELECT TO pruuf_user USING ((( SELECT rules.is_entitled(( SELECT rules.current_user_id() AS current_user_id)) AS is_entitled) AND (member_id IN ( SELECT rules.watched_member_ids() AS watched_member_ids))));
CREATE POLICY contact_reads_linked_member ON data.positions FOR SELECT TO pruuf_user USING (((member_id IN ( SELECT rules.watched_member_ids() AS watched_member_ids)) AND ((help_request_id IS NOT NULL) OR ( SELECT rules.is_entitled(( SELECT rules.current_user_id() AS current_user_id)) AS is_entitled))));
CREATE POLICY contact_reads_own_settings ON data.watch_settings FOR SELECT TO pruuf_user USING ((contact_id = ( SELECT rules.current_user_id() AS current_user_id)));
CREATE POLICY contact_reads_words_about_linked_member ON data.attestations FOR SELECT TO pruuf_user USING ((member_id IN ( SELECT rules.watched_member_ids() AS watched_member_ids)));
CREATE POLICY contact_sets_how_they_watch ON data.watch_settings FOR INSERT TO pruuf_user WITH CHECK (((contact_id = ( SELECT rules.current_user_id() AS current_user_id)) AND (member_id IN ( SELECT rules.watched_member_ids() AS watched_member_ids))));
ALTER TABLE data.coverage ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.coverage_marks ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.deliveries ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.devices ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.drill_reminders ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.drills ENABLE ROW LEVEL SECURITY;
CREATE POLICY either_side_ends_connection ON data.connections FOR UPDATE TO pruuf_user USING (((ended_at IS NULL) AND ((member_id = ( SELECT rules.current_user_id() AS current_user_id)) OR (contact_id = ( SELECT rules.current_user_id() AS current_user_id))))) WITH CHECK (((ended_at IS NOT NULL) AND (ended_by = ( SELECT rules.current_user_id() AS current_user_id))));
CREATE POLICY either_side_reads_connection ON data.connections FOR SELECT TO pruuf_user USING (((member_id = ( SELECT rules.current_user_id() AS current_user_id)) OR (contact_id = ( SELECT rules.current_user_id() AS current_user_id))));
CREATE POLICY engine_does_its_work ON data.addresses TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.alarm_places TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.alert_actions TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.alert_rounds TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.alerts TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.attestations TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.blocks TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.breaks TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.check_ins TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.connections TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.coverage TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.deliveries TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.devices TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.drill_reminders TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.drills TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.help_requests TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.invitation_tries TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.invitations TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.ip_tries TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.linked_devices TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.notifications TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.obligations TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.obligations_met TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.one_time_codes TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.pins TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.positions TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.preferences TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.received_texts TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.refresh_tokens TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.schedules TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.sessions TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.signatures TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.staff_roles TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.unknown_sign_ins TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.unreached_contacts TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.untold_check_ins TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.users TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.watch_settings TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.webhook_events TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.webhook_secrets TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.webhooks TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.weekly_summaries TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.welfare_card_looks TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_does_its_work ON data.welfare_cards TO pruuf_engine USING (true) WITH CHECK (true);
CREATE POLICY engine_erases_keys ON data.idempotency_keys TO pruuf_engine USING (true);
CREATE POLICY engine_forgets_attempts ON data.attempts FOR DELETE TO pruuf_engine USING (true);
CREATE POLICY engine_forgets_receipts ON data.receipts FOR DELETE TO pruuf_engine USING (true);
CREATE POLICY engine_keeps_changes ON data.escalation_changes FOR INSERT TO pruuf_engine WITH CHECK (true);
CREATE POLICY engine_keeps_changes ON data.policy_changes FOR INSERT TO pruuf_engine WITH CHECK (true);
CREATE POLICY engine_leaves_them_out ON data.set_asides FOR SELECT TO pruuf_engine USING (true);
CREATE POLICY engine_locks_attempts ON data.attempts FOR UPDATE TO pruuf_engine USING (true) WITH CHECK (false);
CREATE POLICY engine_locks_receipts ON data.receipts FOR UPDATE TO pruuf_engine USING (true) WITH CHECK (false);
CREATE POLICY engine_marks_what_changed ON data.coverage_marks FOR INSERT TO pruuf_engine WITH CHECK (true);
CREATE POLICY engine_reads_attempts ON data.attempts FOR SELECT TO pruuf_engine USING (true);
CREATE POLICY engine_reads_receipts ON data.receipts FOR SELECT TO pruuf_engine USING (true);
CREATE POLICY engine_reads_the_marks ON data.coverage_marks FOR SELECT TO pruuf_engine USING (true);
ALTER TABLE data.escalation_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.escalation_policies ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.escalation_rounds ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybody_reads_the_kinds ON data.notification_kinds FOR SELECT USING (true);
CREATE POLICY everybody_reads_the_numbers ON data.policies FOR SELECT USING (true);
ALTER TABLE data.help_requests ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.idempotency_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.invitation_tries ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.invitations ENABLE ROW LEVEL SECURITY;
CREATE POLICY inviter_reads_own_invitations ON data.invitations FOR SELECT TO pruuf_user USING ((inviter_id = ( SELECT rules.current_user_id() AS current_user_id)));
ALTER TABLE data.ip_tries ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.job_runs ENABLE ROW LEVEL SECURITY;
CREATE POLICY keeper_keeps_code_keys ON data.code_keys TO pruuf_keeper USING (true) WITH CHECK (true);
CREATE POLICY keeper_seals_anew ON data.addresses TO pruuf_keeper USING (true) WITH CHECK (true);
CREATE POLICY keeper_seals_anew ON data.invitations TO pruuf_keeper USING (true) WITH CHECK (true);
CREATE POLICY keeper_seals_anew ON data.notifications TO pruuf_keeper USING (true) WITH CHECK (true);
CREATE POLICY keeper_seals_anew ON data.one_time_codes TO pruuf_keeper USING (true) WITH CHECK (true);
CREATE POLICY keeper_seals_anew ON data.positions TO pruuf_keeper USING (true) WITH CHECK (true);
CREATE POLICY keeper_seals_anew ON data.unknown_sign_ins TO pruuf_keeper USING (true) WITH CHECK (true);
CREATE POLICY keeper_seals_anew ON data.webhook_secrets TO pruuf_keeper USING (true) WITH CHECK (true);
CREATE POLICY keeper_seals_anew ON data.webhooks TO pruuf_keeper USING (true) WITH CHECK (true);
CREATE POLICY keeper_seals_anew ON data.welfare_cards TO pruuf_keeper USING (true) WITH CHECK (true);
ALTER TABLE data.linked_devices ENABLE ROW LEVEL SECURITY;
CREATE POLICY member_asks_for_help ON data.help_requests FOR INSERT TO pruuf_user WITH CHECK ((member_id = ( SELECT rules.current_user_id() AS current_user_id)));
CREATE POLICY member_cancels_own_call_for_help ON data.alert_actions FOR INSERT TO pruuf_user WITH CHECK (((action = 'cancel'::text) AND (user_id = ( SELECT rules.current_user_id() AS current_user_id)) AND (EXISTS ( SELECT
   FROM data.alerts a
  WHERE ((a.id = alert_actions.alert_id) AND (a.kind = 'help'::text) AND (a.member_id = ( SELECT rules.current_user_id() AS current_user_id)))))));
CREATE POLICY member_changes_own_breaks ON data.breaks FOR UPDATE TO pruuf_user USING ((member_id = ( SELECT rules.current_user_id() AS current_user_id))) WITH CHECK ((member_id = ( SELECT rules.current_user_id() AS current_user_id)));
CREATE POLICY member_checks_in ON data.check_ins FOR INSERT TO pruuf_user WITH CHECK ((member_id = ( SELECT rules.current_user_id() AS current_user_id)));
CREATE POLICY member_erases_own_positions ON data.positions FOR DELETE TO pruuf_user USING ((member_id = ( SELECT rules.current_user_id() AS current_user_id)));
CREATE POLICY member_gives_up_what_has_not_begun ON data.breaks FOR DELETE TO pruuf_user USING (((member_id = ( SELECT rules.current_user_id() AS current_user_id)) AND (begins_at > ( SELECT rules.clock() AS clock))));
CREATE POLICY member_plans_own_breaks ON data.breaks FOR INSERT TO pruuf_user WITH CHECK ((member_id = ( SELECT rules.current_user_id() AS current_user_id)));
CREATE POLICY member_reads_own_alerts ON data.alerts FOR SELECT TO pruuf_user USING ((member_id = ( SELECT rules.current_user_id() AS current_user_id)));
CREATE POLICY member_reads_own_breaks ON data.breaks FOR SELECT TO pruuf_user USING ((member_id = ( SELECT rules.current_user_id() AS current_user_id)));
CREATE POLICY member_reads_own_calls_for_help ON data.help_requests FOR SELECT TO pruuf_user USING ((member_id = ( SELECT rules.current_user_id() AS current_user_id)));
CREATE POLICY member_reads_own_check_ins ON data.check_ins FOR SELECT TO pruuf_user USING ((member_id = ( SELECT rules.current_user_id() AS current_user_id)));
CREATE POLICY member_reads_own_coverage ON data.coverage FOR SELECT TO pruuf_user USING ((member_id = ( SELECT rules.current_user_id() AS current_user_id)));
CREATE POLICY member_reads_own_obligations ON data.obligations FOR SELECT TO pruuf_user USING ((member_id = ( SELECT rules.current_user_id() AS current_user_id)));
CREATE POLICY member_reads_own_positions ON data.positions FOR SELECT TO pruuf_user USING ((member_id = ( SELECT rules.current_user_id() AS current_user_id)));
CREATE POLICY member_reads_own_schedule ON data.schedules FOR SELECT TO pruuf_user USING ((member_id = ( SELECT rules.current_user_id() AS current_user_id)));
CREATE POLICY member_reads_words_about_them ON data.attestations FOR SELECT TO pruuf_user USING ((member_id = ( SELECT rules.current_user_id() AS current_user_id)));
CREATE POLICY member_says_where_they_are ON data.positions FOR INSERT TO pruuf_user WITH CHECK (((member_id = ( SELECT rules.current_user_id() AS current_user_id)) AND rules.shares_position((help_request_id IS NOT NULL)) AND ((check_in_id IS NULL) OR (EXISTS ( SELECT
   FROM data.check_ins c
  WHERE ((c.id = positions.check_in_id) AND (c.member_id = ( SELECT rules.current_user_id() AS current_user_id)))))) AND ((help_request_id IS NULL) OR (EXISTS ( SELECT
   FROM data.help_requests h
  WHERE ((h.id = positions.help_request_id) AND (h.member_id = ( SELECT rules.current_user_id() AS current_user_id))))))));
CREATE POLICY member_sets_own_schedule ON data.schedules FOR INSERT TO pruuf_user WITH CHECK ((member_id = ( SELECT rules.current_user_id() AS current_user_id)));
ALTER TABLE data.notification_kinds ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.notifications ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.obligations ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.obligations_met ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.one_time_codes ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner_changes_how_alerts_escalate ON data.escalation_policies TO pruuf_owner USING (true) WITH CHECK (true);
CREATE POLICY owner_changes_how_alerts_escalate ON data.escalation_rounds TO pruuf_owner USING (true) WITH CHECK (true);
CREATE POLICY owner_changes_own_card ON data.welfare_cards FOR UPDATE TO pruuf_user USING ((user_id = ( SELECT rules.current_user_id() AS current_user_id))) WITH CHECK ((user_id = ( SELECT rules.current_user_id() AS current_user_id)));
CREATE POLICY owner_changes_own_preferences ON data.preferences FOR UPDATE TO pruuf_user USING ((user_id = ( SELECT rules.current_user_id() AS current_user_id))) WITH CHECK ((user_id = ( SELECT rules.current_user_id() AS current_user_id)));
CREATE POLICY owner_changes_the_numbers ON data.policies FOR UPDATE TO pruuf_owner USING (true);
CREATE POLICY owner_chooses_for_themselves ON data.preferences FOR INSERT TO pruuf_user WITH CHECK ((user_id = ( SELECT rules.current_user_id() AS current_user_id)));
CREATE POLICY owner_keeps_and_reads_changes ON data.policy_changes TO pruuf_owner USING (true) WITH CHECK (true);
CREATE POLICY owner_keeps_own_keys ON data.idempotency_keys TO pruuf_user USING ((user_id = ( SELECT rules.current_user_id() AS current_user_id))) WITH CHECK ((user_id = ( SELECT rules.current_user_id() AS current_user_id)));
CREATE POLICY owner_marks_own_notifications ON data.notifications FOR UPDATE TO pruuf_user USING ((user_id = ( SELECT rules.current_user_id() AS current_user_id))) WITH CHECK ((user_id = ( SELECT rules.current_user_id() AS current_user_id)));
CREATE POLICY owner_reads_changes ON data.escalation_changes FOR SELECT TO pruuf_owner USING (true);
CREATE POLICY owner_reads_own_addresses ON data.addresses FOR SELECT TO pruuf_user USING ((user_id = ( SELECT rules.current_user_id() AS current_user_id)));
CREATE POLICY owner_reads_own_card ON data.welfare_cards FOR SELECT TO pruuf_user USING ((user_id = ( SELECT rules.current_user_id() AS current_user_id)));
CREATE POLICY owner_reads_own_devices ON data.devices FOR SELECT TO pruuf_user USING ((user_id = ( SELECT rules.current_user_id() AS current_user_id)));
CREATE POLICY owner_reads_own_linked_devices ON data.linked_devices FOR SELECT TO pruuf_user USING ((user_id = ( SELECT rules.current_user_id() AS current_user_id)));
CREATE POLICY owner_reads_own_notifications ON data.notifications FOR SELECT TO pruuf_user USING ((user_id = ( SELECT rules.current_user_id() AS current_user_id)));
CREATE POLICY owner_reads_own_preferences ON data.preferences FOR SELECT TO pruuf_user USING ((user_id = ( SELECT rules.current_user_id() AS current_user_id)));
CREATE POLICY owner_reads_own_sessions ON data.sessions FOR SELECT TO pruuf_user USING ((user_id = ( SELECT rules.current_user_id() AS current_user_id)));
CREATE POLICY owner_sees_who_looked ON data.welfare_card_looks FOR SELECT TO pruuf_user USING ((member_id = ( SELECT rules.current_user_id() AS current_user_id)));
CREATE POLICY owner_writes_own_card ON data.welfare_cards FOR INSERT TO pruuf_user WITH CHECK ((user_id = ( SELECT rules.current_user_id() AS current_user_id)));
ALTER TABLE data.pins ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.policies ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.policy_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.positions ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.preferences ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.receipts ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.received_texts ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.refresh_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.schedules ENABLE ROW LEVEL SECURITY;
CREATE POLICY server_reads_how_alerts_escalate ON data.escalation_policies FOR SELECT TO pruuf_engine, pruuf_staff, pruuf_worker USING (true);
CREATE POLICY server_reads_how_alerts_escalate ON data.escalation_rounds FOR SELECT TO pruuf_engine, pruuf_staff, pruuf_worker USING (true);
ALTER TABLE data.sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.set_asides ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.signatures ENABLE ROW LEVEL SECURITY;
CREATE POLICY staff_reads_changes ON data.escalation_changes FOR SELECT TO pruuf_staff USING (true);
CREATE POLICY staff_reads_changes ON data.policy_changes FOR SELECT TO pruuf_staff USING (true);
ALTER TABLE data.staff_roles ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.unknown_sign_ins ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.unreached_contacts ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.untold_check_ins ENABLE ROW LEVEL SECURITY;
CREATE POLICY user_blocks_whom_they_know ON data.blocks FOR INSERT TO pruuf_user WITH CHECK (((blocker_id = ( SELECT rules.current_user_id() AS current_user_id)) AND (EXISTS ( SELECT
   FROM data.connections c
  WHERE ((blocks.blocked_id = c.member_id) OR (blocks.blocked_id = c.contact_id))))));
CREATE POLICY user_reads_self ON data.users FOR SELECT TO pruuf_user USING ((id = ( SELECT rules.current_user_id() AS current_user_id)));
ALTER TABLE data.users ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.watch_settings ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.webhook_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.webhook_secrets ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.webhooks ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.weekly_summaries ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.welfare_card_looks ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.welfare_cards ENABLE ROW LEVEL SECURITY;
CREATE POLICY whoever_sees_the_alert_sees_its_actions ON data.alert_actions FOR SELECT TO pruuf_user USING ((EXISTS ( SELECT
   FROM data.alerts a
  WHERE (a.id = alert_actions.alert_id))));
CREATE POLICY whoever_sees_the_alert_sees_its_requests ON data.help_requests FOR SELECT TO pruuf_user USING ((EXISTS ( SELECT
   FROM data.alerts a
  WHERE (a.id = help_requests.alert_id))));
CREATE POLICY whoever_sees_the_alert_sees_its_rounds ON data.alert_rounds FOR SELECT TO pruuf_user USING ((EXISTS ( SELECT
   FROM data.alerts a
  WHERE (a.id = alert_rounds.alert_id))));
CREATE POLICY whoever_sees_the_check_in_sees_its_signature ON data.signatures FOR SELECT TO pruuf_user USING ((EXISTS ( SELECT
   FROM data.check_ins c
  WHERE (c.id = signatures.check_in_id))));
CREATE POLICY whoever_sees_the_obligation_sees_what_met_it ON data.obligations_met FOR SELECT TO pruuf_user USING ((EXISTS ( SELECT
   FROM data.obligations o
  WHERE (o.id = obligations_met.obligation_id))));
CREATE POLICY worker_adds_attempts ON data.attempts FOR INSERT TO pruuf_worker WITH CHECK (true);
CREATE POLICY worker_adds_receipts ON data.receipts FOR INSERT TO pruuf_worker WITH CHECK (true);
CREATE POLICY worker_closes_what_was_missed ON data.obligations FOR UPDATE TO pruuf_worker USING ((state = 'open'::text)) WITH CHECK ((state = ANY (ARRAY['open'::text, 'missed'::text])));
CREATE POLICY worker_compares_coverage ON data.coverage FOR SELECT TO pruuf_worker USING (true);
CREATE POLICY worker_erases_positions ON data.positions TO pruuf_worker USING (true) WITH CHECK (false);
CREATE POLICY worker_finds_old_positions ON data.positions FOR SELECT TO pruuf_worker USING (true);
CREATE POLICY worker_follows_the_marks ON data.coverage_marks TO pruuf_worker USING (true) WITH CHECK (false);
CREATE POLICY worker_moves_the_next_digest ON data.watch_settings FOR UPDATE TO pruuf_worker USING ((digest_at IS NOT NULL)) WITH CHECK ((digest_at IS NOT NULL));
CREATE POLICY worker_notes_its_runs ON data.job_runs TO pruuf_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_notes_what_became ON data.webhooks FOR UPDATE TO pruuf_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_opens_the_next ON data.obligations FOR INSERT TO pruuf_worker WITH CHECK ((state = 'open'::text));
CREATE POLICY worker_puts_off_a_look ON data.breaks FOR UPDATE TO pruuf_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_queues_deliveries ON data.deliveries FOR INSERT TO pruuf_worker WITH CHECK ((state = 'pending'::text));
CREATE POLICY worker_raises_alerts ON data.alerts FOR INSERT TO pruuf_worker WITH CHECK ((state = 'open'::text));
CREATE POLICY worker_reads_addresses ON data.addresses FOR SELECT TO pruuf_worker USING (true);
CREATE POLICY worker_reads_alerts ON data.alerts FOR SELECT TO pruuf_worker USING (true);
CREATE POLICY worker_reads_attempts ON data.attempts FOR SELECT TO pruuf_worker USING (true);
CREATE POLICY worker_reads_breaks ON data.breaks FOR SELECT TO pruuf_worker USING (true);
CREATE POLICY worker_reads_code_keys ON data.code_keys FOR SELECT TO pruuf_worker USING (true);
CREATE POLICY worker_reads_deliveries ON data.deliveries FOR SELECT TO pruuf_worker USING (true);
CREATE POLICY worker_reads_devices ON data.devices FOR SELECT TO pruuf_worker USING (true);
CREATE POLICY worker_reads_events ON data.webhook_events FOR SELECT TO pruuf_worker USING (true);
CREATE POLICY worker_reads_names_for_texts ON data.users FOR SELECT TO pruuf_worker USING (true);
CREATE POLICY worker_reads_notifications ON data.notifications FOR SELECT TO pruuf_worker USING (true);
CREATE POLICY worker_reads_receipts ON data.receipts FOR SELECT TO pruuf_worker USING (true);
CREATE POLICY worker_reads_schedules ON data.schedules FOR SELECT TO pruuf_worker USING (true);
CREATE POLICY worker_reads_what_is_due ON data.obligations FOR SELECT TO pruuf_worker USING (true);
CREATE POLICY worker_reads_what_to_sign_with ON data.webhook_secrets FOR SELECT TO pruuf_worker USING (true);
CREATE POLICY worker_reads_what_was_chosen ON data.preferences FOR SELECT TO pruuf_worker USING (true);
CREATE POLICY worker_reads_what_was_met ON data.obligations_met FOR SELECT TO pruuf_worker USING (true);
CREATE POLICY worker_reads_when_last_heard ON data.check_ins FOR SELECT TO pruuf_worker USING (true);
CREATE POLICY worker_reads_where_alarms_arrived ON data.alarm_places FOR SELECT TO pruuf_worker USING (true);
CREATE POLICY worker_reads_where_to_send ON data.webhooks FOR SELECT TO pruuf_worker USING (true);
CREATE POLICY worker_reads_who_to_tell ON data.connections FOR SELECT TO pruuf_worker USING (true);
CREATE POLICY worker_reads_who_wants_to_hear ON data.watch_settings FOR SELECT TO pruuf_worker USING (true);
CREATE POLICY worker_reminds_of_drills ON data.drill_reminders TO pruuf_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_sends_deliveries ON data.deliveries FOR UPDATE TO pruuf_worker USING (true);
CREATE POLICY worker_sends_events ON data.webhook_events FOR UPDATE TO pruuf_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_sends_weekly_summaries ON data.weekly_summaries TO pruuf_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_sets_rows_aside ON data.set_asides TO pruuf_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_takes_what_is_untold ON data.untold_check_ins TO pruuf_worker USING (true) WITH CHECK (false);
CREATE POLICY worker_tells_and_reminds ON data.notifications FOR INSERT TO pruuf_worker WITH CHECK (((kind = ANY (ARRAY['missed'::text, 'reminder'::text, 'checked_in'::text, 'checked_in_late'::text, 'daily_digest'::text, 'drill_reminder'::text, 'weekly_summary'::text, 'webhook_off'::text])) AND (user_id IS NOT NULL) AND (read_at IS NULL) AND (hidden_at IS NULL)));
CREATE POLICY worker_turns_addresses_off ON data.addresses FOR UPDATE TO pruuf_worker USING (true);
CREATE POLICY worker_turns_devices_off ON data.devices FOR UPDATE TO pruuf_worker USING (true);
