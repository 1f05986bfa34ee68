-- Who may touch data.attestations, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select from data.attestations$$, '1 rows', 'R4.9'),
  ('contact', $$select from data.attestations$$, '1 rows', 'R4.9'),
  ('former', $$select from data.attestations$$, '0 rows', ''),
  ('stranger', $$select from data.attestations$$, '0 rows', ''),
  ('nobody', $$select from data.attestations$$, '0 rows', ''),
  ('visitor', $$select from data.attestations$$, 'refused', ''),
  ('worker', $$select from data.attestations$$, 'refused', ''),
  ('staff', $$select from data.attestations$$, 'refused', ''),
  ('billing', $$select from data.attestations$$, 'refused', ''),
  ('server', $$select from data.attestations$$, 'refused', ''),
  ('contact', $$select api.attest_member(:owner, null)$$, '1 rows', 'R4.9'),
  ('owner', $$select api.attest_member(:owner, null)$$, 'not-found', 'nobody speaks for themselves'),
  ('former', $$select api.attest_member(:owner, null)$$, 'not-found', ''),
  ('stranger', $$select api.attest_member(:owner, null)$$, 'not-found', ''),
  ('nobody', $$select api.attest_member(:owner, null)$$, 'not-signed-in', ''),
  ('owner', $$insert into data.attestations (member_id, contact_id) values (:owner, :owner)$$, 'refused', 'nobody speaks for themselves'),
  ('owner', $$insert into data.attestations (member_id, contact_id) values (:owner, :contact)$$, 'refused', 'not in another''s name'),
  ('former', $$insert into data.attestations (member_id, contact_id) values (:owner, :former)$$, 'refused', ''),
  ('stranger', $$insert into data.attestations (member_id, contact_id) values (:owner, :stranger)$$, 'refused', ''),
  ('stranger', $$insert into data.attestations (member_id, contact_id) values (:owner, :contact)$$, 'refused', 'not in another''s name'),
  ('nobody', $$insert into data.attestations (member_id, contact_id) values (:owner, :contact)$$, 'refused', 'not in another''s name'),
  ('worker', $$insert into data.attestations (member_id, contact_id) values (:owner, :contact)$$, 'refused', 'only a person resolves'),
  ('contact', $$insert into data.attestations (member_id, contact_id, attested_at) values (:owner, :contact, now())$$, 'refused', 'the server''s clock decides'),
  ('contact', $$update data.attestations set note = 'x'$$, 'refused', 'R6.8 what was said stays on record'),
  ('contact', $$delete from data.attestations$$, 'refused', 'R6.8 what was said stays on record'),
  ('owner', $$delete from data.attestations$$, 'refused', 'R6.8 what was said stays on record'),
  ('worker', $$delete from data.attestations$$, 'refused', 'R6.8 what was said stays on record')
) as t (voice, statement, expected, because);

select * from tap.finish();
