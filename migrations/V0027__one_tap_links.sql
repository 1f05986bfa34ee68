-- A link in a message names its delivery by the end of its id (what follows in the link proves that it is ours).
create index deliveries_link on data.deliveries (right(id::text, 10)) where channel in ('email', 'sms');

-- The owner itself is bound by the policies of sql/.
alter table data.policies no force row level security;
insert into data.policies (key, value, unit, least, most, about) values
  ('link_life', 7, 'days', 1, 30, 'R6.6 how long a one-tap link in a message works'),
  ('link_life_after_alert', 24, 'hours', 1, 168, 'R6.6 how long the link of an alert that is over shows how it ended');
alter table data.policies force row level security;
