-- Functions that were removed, a release after the last one that called them: drop function if exists …
-- Took no If-Match; its successor may be called without one.
drop function if exists api.set_schedule(time[], text, smallint[], smallint, text[]);
-- Replaced by one of the same name whose new last argument has a default: the old server's calls fit it, but not beside the old one.
drop function if exists api.create_invitation(uuid, text, text, text, bytea, bytea, bytea);
drop function if exists api.accept_invitation(bytea);
drop function if exists rules.member_shape(data.connections, timestamptz);
drop function if exists rules.watched_connection(uuid);
drop function if exists rules.alert_facts(data.obligations, timestamptz);
