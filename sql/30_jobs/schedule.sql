-- The third caller of jobs.tick() and of every other job, where pg_cron is there and the release runs as a superuser (pg_cron
-- asks for one): it needs no server of ours. A minute is its shortest interval before 1.5; up to 20 batches a minute catch up
-- after an outage.
do $$
begin
  if (select not rolsuper from pg_catalog.pg_roles where rolname = session_user) then
    return;
  end if;
  reset role;
  if current_setting('shared_preload_libraries') ~ '\mpg_cron\M' and current_setting('cron.database_name', true) = current_database() then
    create extension if not exists pg_cron;
    -- One pg_cron job each: what one does or fails at touches no other.
    -- No begin and no commit: pg_cron's background workers refuse them. The role ends with the job's session.
    perform cron.schedule('pruuf-' || j.name, case when j.every > interval '1 minute' then '0 * * * *' else '* * * * *' end,
                          format('set role pruuf_worker; select jobs.run(%L) from generate_series(1, 20)', j.name))
       from meta.jobs j;
    perform cron.unschedule(c.jobname) from cron.job c
      where c.jobname ~ '^pruuf-' and c.jobname not in (select 'pruuf-' || j.name from meta.jobs j);
  end if;
  set role pruuf_owner;
end;
$$;
