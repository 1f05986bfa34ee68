-- Who may touch billing.events, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select from billing.events$$, 'refused', ''),
  ('contact', $$select from billing.events$$, 'refused', ''),
  ('former', $$select from billing.events$$, 'refused', ''),
  ('stranger', $$select from billing.events$$, 'refused', ''),
  ('nobody', $$select from billing.events$$, 'refused', ''),
  ('visitor', $$select from billing.events$$, 'refused', ''),
  ('worker', $$select from billing.events$$, 'refused', ''),
  ('staff', $$select from billing.events$$, 'refused', ''),
  ('billing', $$select from billing.events$$, 'refused', ''),
  ('server', $$select from billing.events$$, 'refused', ''),
  ('owner', $$update billing.events set state = state$$, 'refused', 'Stripe is the truth'),
  ('owner', $$delete from billing.events$$, 'refused', 'Stripe is the truth'),
  ('owner', $$insert into billing.events (id, type, payload, received_at, next_try_at) values ('evt_x', 'invoice.paid', '{}', now(), now())$$, 'refused', 'nobody sets what they pay'),
  ('contact', $$update billing.events set state = state$$, 'refused', 'Stripe is the truth'),
  ('contact', $$delete from billing.events$$, 'refused', 'Stripe is the truth'),
  ('contact', $$insert into billing.events (id, type, payload, received_at, next_try_at) values ('evt_x', 'invoice.paid', '{}', now(), now())$$, 'refused', 'nobody sets what they pay'),
  ('former', $$update billing.events set state = state$$, 'refused', 'Stripe is the truth'),
  ('former', $$delete from billing.events$$, 'refused', 'Stripe is the truth'),
  ('former', $$insert into billing.events (id, type, payload, received_at, next_try_at) values ('evt_x', 'invoice.paid', '{}', now(), now())$$, 'refused', 'nobody sets what they pay'),
  ('stranger', $$update billing.events set state = state$$, 'refused', 'Stripe is the truth'),
  ('stranger', $$delete from billing.events$$, 'refused', 'Stripe is the truth'),
  ('stranger', $$insert into billing.events (id, type, payload, received_at, next_try_at) values ('evt_x', 'invoice.paid', '{}', now(), now())$$, 'refused', 'nobody sets what they pay'),
  ('nobody', $$update billing.events set state = state$$, 'refused', 'Stripe is the truth'),
  ('nobody', $$delete from billing.events$$, 'refused', 'Stripe is the truth'),
  ('nobody', $$insert into billing.events (id, type, payload, received_at, next_try_at) values ('evt_x', 'invoice.paid', '{}', now(), now())$$, 'refused', 'nobody sets what they pay'),
  ('visitor', $$update billing.events set state = state$$, 'refused', 'Stripe is the truth'),
  ('visitor', $$delete from billing.events$$, 'refused', 'Stripe is the truth'),
  ('visitor', $$insert into billing.events (id, type, payload, received_at, next_try_at) values ('evt_x', 'invoice.paid', '{}', now(), now())$$, 'refused', 'nobody sets what they pay'),
  ('worker', $$update billing.events set state = state$$, 'refused', 'Stripe is the truth'),
  ('worker', $$delete from billing.events$$, 'refused', 'Stripe is the truth'),
  ('worker', $$insert into billing.events (id, type, payload, received_at, next_try_at) values ('evt_x', 'invoice.paid', '{}', now(), now())$$, 'refused', 'nobody sets what they pay'),
  ('staff', $$update billing.events set state = state$$, 'refused', 'Stripe is the truth'),
  ('staff', $$delete from billing.events$$, 'refused', 'Stripe is the truth'),
  ('staff', $$insert into billing.events (id, type, payload, received_at, next_try_at) values ('evt_x', 'invoice.paid', '{}', now(), now())$$, 'refused', 'nobody sets what they pay'),
  ('billing', $$update billing.events set state = state$$, 'refused', 'Stripe is the truth'),
  ('billing', $$delete from billing.events$$, 'refused', 'Stripe is the truth'),
  ('billing', $$insert into billing.events (id, type, payload, received_at, next_try_at) values ('evt_x', 'invoice.paid', '{}', now(), now())$$, 'refused', 'nobody sets what they pay'),
  ('server', $$update billing.events set state = state$$, 'refused', 'Stripe is the truth'),
  ('server', $$delete from billing.events$$, 'refused', 'Stripe is the truth'),
  ('server', $$insert into billing.events (id, type, payload, received_at, next_try_at) values ('evt_x', 'invoice.paid', '{}', now(), now())$$, 'refused', 'nobody sets what they pay')
) as t (voice, statement, expected, because);

select * from tap.finish();
