-- R8.5 whoever pays with a card that ends before the next payment is told in time.

-- The owner itself is bound by the policies of sql/.
alter table data.policies no force row level security;
alter table data.notification_kinds no force row level security;
insert into data.policies (key, value, unit, least, most, about) values
  ('card_told_before', 14, 'days', 1, 90, 'R8.5 how long before a payment its user hears that the card will have ended by then');
insert into data.notification_kinds (kind, priority, work_rank, about) values
  ('card_ending', 'normal', 60, 'the card will have ended before the next payment');
alter table data.policies force row level security;
alter table data.notification_kinds force row level security;
