-- The third caller of jobs.tick(), where pg_cron is there and the release runs as a superuser (pg_cron asks for one): it
-- needs no server of ours. A minute is its shortest interval before 1.5; up to 20 batches a minute catch up after an outage.
do $$
begin
  if (select not rolsuper from pg_catalog.pg_roles where rolname = session_user) then
    return;
  end if;
  reset role;
  if current_setting('shared_preload_libraries') ~ '\mpg_cron\M' and current_setting('cron.database_name', true) = current_database() then
    create extension if not exists pg_cron;
    perform cron.schedule('pruuf-tick', '* * * * *',
      -- No begin and no commit: pg_cron's background workers refuse them. The role ends with the job's session.
      'set role pruuf_worker; select jobs.tick() from generate_series(1, 20)');
    perform cron.schedule('pruuf-escalate', '* * * * *', 'set role pruuf_worker; select jobs.escalate() from generate_series(1, 20)');
    perform cron.schedule('pruuf-deletions', '* * * * *', 'set role pruuf_worker; select jobs.finish_deletions()');
    perform cron.schedule('pruuf-coverage', '* * * * *', 'set role pruuf_worker; select jobs.follow_coverage()');
    perform cron.schedule('pruuf-breaks', '* * * * *', 'set role pruuf_worker; select jobs.follow_breaks()');
    -- A job of its own: nothing that it does or fails at may touch the deadlines.
    perform cron.schedule('pruuf-seal', '* * * * *', 'set role pruuf_worker; select jobs.seal_audit() from generate_series(1, 20)');
  end if;
  set role pruuf_owner;
end;
$$;
