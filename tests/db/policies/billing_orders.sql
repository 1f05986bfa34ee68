-- Who may touch billing.orders, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select from billing.orders$$, 'refused', ''),
  ('contact', $$select from billing.orders$$, 'refused', ''),
  ('former', $$select from billing.orders$$, 'refused', ''),
  ('stranger', $$select from billing.orders$$, 'refused', ''),
  ('nobody', $$select from billing.orders$$, 'refused', ''),
  ('visitor', $$select from billing.orders$$, 'refused', ''),
  ('worker', $$select from billing.orders$$, 'refused', ''),
  ('staff', $$select from billing.orders$$, 'refused', ''),
  ('billing', $$select from billing.orders$$, 'refused', ''),
  ('server', $$select from billing.orders$$, 'refused', ''),
  ('owner', $$update billing.orders set done_at = done_at$$, 'refused', 'Stripe is the truth'),
  ('owner', $$delete from billing.orders$$, 'refused', 'Stripe is the truth'),
  ('owner', $$insert into billing.orders (subscription_id, action, reason, ordered_at, next_try_at) values ('sub_b', 'cancel_now', 'grandfathered', now(), now())$$, 'refused', 'nobody sets what they pay'),
  ('contact', $$update billing.orders set done_at = done_at$$, 'refused', 'Stripe is the truth'),
  ('contact', $$delete from billing.orders$$, 'refused', 'Stripe is the truth'),
  ('contact', $$insert into billing.orders (subscription_id, action, reason, ordered_at, next_try_at) values ('sub_b', 'cancel_now', 'grandfathered', now(), now())$$, 'refused', 'nobody sets what they pay'),
  ('former', $$update billing.orders set done_at = done_at$$, 'refused', 'Stripe is the truth'),
  ('former', $$delete from billing.orders$$, 'refused', 'Stripe is the truth'),
  ('former', $$insert into billing.orders (subscription_id, action, reason, ordered_at, next_try_at) values ('sub_b', 'cancel_now', 'grandfathered', now(), now())$$, 'refused', 'nobody sets what they pay'),
  ('stranger', $$update billing.orders set done_at = done_at$$, 'refused', 'Stripe is the truth'),
  ('stranger', $$delete from billing.orders$$, 'refused', 'Stripe is the truth'),
  ('stranger', $$insert into billing.orders (subscription_id, action, reason, ordered_at, next_try_at) values ('sub_b', 'cancel_now', 'grandfathered', now(), now())$$, 'refused', 'nobody sets what they pay'),
  ('nobody', $$update billing.orders set done_at = done_at$$, 'refused', 'Stripe is the truth'),
  ('nobody', $$delete from billing.orders$$, 'refused', 'Stripe is the truth'),
  ('nobody', $$insert into billing.orders (subscription_id, action, reason, ordered_at, next_try_at) values ('sub_b', 'cancel_now', 'grandfathered', now(), now())$$, 'refused', 'nobody sets what they pay'),
  ('visitor', $$update billing.orders set done_at = done_at$$, 'refused', 'Stripe is the truth'),
  ('visitor', $$delete from billing.orders$$, 'refused', 'Stripe is the truth'),
  ('visitor', $$insert into billing.orders (subscription_id, action, reason, ordered_at, next_try_at) values ('sub_b', 'cancel_now', 'grandfathered', now(), now())$$, 'refused', 'nobody sets what they pay'),
  ('worker', $$update billing.orders set done_at = done_at$$, 'refused', 'Stripe is the truth'),
  ('worker', $$delete from billing.orders$$, 'refused', 'Stripe is the truth'),
  ('worker', $$insert into billing.orders (subscription_id, action, reason, ordered_at, next_try_at) values ('sub_b', 'cancel_now', 'grandfathered', now(), now())$$, 'refused', 'nobody sets what they pay'),
  ('staff', $$update billing.orders set done_at = done_at$$, 'refused', 'Stripe is the truth'),
  ('staff', $$delete from billing.orders$$, 'refused', 'Stripe is the truth'),
  ('staff', $$insert into billing.orders (subscription_id, action, reason, ordered_at, next_try_at) values ('sub_b', 'cancel_now', 'grandfathered', now(), now())$$, 'refused', 'nobody sets what they pay'),
  ('billing', $$update billing.orders set done_at = done_at$$, 'refused', 'Stripe is the truth'),
  ('billing', $$delete from billing.orders$$, 'refused', 'Stripe is the truth'),
  ('billing', $$insert into billing.orders (subscription_id, action, reason, ordered_at, next_try_at) values ('sub_b', 'cancel_now', 'grandfathered', now(), now())$$, 'refused', 'nobody sets what they pay'),
  ('server', $$update billing.orders set done_at = done_at$$, 'refused', 'Stripe is the truth'),
  ('server', $$delete from billing.orders$$, 'refused', 'Stripe is the truth'),
  ('server', $$insert into billing.orders (subscription_id, action, reason, ordered_at, next_try_at) values ('sub_b', 'cancel_now', 'grandfathered', now(), now())$$, 'refused', 'nobody sets what they pay')
) as t (voice, statement, expected, because);

select * from tap.finish();
