revoke all on meta.jobs from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine, pruuf_server;
grant select on meta.jobs to pruuf_worker;
