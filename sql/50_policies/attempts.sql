revoke all on data.attempts from public, pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine;
grant select, insert on data.attempts to pruuf_worker;
-- Never updated: `for update skip locked` asks for the right.
grant select, delete, update (id) on data.attempts to pruuf_engine;

drop policy if exists worker_reads_attempts on data.attempts;
create policy worker_reads_attempts on data.attempts for select to pruuf_worker using (true);

drop policy if exists worker_adds_attempts on data.attempts;
create policy worker_adds_attempts on data.attempts for insert to pruuf_worker with check (true);

drop policy if exists engine_reads_attempts on data.attempts;
create policy engine_reads_attempts on data.attempts for select to pruuf_engine using (true);

drop policy if exists engine_locks_attempts on data.attempts;
create policy engine_locks_attempts on data.attempts for update to pruuf_engine using (true) with check (false);

drop policy if exists engine_forgets_attempts on data.attempts;
create policy engine_forgets_attempts on data.attempts for delete to pruuf_engine using (true);
