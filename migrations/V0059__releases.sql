create table meta.releases (
  id text primary key constraint id_is_sha256 check (id ~ '^[0-9a-f]{64}$'),
  is_additive boolean not null,
  applied_at timestamptz not null
);
comment on table meta.releases is 'The releases that this database has had; the one applied last is the one it has now. id: the SHA-256 of all SQL of the release. is_additive: servers of the release before may go on serving.';
create index releases_applied_at on meta.releases (applied_at);
