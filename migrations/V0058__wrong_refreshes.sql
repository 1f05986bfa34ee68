-- A network that sends refresh tokens that are nobody's is told in the trail once an hour, and not once for each.
alter table data.ip_tries drop constraint ip_try_kind_is_known;
alter table data.ip_tries add constraint ip_try_kind_is_known
  check (kind in ('codes', 'sign_ins', 'wrong_codes', 'wrong_refreshes'));

-- The owner itself is bound by the policies of sql/, which a new database does not have yet.
alter table data.policies no force row level security;
insert into data.policies (key, value, unit, least, most, about) values
  ('wrong_refreshes_per_ip_and_hour', 100, 'tokens', 1, 1000000,
   'R9.9 refresh tokens that are nobody''s of one network in an hour, until the trail says so');
alter table data.policies force row level security;
