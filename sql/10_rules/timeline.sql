create or replace function rules.timeline_events(alert data.alerts)
returns table (at timestamptz, rank integer, id text, what text, person_id uuid, delivery_id uuid, channel text, more jsonb)
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return query
  select alert.raised_at, 1, '', 'raised', alert.member_id, null::uuid, null::text, jsonb_build_object('round', 1, 'kind', alert.kind)
  union all
  select r.told_at, 3, r.number::text, 'round', null, null, null,
         jsonb_build_object('round', r.number, 'kind', r.kind, 'whom', r.whom, 'has_call', r.has_call, 'is_exhausting', r.is_exhausting)
    from data.alert_rounds r where r.alert_id = alert.id
  union all
  select h.requested_at, 0, h.id::text, 'help_requested', h.member_id, null, null, '{}' from data.help_requests h where h.alert_id = alert.id
  union all
  select t.taken_at, 1, t.id::text, case t.action when 'acknowledge' then 'acknowledged' when 'close' then 'closed' when 'cancel' then 'cancelled' else t.action end,
         t.user_id, null, null, jsonb_build_object('arrives_at', t.arrives_at, 'outcome', t.outcome, 'note', t.note)
    from data.alert_actions t where t.alert_id = alert.id
  union all
  select w.attested_at, 1, w.id::text, 'attested', w.contact_id, null, null, jsonb_build_object('note', w.note)
    from data.attestations w where w.obligation_id = alert.obligation_id
  union all
  select alert.resolved_at, 1, '', 'checked_in', alert.resolved_by, null, null, '{}' where alert.resolved_how = 'checked_in'
  union all
  -- It is nobody's again: its owner left, or did not answer.
  select e.at, 2, e.id::text, 'released', null, null, null, '{}' from audit.events e where e.object_id = alert.id and e.action = 'alert.released'
  union all
  select n.created_at, 1, n.id::text, 'owner_asked', n.user_id, null, null, '{}' from data.notifications n where n.alert_id = alert.id and n.kind = 'owner_asked'
  union all
  select n.read_at, 7, n.id::text, 'read', n.user_id, null, null, jsonb_build_object('kind', n.kind) from data.notifications n where n.alert_id = alert.id and n.read_at is not null
  union all
  select s.at, s.rank, s.id, s.what, n.user_id, d.id, d.channel, jsonb_build_object('kind', n.kind) || s.more
    from data.notifications n join data.deliveries d on d.notification_id = n.id
    cross join lateral (
      select d.created_at, 4, d.id::text, 'queued', '{}'::jsonb
      union all
      select t.ended_at, 5, lpad(t.id::text, 19, '0'), 'attempted', jsonb_build_object('attempt', t.number, 'result', t.result, 'detail', t.detail)
        from data.attempts t where t.delivery_id = d.id
      union all
      select r.received_at, 6, lpad(r.id::text, 19, '0'), 'receipt', jsonb_build_object('result', r.meaning, 'detail', coalesce(r.detail, r.event))
        from data.receipts r where r.delivery_id = d.id and r.meaning <> 'nothing'
      union all
      select e.at, 6, e.id::text, 'confirmed', '{}' from audit.events e where e.object_id = d.id and e.action = 'delivery.confirmed'
      union all
      select d.settled_at, 6, d.id::text, 'given_up', jsonb_build_object('state', d.state, 'detail', d.failure) where d.state in ('failed', 'cancelled', 'expired')
    ) as s (at, rank, id, what, more)
   where n.alert_id = alert.id;
end;
$$;
comment on function rules.timeline_events(data.alerts) is 'R6.8 everything that happened about an alert, each as one row: what happened to it, what people did, and every delivery with its attempts.';
grant execute on function rules.timeline_events(data.alerts) to pruuf_engine;

create or replace function rules.timeline(alert uuid) returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
declare
  me uuid := rules.current_user_id();
  seen data.alerts;
begin
  select a.* into seen from data.alerts a
   where a.id = timeline.alert
     and (a.member_id = me or exists (select from data.connections c where c.member_id = a.member_id and c.contact_id = me and c.ended_at is null));
  return (
    select coalesce(jsonb_agg(jsonb_strip_nulls(
             jsonb_build_object('at', e.at, 'local', rules.iso_local(e.at, rules.alert_zone(seen)), 'what', e.what, 'person', rules.named_in(seen, e.person_id),
                                'delivery_id', e.delivery_id, 'channel', e.channel) || e.more) order by e.at, e.rank, e.id), '[]')
      from rules.timeline_events(seen) e where seen.id is not null);
end;
$$;
alter function rules.timeline(uuid) owner to pruuf_engine;
comment on function rules.timeline(uuid) is 'R6.8 the events of an alert in their order, for its Member and whoever watches them now; for others none. security definer: deliveries and attempts are not open to users. No address is in it.';
grant execute on function rules.timeline(uuid) to pruuf_user;
