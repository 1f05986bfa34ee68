-- Who may touch billing.prices, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select from billing.prices$$, '1 rows', ''),
  ('contact', $$select from billing.prices$$, '1 rows', ''),
  ('former', $$select from billing.prices$$, '1 rows', ''),
  ('stranger', $$select from billing.prices$$, '1 rows', ''),
  ('nobody', $$select from billing.prices$$, '0 rows', ''),
  ('visitor', $$select from billing.prices$$, 'refused', ''),
  ('worker', $$select from billing.prices$$, 'refused', ''),
  ('staff', $$select from billing.prices$$, 'refused', ''),
  ('billing', $$select from billing.prices$$, 'refused', ''),
  ('server', $$select from billing.prices$$, 'refused', ''),
  ('owner', $$update billing.prices set unit_amount = unit_amount$$, 'refused', 'Stripe is the truth'),
  ('owner', $$delete from billing.prices$$, 'refused', 'Stripe is the truth'),
  ('owner', $$insert into billing.prices (id, lookup_key, currency, unit_amount, period, fetched_at) values ('price_x', 'free', 'eur', 0, 'month', now())$$, 'refused', 'nobody sets what they pay'),
  ('contact', $$update billing.prices set unit_amount = unit_amount$$, 'refused', 'Stripe is the truth'),
  ('contact', $$delete from billing.prices$$, 'refused', 'Stripe is the truth'),
  ('contact', $$insert into billing.prices (id, lookup_key, currency, unit_amount, period, fetched_at) values ('price_x', 'free', 'eur', 0, 'month', now())$$, 'refused', 'nobody sets what they pay'),
  ('former', $$update billing.prices set unit_amount = unit_amount$$, 'refused', 'Stripe is the truth'),
  ('former', $$delete from billing.prices$$, 'refused', 'Stripe is the truth'),
  ('former', $$insert into billing.prices (id, lookup_key, currency, unit_amount, period, fetched_at) values ('price_x', 'free', 'eur', 0, 'month', now())$$, 'refused', 'nobody sets what they pay'),
  ('stranger', $$update billing.prices set unit_amount = unit_amount$$, 'refused', 'Stripe is the truth'),
  ('stranger', $$delete from billing.prices$$, 'refused', 'Stripe is the truth'),
  ('stranger', $$insert into billing.prices (id, lookup_key, currency, unit_amount, period, fetched_at) values ('price_x', 'free', 'eur', 0, 'month', now())$$, 'refused', 'nobody sets what they pay'),
  ('nobody', $$update billing.prices set unit_amount = unit_amount$$, 'refused', 'Stripe is the truth'),
  ('nobody', $$delete from billing.prices$$, 'refused', 'Stripe is the truth'),
  ('nobody', $$insert into billing.prices (id, lookup_key, currency, unit_amount, period, fetched_at) values ('price_x', 'free', 'eur', 0, 'month', now())$$, 'refused', 'nobody sets what they pay'),
  ('visitor', $$update billing.prices set unit_amount = unit_amount$$, 'refused', 'Stripe is the truth'),
  ('visitor', $$delete from billing.prices$$, 'refused', 'Stripe is the truth'),
  ('visitor', $$insert into billing.prices (id, lookup_key, currency, unit_amount, period, fetched_at) values ('price_x', 'free', 'eur', 0, 'month', now())$$, 'refused', 'nobody sets what they pay'),
  ('worker', $$update billing.prices set unit_amount = unit_amount$$, 'refused', 'Stripe is the truth'),
  ('worker', $$delete from billing.prices$$, 'refused', 'Stripe is the truth'),
  ('worker', $$insert into billing.prices (id, lookup_key, currency, unit_amount, period, fetched_at) values ('price_x', 'free', 'eur', 0, 'month', now())$$, 'refused', 'nobody sets what they pay'),
  ('staff', $$update billing.prices set unit_amount = unit_amount$$, 'refused', 'Stripe is the truth'),
  ('staff', $$delete from billing.prices$$, 'refused', 'Stripe is the truth'),
  ('staff', $$insert into billing.prices (id, lookup_key, currency, unit_amount, period, fetched_at) values ('price_x', 'free', 'eur', 0, 'month', now())$$, 'refused', 'nobody sets what they pay'),
  ('billing', $$update billing.prices set unit_amount = unit_amount$$, 'refused', 'Stripe is the truth'),
  ('billing', $$delete from billing.prices$$, 'refused', 'Stripe is the truth'),
  ('billing', $$insert into billing.prices (id, lookup_key, currency, unit_amount, period, fetched_at) values ('price_x', 'free', 'eur', 0, 'month', now())$$, 'refused', 'nobody sets what they pay'),
  ('server', $$update billing.prices set unit_amount = unit_amount$$, 'refused', 'Stripe is the truth'),
  ('server', $$delete from billing.prices$$, 'refused', 'Stripe is the truth'),
  ('server', $$insert into billing.prices (id, lookup_key, currency, unit_amount, period, fetched_at) values ('price_x', 'free', 'eur', 0, 'month', now())$$, 'refused', 'nobody sets what they pay')
) as t (voice, statement, expected, because);

select * from tap.finish();
