create or replace function jobs.escalate(most integer default 20) returns jsonb
language plpgsql volatile security invoker set search_path = '' set lock_timeout = '500ms' set enable_seqscan = off set jit = off
as $$
declare
  at timestamptz := rules.clock();
  step jsonb;
  steps jsonb := jsonb_build_array();
  failed uuid[] := array[]::uuid[];
begin
  -- What fails is no reason to stop before the others.
  while jsonb_array_length(steps) - cardinality(failed) < most and cardinality(failed) < 200 loop
    step := rules.step_due_alert(at, failed);
    exit when step is null;
    steps := steps || step;
    if step ? 'sqlstate' then
      failed := failed || (step ->> 'alert_id')::uuid;
    end if;
  end loop;
  return (
    select jsonb_build_object(
      'count', count(*) filter (where not s ? 'sqlstate'),
      'exhausted', coalesce(jsonb_agg(s -> 'alert_id') filter (where (s ->> 'exhausted')::boolean), '[]'),
      'without_contact', coalesce(jsonb_agg(s -> 'alert_id') filter (where s ->> 'told' = '0'), '[]'),
      'problems', coalesce(jsonb_agg(jsonb_build_object('job', 'escalate', 'alert_id', s -> 'alert_id', 'sqlstate', s -> 'sqlstate')) filter (where s ? 'sqlstate'), '[]'),
      'more', count(*) filter (where not s ? 'sqlstate') = most)
      from jsonb_array_elements(steps) as s);
end;
$$;
comment on function jobs.escalate(integer) is 'R6.3, R6.4 the steps of alerts that are due, some at a time: later rounds, the asking of owners. A call of its own, in as many servers as there are: whatever becomes of it, no first alert waits (R9.5).';
grant execute on function jobs.escalate(integer) to pruuf_worker;
