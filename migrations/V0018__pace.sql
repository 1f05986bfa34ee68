create table data.ip_tries (
  kind text not null constraint ip_try_kind_is_known check (kind in ('codes', 'sign_ins', 'wrong_codes')),
  ip inet not null,
  count integer not null,
  began_at timestamptz not null,
  primary key (kind, ip)
);
comment on table data.ip_tries is 'R2.1, R2.3 how often one network tried something in the hour that began then: an IPv4 address, or the /64 of an IPv6 address; 0.0.0.0 stands for all whose address is not known. All servers count here.';
create index ip_tries_age on data.ip_tries (began_at);

alter table data.ip_tries enable row level security;
alter table data.ip_tries force row level security;

-- The owner itself is bound by the policies of sql/, which a new database does not have yet.
alter table data.policies no force row level security;
insert into data.policies (key, value, unit, least, most, about) values
  ('codes_per_ip_and_hour', 20, 'codes', 1, 1000000, 'R2.1 codes that one network may ask for in an hour'),
  ('sign_ins_per_ip_and_hour', 50, 'tries', 1, 1000000, 'R2.3 wrong PINs of one network in an hour'),
  ('wrong_codes_per_ip_and_hour', 30, 'tries', 1, 1000000, 'R2.1 wrong one-time codes of one network in an hour'),
  ('least_app_version', 0, 'version', 0, 999999, 'clients that send an older X-App-Version get 426: major * 10000 + minor * 100 + patch');
alter table data.policies force row level security;
