-- Who may touch billing.customers, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select from billing.customers$$, '0 rows', ''),
  ('contact', $$select from billing.customers$$, '1 rows', ''),
  ('former', $$select from billing.customers$$, '0 rows', ''),
  ('stranger', $$select from billing.customers$$, '0 rows', ''),
  ('nobody', $$select from billing.customers$$, '0 rows', ''),
  ('visitor', $$select from billing.customers$$, 'refused', ''),
  ('worker', $$select from billing.customers$$, 'refused', ''),
  ('staff', $$select from billing.customers$$, 'refused', ''),
  ('billing', $$select from billing.customers$$, 'refused', ''),
  ('server', $$select from billing.customers$$, 'refused', ''),
  ('owner', $$update billing.customers set user_id = user_id$$, 'refused', 'Stripe is the truth'),
  ('owner', $$delete from billing.customers$$, 'refused', 'Stripe is the truth'),
  ('owner', $$insert into billing.customers (id, user_id, created_at, compared_at) values ('cus_x', :stranger, now(), now())$$, 'refused', 'nobody sets what they pay'),
  ('contact', $$update billing.customers set user_id = user_id$$, 'refused', 'Stripe is the truth'),
  ('contact', $$delete from billing.customers$$, 'refused', 'Stripe is the truth'),
  ('contact', $$insert into billing.customers (id, user_id, created_at, compared_at) values ('cus_x', :stranger, now(), now())$$, 'refused', 'nobody sets what they pay'),
  ('former', $$update billing.customers set user_id = user_id$$, 'refused', 'Stripe is the truth'),
  ('former', $$delete from billing.customers$$, 'refused', 'Stripe is the truth'),
  ('former', $$insert into billing.customers (id, user_id, created_at, compared_at) values ('cus_x', :stranger, now(), now())$$, 'refused', 'nobody sets what they pay'),
  ('stranger', $$update billing.customers set user_id = user_id$$, 'refused', 'Stripe is the truth'),
  ('stranger', $$delete from billing.customers$$, 'refused', 'Stripe is the truth'),
  ('stranger', $$insert into billing.customers (id, user_id, created_at, compared_at) values ('cus_x', :stranger, now(), now())$$, 'refused', 'nobody sets what they pay'),
  ('nobody', $$update billing.customers set user_id = user_id$$, 'refused', 'Stripe is the truth'),
  ('nobody', $$delete from billing.customers$$, 'refused', 'Stripe is the truth'),
  ('nobody', $$insert into billing.customers (id, user_id, created_at, compared_at) values ('cus_x', :stranger, now(), now())$$, 'refused', 'nobody sets what they pay'),
  ('visitor', $$update billing.customers set user_id = user_id$$, 'refused', 'Stripe is the truth'),
  ('visitor', $$delete from billing.customers$$, 'refused', 'Stripe is the truth'),
  ('visitor', $$insert into billing.customers (id, user_id, created_at, compared_at) values ('cus_x', :stranger, now(), now())$$, 'refused', 'nobody sets what they pay'),
  ('worker', $$update billing.customers set user_id = user_id$$, 'refused', 'Stripe is the truth'),
  ('worker', $$delete from billing.customers$$, 'refused', 'Stripe is the truth'),
  ('worker', $$insert into billing.customers (id, user_id, created_at, compared_at) values ('cus_x', :stranger, now(), now())$$, 'refused', 'nobody sets what they pay'),
  ('staff', $$update billing.customers set user_id = user_id$$, 'refused', 'Stripe is the truth'),
  ('staff', $$delete from billing.customers$$, 'refused', 'Stripe is the truth'),
  ('staff', $$insert into billing.customers (id, user_id, created_at, compared_at) values ('cus_x', :stranger, now(), now())$$, 'refused', 'nobody sets what they pay'),
  ('billing', $$update billing.customers set user_id = user_id$$, 'refused', 'Stripe is the truth'),
  ('billing', $$delete from billing.customers$$, 'refused', 'Stripe is the truth'),
  ('billing', $$insert into billing.customers (id, user_id, created_at, compared_at) values ('cus_x', :stranger, now(), now())$$, 'refused', 'nobody sets what they pay'),
  ('server', $$update billing.customers set user_id = user_id$$, 'refused', 'Stripe is the truth'),
  ('server', $$delete from billing.customers$$, 'refused', 'Stripe is the truth'),
  ('server', $$insert into billing.customers (id, user_id, created_at, compared_at) values ('cus_x', :stranger, now(), now())$$, 'refused', 'nobody sets what they pay')
) as t (voice, statement, expected, because);

select * from tap.finish();
