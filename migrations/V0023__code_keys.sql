-- The role of `pruuf keys rotate`. Made as whoever migrates, who may make roles; the servers' login may not take it.
reset role;
do $$
begin
  if not exists (select from pg_roles where rolname = 'pruuf_keeper') then
    create role pruuf_keeper nologin;
  end if;
exception when duplicate_object or unique_violation then null;
end;
$$;
do $$
begin
  if not pg_has_role('pruuf_owner', 'pruuf_keeper', 'member') then
    perform pg_advisory_xact_lock(hashtextextended('pruuf roles', 0));
    grant pruuf_keeper to pruuf_owner;
  end if;
end;
$$;
set role pruuf_owner;

create table data.code_keys (
  id uuid primary key,
  key_id bytea not null constraint data_key_is_kept_once unique,
  sealed bytea not null
);
comment on table data.code_keys is 'R9.3, R3.1 what stays of a data key that was rotated away, sealed under the one in use: it derives and recognises the codes and links of invitations sent before, and opens nothing.';
alter table data.code_keys enable row level security;
alter table data.code_keys force row level security;

-- `pruuf keys rotate` goes through every address in the order of its lookup.
create index one_time_codes_lookup on data.one_time_codes (lookup);
