alter table data.deliveries add column poll_at timestamptz;
comment on column data.deliveries.poll_at is 'R7.1 when the provider that took it is asked what became of it, should no callback have said so; null where nobody can be asked, or not any more.';
create index deliveries_poll on data.deliveries (poll_at) where state = 'accepted' and poll_at is not null;

-- The owner itself is bound by the policies of sql/.
alter table data.policies no force row level security;
insert into data.policies (key, value, unit, least, most, about) values
  ('poll_after', 5, 'minutes', 1, 1440, 'R7.1 so long after a provider took a message it is asked what became of it, unless it has said so'),
  ('poll_for', 24, 'hours', 1, 720, 'R7.1 so long it is asked again and again');
alter table data.policies force row level security;
