-- Who may touch data.invitations, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select from data.invitations$$, '1 rows', ''),
  ('contact', $$select from data.invitations$$, '0 rows', ''),
  ('former', $$select from data.invitations$$, '0 rows', ''),
  ('stranger', $$select from data.invitations$$, '0 rows', ''),
  ('nobody', $$select from data.invitations$$, '0 rows', ''),
  ('owner', $$insert into data.invitations (id, inviter_id, invitee_becomes, name, kind, lookup, sealed, code_hash, created_at, expires_at) values (:stranger, :stranger, 'member', 'X', 'email', 'x', 'x', 'x', now(), now())$$, 'refused', 'R3.1 only accepting connects'),
  ('contact', $$insert into data.invitations (id, inviter_id, invitee_becomes, name, kind, lookup, sealed, code_hash, created_at, expires_at) values (:stranger, :stranger, 'member', 'X', 'email', 'x', 'x', 'x', now(), now())$$, 'refused', 'R3.1 only accepting connects'),
  ('former', $$insert into data.invitations (id, inviter_id, invitee_becomes, name, kind, lookup, sealed, code_hash, created_at, expires_at) values (:stranger, :stranger, 'member', 'X', 'email', 'x', 'x', 'x', now(), now())$$, 'refused', 'R3.1 only accepting connects'),
  ('stranger', $$insert into data.invitations (id, inviter_id, invitee_becomes, name, kind, lookup, sealed, code_hash, created_at, expires_at) values (:stranger, :stranger, 'member', 'X', 'email', 'x', 'x', 'x', now(), now())$$, 'refused', 'R3.1 only accepting connects'),
  ('nobody', $$insert into data.invitations (id, inviter_id, invitee_becomes, name, kind, lookup, sealed, code_hash, created_at, expires_at) values (:stranger, :stranger, 'member', 'X', 'email', 'x', 'x', 'x', now(), now())$$, 'refused', 'R3.1 only accepting connects'),
  ('owner', $$update data.invitations set state = 'accepted', accepted_by = :stranger, accepted_at = now()$$, 'refused', 'R3.1 only accepting connects'),
  ('contact', $$update data.invitations set state = 'accepted', accepted_by = :stranger, accepted_at = now()$$, 'refused', 'R3.1 only accepting connects'),
  ('former', $$update data.invitations set state = 'accepted', accepted_by = :stranger, accepted_at = now()$$, 'refused', 'R3.1 only accepting connects'),
  ('stranger', $$update data.invitations set state = 'accepted', accepted_by = :stranger, accepted_at = now()$$, 'refused', 'R3.1 only accepting connects'),
  ('nobody', $$update data.invitations set state = 'accepted', accepted_by = :stranger, accepted_at = now()$$, 'refused', 'R3.1 only accepting connects'),
  ('owner', $$update data.invitations set inviter_id = :stranger$$, 'refused', 'R3.1 only accepting connects'),
  ('contact', $$update data.invitations set inviter_id = :stranger$$, 'refused', 'R3.1 only accepting connects'),
  ('former', $$update data.invitations set inviter_id = :stranger$$, 'refused', 'R3.1 only accepting connects'),
  ('stranger', $$update data.invitations set inviter_id = :stranger$$, 'refused', 'R3.1 only accepting connects'),
  ('nobody', $$update data.invitations set inviter_id = :stranger$$, 'refused', 'R3.1 only accepting connects'),
  ('owner', $$delete from data.invitations$$, 'refused', 'R3.1 only accepting connects'),
  ('contact', $$delete from data.invitations$$, 'refused', 'R3.1 only accepting connects'),
  ('former', $$delete from data.invitations$$, 'refused', 'R3.1 only accepting connects'),
  ('stranger', $$delete from data.invitations$$, 'refused', 'R3.1 only accepting connects'),
  ('nobody', $$delete from data.invitations$$, 'refused', 'R3.1 only accepting connects'),
  ('visitor', $$select from data.invitations$$, 'refused', ''),
  ('staff', $$select from data.invitations$$, 'refused', ''),
  ('billing', $$select from data.invitations$$, 'refused', ''),
  ('server', $$select from data.invitations$$, 'refused', ''),
  ('worker', $$select from data.invitations$$, 'refused', ''),
  ('stranger', $$select api.revoke_invitation(:invitation)$$, 'not-found', ''),
  ('contact', $$select api.revoke_invitation(:invitation)$$, 'not-found', ''),
  ('owner', $$select api.revoke_invitation(:invitation)$$, '1 rows', ''),
  ('owner', $$select from api.accept_invitation('code') a where a ->> 'refused' = 'invitation-unknown'$$, '1 rows', 'nobody watches themselves'),
  ('stranger', $$select from api.accept_invitation('guess') a where a ->> 'refused' = 'invitation-unknown'$$, '1 rows', 'R3.2'),
  ('stranger', $$select from api.accept_invitation(null) a where a ->> 'refused' = 'invitation-unknown'$$, '1 rows', ''),
  ('nobody', $$select api.accept_invitation('code')$$, 'not-signed-in', ''),
  ('stranger', $$select from api.accept_invitation('code') a where a ->> 'you_are' = 'contact'$$, '1 rows', 'R3.1 whoever was given the code')
) as t (voice, statement, expected, because);

select * from tap.finish();
