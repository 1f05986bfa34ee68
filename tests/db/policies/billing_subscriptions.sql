-- Who may touch billing.subscriptions, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select from billing.subscriptions$$, '0 rows', ''),
  ('contact', $$select from billing.subscriptions$$, '1 rows', ''),
  ('former', $$select from billing.subscriptions$$, '0 rows', ''),
  ('stranger', $$select from billing.subscriptions$$, '0 rows', ''),
  ('nobody', $$select from billing.subscriptions$$, '0 rows', ''),
  ('visitor', $$select from billing.subscriptions$$, 'refused', ''),
  ('worker', $$select from billing.subscriptions$$, 'refused', ''),
  ('staff', $$select from billing.subscriptions$$, 'refused', ''),
  ('billing', $$select from billing.subscriptions$$, 'refused', ''),
  ('server', $$select from billing.subscriptions$$, 'refused', ''),
  ('owner', $$update billing.subscriptions set status = status$$, 'refused', 'Stripe is the truth'),
  ('owner', $$delete from billing.subscriptions$$, 'refused', 'Stripe is the truth'),
  ('owner', $$insert into billing.subscriptions (id, customer_id, status, fetched_at) values ('sub_x', 'cus_b', 'active', now())$$, 'refused', 'nobody sets what they pay'),
  ('contact', $$update billing.subscriptions set status = status$$, 'refused', 'Stripe is the truth'),
  ('contact', $$delete from billing.subscriptions$$, 'refused', 'Stripe is the truth'),
  ('contact', $$insert into billing.subscriptions (id, customer_id, status, fetched_at) values ('sub_x', 'cus_b', 'active', now())$$, 'refused', 'nobody sets what they pay'),
  ('former', $$update billing.subscriptions set status = status$$, 'refused', 'Stripe is the truth'),
  ('former', $$delete from billing.subscriptions$$, 'refused', 'Stripe is the truth'),
  ('former', $$insert into billing.subscriptions (id, customer_id, status, fetched_at) values ('sub_x', 'cus_b', 'active', now())$$, 'refused', 'nobody sets what they pay'),
  ('stranger', $$update billing.subscriptions set status = status$$, 'refused', 'Stripe is the truth'),
  ('stranger', $$delete from billing.subscriptions$$, 'refused', 'Stripe is the truth'),
  ('stranger', $$insert into billing.subscriptions (id, customer_id, status, fetched_at) values ('sub_x', 'cus_b', 'active', now())$$, 'refused', 'nobody sets what they pay'),
  ('nobody', $$update billing.subscriptions set status = status$$, 'refused', 'Stripe is the truth'),
  ('nobody', $$delete from billing.subscriptions$$, 'refused', 'Stripe is the truth'),
  ('nobody', $$insert into billing.subscriptions (id, customer_id, status, fetched_at) values ('sub_x', 'cus_b', 'active', now())$$, 'refused', 'nobody sets what they pay'),
  ('visitor', $$update billing.subscriptions set status = status$$, 'refused', 'Stripe is the truth'),
  ('visitor', $$delete from billing.subscriptions$$, 'refused', 'Stripe is the truth'),
  ('visitor', $$insert into billing.subscriptions (id, customer_id, status, fetched_at) values ('sub_x', 'cus_b', 'active', now())$$, 'refused', 'nobody sets what they pay'),
  ('worker', $$update billing.subscriptions set status = status$$, 'refused', 'Stripe is the truth'),
  ('worker', $$delete from billing.subscriptions$$, 'refused', 'Stripe is the truth'),
  ('worker', $$insert into billing.subscriptions (id, customer_id, status, fetched_at) values ('sub_x', 'cus_b', 'active', now())$$, 'refused', 'nobody sets what they pay'),
  ('staff', $$update billing.subscriptions set status = status$$, 'refused', 'Stripe is the truth'),
  ('staff', $$delete from billing.subscriptions$$, 'refused', 'Stripe is the truth'),
  ('staff', $$insert into billing.subscriptions (id, customer_id, status, fetched_at) values ('sub_x', 'cus_b', 'active', now())$$, 'refused', 'nobody sets what they pay'),
  ('billing', $$update billing.subscriptions set status = status$$, 'refused', 'Stripe is the truth'),
  ('billing', $$delete from billing.subscriptions$$, 'refused', 'Stripe is the truth'),
  ('billing', $$insert into billing.subscriptions (id, customer_id, status, fetched_at) values ('sub_x', 'cus_b', 'active', now())$$, 'refused', 'nobody sets what they pay'),
  ('server', $$update billing.subscriptions set status = status$$, 'refused', 'Stripe is the truth'),
  ('server', $$delete from billing.subscriptions$$, 'refused', 'Stripe is the truth'),
  ('server', $$insert into billing.subscriptions (id, customer_id, status, fetched_at) values ('sub_x', 'cus_b', 'active', now())$$, 'refused', 'nobody sets what they pay')
) as t (voice, statement, expected, because);

select * from tap.finish();
