-- Whoever makes the next obligation reads breaks from the moment that its function is replaced, and the policies come after that.
grant select on data.breaks to pruuf_user, pruuf_worker, pruuf_engine;

-- The owner itself is bound by the policies of sql/.
alter table data.policies no force row level security;
insert into data.policies (key, value, unit, least, most, about) values
  ('break_morning', 8, 'o''clock', 0, 23, 'R5.3 at which hour of the Member''s day Contacts are told that a break begins or is over, and that a pause goes on'),
  ('break_evening', 18, 'o''clock', 0, 23, 'R5.3 at which hour of its last day the Member is told that a break ends'),
  ('pause_reminder', 7, 'days', 1, 365, 'R5.3 an open-ended break reminds the Member and the Contacts every … that nobody is being watched');
alter table data.policies force row level security;
alter table data.notification_kinds no force row level security;
insert into data.notification_kinds (kind, priority, work_rank, about) values
  ('break_planned', 'normal', 75, 'to Contacts: a Member plans a break, changes it or gives it up'),
  ('break_began', 'normal', 75, 'to Contacts: a break begins'),
  ('break_ending', 'normal', 70, 'to the Member: the break ends tonight'),
  ('break_ended', 'normal', 75, 'to Contacts: a break is over'),
  ('pause_goes_on', 'normal', 75, 'to the Member and Contacts: an open-ended break goes on, and nobody is being watched');
alter table data.notification_kinds force row level security;

-- Those that are there are looked at when they are first told of.
alter table data.breaks no force row level security;
update data.breaks set next_step_at = followed_until where ends_at > followed_until;
alter table data.breaks force row level security;
