-- Who may touch billing.accounts, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select from billing.accounts$$, '1 rows', ''),
  ('contact', $$select from billing.accounts$$, '1 rows', ''),
  ('former', $$select from billing.accounts$$, '1 rows', ''),
  ('stranger', $$select from billing.accounts$$, '0 rows', ''),
  ('nobody', $$select from billing.accounts$$, '0 rows', ''),
  ('visitor', $$select from billing.accounts$$, 'refused', ''),
  ('worker', $$select from billing.accounts$$, '3 rows', 'R8.3'),
  ('worker', $$select trial_ends_at from billing.accounts$$, 'refused', ''),
  ('staff', $$select from billing.accounts$$, 'refused', ''),
  ('billing', $$select from billing.accounts$$, 'refused', ''),
  ('server', $$select from billing.accounts$$, 'refused', ''),
  ('owner', $$update billing.accounts set entitlement = entitlement$$, 'refused', 'Stripe is the truth'),
  ('owner', $$delete from billing.accounts$$, 'refused', 'Stripe is the truth'),
  ('owner', $$insert into billing.accounts (user_id, entitlement, since_at) values (:stranger, 'free', now())$$, 'refused', 'nobody sets what they pay'),
  ('contact', $$update billing.accounts set entitlement = entitlement$$, 'refused', 'Stripe is the truth'),
  ('contact', $$delete from billing.accounts$$, 'refused', 'Stripe is the truth'),
  ('contact', $$insert into billing.accounts (user_id, entitlement, since_at) values (:stranger, 'free', now())$$, 'refused', 'nobody sets what they pay'),
  ('former', $$update billing.accounts set entitlement = entitlement$$, 'refused', 'Stripe is the truth'),
  ('former', $$delete from billing.accounts$$, 'refused', 'Stripe is the truth'),
  ('former', $$insert into billing.accounts (user_id, entitlement, since_at) values (:stranger, 'free', now())$$, 'refused', 'nobody sets what they pay'),
  ('stranger', $$update billing.accounts set entitlement = entitlement$$, 'refused', 'Stripe is the truth'),
  ('stranger', $$delete from billing.accounts$$, 'refused', 'Stripe is the truth'),
  ('stranger', $$insert into billing.accounts (user_id, entitlement, since_at) values (:stranger, 'free', now())$$, 'refused', 'nobody sets what they pay'),
  ('nobody', $$update billing.accounts set entitlement = entitlement$$, 'refused', 'Stripe is the truth'),
  ('nobody', $$delete from billing.accounts$$, 'refused', 'Stripe is the truth'),
  ('nobody', $$insert into billing.accounts (user_id, entitlement, since_at) values (:stranger, 'free', now())$$, 'refused', 'nobody sets what they pay'),
  ('visitor', $$update billing.accounts set entitlement = entitlement$$, 'refused', 'Stripe is the truth'),
  ('visitor', $$delete from billing.accounts$$, 'refused', 'Stripe is the truth'),
  ('visitor', $$insert into billing.accounts (user_id, entitlement, since_at) values (:stranger, 'free', now())$$, 'refused', 'nobody sets what they pay'),
  ('worker', $$update billing.accounts set entitlement = entitlement$$, 'refused', 'Stripe is the truth'),
  ('worker', $$delete from billing.accounts$$, 'refused', 'Stripe is the truth'),
  ('worker', $$insert into billing.accounts (user_id, entitlement, since_at) values (:stranger, 'free', now())$$, 'refused', 'nobody sets what they pay'),
  ('staff', $$update billing.accounts set entitlement = entitlement$$, 'refused', 'Stripe is the truth'),
  ('staff', $$delete from billing.accounts$$, 'refused', 'Stripe is the truth'),
  ('staff', $$insert into billing.accounts (user_id, entitlement, since_at) values (:stranger, 'free', now())$$, 'refused', 'nobody sets what they pay'),
  ('billing', $$update billing.accounts set entitlement = entitlement$$, 'refused', 'Stripe is the truth'),
  ('billing', $$delete from billing.accounts$$, 'refused', 'Stripe is the truth'),
  ('billing', $$insert into billing.accounts (user_id, entitlement, since_at) values (:stranger, 'free', now())$$, 'refused', 'nobody sets what they pay'),
  ('server', $$update billing.accounts set entitlement = entitlement$$, 'refused', 'Stripe is the truth'),
  ('server', $$delete from billing.accounts$$, 'refused', 'Stripe is the truth'),
  ('server', $$insert into billing.accounts (user_id, entitlement, since_at) values (:stranger, 'free', now())$$, 'refused', 'nobody sets what they pay')
) as t (voice, statement, expected, because);

select * from tap.finish();
