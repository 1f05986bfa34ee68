-- The server looks whether it fits the database before it serves.
revoke all on meta.schema_history, meta.sql_files, meta.releases from public, pruuf_server;
grant select on meta.schema_history, meta.sql_files, meta.releases to pruuf_server;
