create or replace function jobs.escalate(most integer default 20) returns jsonb
language plpgsql volatile security invoker set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  at timestamptz := rules.clock();
  due uuid[] := rules.due_alert_steps(at, least(jobs.batch_size('escalate'), most));
  report jsonb := jobs.work_off('escalate', 'step_alerts', due, at, 'held_alerts');
begin
  return jsonb_build_object('exhausted', jsonb_build_array(), 'without_contact', jsonb_build_array()) || report
    || jsonb_build_object('count', report -> 'done', 'more', cardinality(due) >= most and report -> 'done' <> '0');
end;
$$;
comment on function jobs.escalate(integer) is 'R6.3, R6.4 the steps of alerts that are due, 20 at a time: later rounds, and asking owners. Idempotent and safe to call concurrently. Reports exhausted and without_contact, both alerts.';
grant execute on function jobs.escalate(integer) to pruuf_worker;

create or replace function jobs.held_alerts(ids uuid[]) returns uuid[]
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  free uuid[] := rules.lock_alerts(ids);
  held uuid[] := rules.held_members(array(select a.member_id from data.alerts a where a.id = any (ids)));
begin
  return array(
    select a.id from data.alerts a where a.id = any (ids) and (a.id <> all (free) or a.member_id = any (held)));
end;
$$;
comment on function jobs.held_alerts(uuid[]) is 'R9.5 those of these alerts whose step cannot be taken just now: another session holds its row, or its Member.';
grant execute on function jobs.held_alerts(uuid[]) to pruuf_worker;

create or replace function jobs.step_alerts(ids uuid[], at timestamptz) returns jsonb
language sql volatile security invoker set search_path = ''
as $$
  select jsonb_build_object(
      'exhausted', coalesce(jsonb_agg(id) filter (where (step ->> 'exhausted')::boolean), '[]'),
      'without_contact', coalesce(jsonb_agg(id) filter (where step ->> 'told' = '0'), '[]'))
    from unnest(ids) as id cross join lateral rules.step_alert(id, at) as step
$$;
comment on function jobs.step_alerts(uuid[], timestamptz) is 'R6.3, R6.4 the step of each of these alerts.';
grant execute on function jobs.step_alerts(uuid[], timestamptz) to pruuf_worker;
