create or replace function jobs.audit() returns table (kind text, count bigint)
language plpgsql volatile security invoker set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  at timestamptz := rules.clock();
  patience interval := make_interval(secs => rules.policy('audit_alert_tolerance'));
begin
  -- Nobody needs to know how many thousands: what is broken is counted up to a limit.
  return query
  select f.kind, f.count from (
    select 'alerts_missing', (select count(*) from (select from data.obligations o where o.state = 'open' and o.alert_at < at - patience limit 1000) _)
    union all
    select 'rounds_late', (select count(*) from (select from data.alerts a where a.state <> 'resolved' and a.next_step_at < at - patience limit 1000) _)
    union all
    select 'reminders_late', (select count(*) from (select from data.obligations o where o.remind_at < at - patience limit 1000) _)
    union all
    select 'members_unwatched', (select count(*) from jobs.some_members() as member where jobs.is_unwatched(member, at))
    union all
    select 'breaks_late', (select count(*) from (select from data.breaks b where b.next_step_at < at - interval '1 hour' and b.next_step_at < 'infinity' limit 1000) _)
    union all
    select 'contacts_not_told', (select count(*) from jobs.contacts_not_told(1000))
    union all
    select 'deliveries_waiting', (select sum(w.late)::bigint from jobs.waiting_deliveries(at, 1000) w)
    union all
    select 'leases_lost', (select sum(w.lost)::bigint from jobs.waiting_deliveries(at, 1000) w)
    union all
    select 'events_unsealed', (select count(*) from (
      select from audit.unsealed_events u where u.event_at < at - make_interval(secs => rules.policy('audit_seal_tolerance')) limit 1000) _)
    union all
    select 'coverage_waiting', (select count(*) from (select from data.coverage_marks m where m.marked_at < at - patience limit 1000) _)
    union all
    select 'coverage_drifted', (select count(*) from jobs.coverage_drifted())
    union all
    -- What another session holds is a matter of moments.
    select 'rows_set_aside', (select count(*) from (
      select from data.set_asides r where r.reason <> '55P03' or r.first_at < at - patience limit 1000) _)
    union all
    select 'tick_silent', (select count(*) from data.job_runs r where r.job = 'tick' and r.ran_at < at - patience)
  ) as f (kind, count) where f.count > 0;
end;
$$;
comment on function jobs.audit() is 'R9.7 compares what should have happened with what did: a row for each kind of finding, with how many (at most about 1,000), none when all is well. What each means and what to do: docs/operations.md. Changes nothing; may be called at any time.';
grant execute on function jobs.audit() to pruuf_worker;

create or replace function jobs.some_members() returns setof uuid
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  pages bigint := pg_relation_size('data.schedules') / current_setting('block_size')::integer;
begin
  -- All while there are few; of many, as many pages as hold about three hundred.
  return query
  select s.member_id from data.schedules s tablesample system (least(100, 500.0 / greatest(pages, 1)))
   where s.superseded_at is null limit 300;
end;
$$;
comment on function jobs.some_members() is 'R9.7 up to 300 Members, others in each call: what a check of Members costs must not grow with how many there are.';
grant execute on function jobs.some_members() to pruuf_worker;

create or replace function jobs.is_unwatched(member uuid, at timestamptz) returns boolean
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return not exists (select from data.obligations o where o.member_id = member and o.state = 'open')
    -- R5.1 while an open-ended break lies ahead, and the days until then are over, or within another.
    and not (exists (select from data.breaks b where b.member_id = member and b.last_on is null)
         and exists (select from data.breaks b where b.member_id = member and b.ends_at > at and b.begins_at <= at + interval '8 days'));
end;
$$;
comment on function jobs.is_unwatched(uuid, timestamptz) is 'R9.7, R4.2 whether a miss of a Member with a schedule would not be seen.';
grant execute on function jobs.is_unwatched(uuid, timestamptz) to pruuf_worker;

create or replace function jobs.contacts_not_told(most integer) returns table (alert_id uuid, contact_id uuid)
language plpgsql stable security invoker set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  return query
  select a.id, c.contact_id
    from data.alerts a
    join data.connections c on c.member_id = a.member_id and c.ended_at is null and c.tier = 'primary' and c.connected_at <= a.raised_at
    join data.users u on u.id = c.contact_id and u.deleted_at is null
   where a.state <> 'resolved' and a.raised_at > rules.clock() - interval '1 day'
     and not exists (
       select from data.notifications n
        where n.alert_id = a.id and n.user_id = c.contact_id and n.kind not in ('acknowledged', 'all_clear', 'unreachable', 'owner_asked')
          -- Whoever has no place at all cannot be told: that is a matter of coverage (R6.10).
          and (exists (select from data.deliveries d where d.notification_id = n.id)
            or not exists (select from data.addresses p where p.user_id = c.contact_id and p.verified_at <= a.raised_at and p.off_at is null)
           and not exists (select from data.devices p where p.user_id = c.contact_id and p.registered_at <= a.raised_at and p.off_at is null)))
   limit most;
end;
$$;
comment on function jobs.contacts_not_told(integer) is 'R9.7 the primary Contacts of an alert of the last day that is not over, for whom there is no first message, or one that goes nowhere.';
grant execute on function jobs.contacts_not_told(integer) to pruuf_worker;

create or replace function jobs.waiting_deliveries(at timestamptz, most integer)
returns table (channel text, pending bigint, sending bigint, late bigint, lost bigint, oldest_due_at timestamptz)
language plpgsql stable security invoker set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  too_late timestamptz := at - make_interval(secs => rules.policy('audit_delivery_tolerance'));
  rank smallint;
begin
  foreach channel in array array['push', 'email', 'sms', 'voice'] loop
    pending := 0;
    late := 0;
    oldest_due_at := null;
    select count(*), count(*) filter (where d.lease_until < at - interval '1 minute') into sending, lost
      from data.deliveries d where d.channel = waiting_deliveries.channel and d.state = 'sending';
    -- From one place in the order of work to the next, each by the index that the lanes use: it needs no other.
    rank := (select min(d.work_rank) from data.deliveries d where d.channel = waiting_deliveries.channel and d.state = 'pending');
    while rank is not null loop
      pending := pending + (select count(*) from data.deliveries d where d.channel = waiting_deliveries.channel and d.work_rank = rank and d.state = 'pending');
      late := late + (select count(*) from (
        select from data.deliveries d
         where d.channel = waiting_deliveries.channel and d.work_rank = rank and d.state = 'pending'
           and d.next_attempt_at < too_late and (d.expires_at is null or d.expires_at > at) limit most) _);
      oldest_due_at := least(oldest_due_at, (
        select d.next_attempt_at from data.deliveries d
         where d.channel = waiting_deliveries.channel and d.work_rank = rank and d.state = 'pending'
           and d.next_attempt_at <= at and (d.expires_at is null or d.expires_at > at)
         order by d.next_attempt_at limit 1));
      rank := (select min(d.work_rank) from data.deliveries d where d.channel = waiting_deliveries.channel and d.state = 'pending' and d.work_rank > rank);
    end loop;
    return next;
  end loop;
end;
$$;
comment on function jobs.waiting_deliveries(timestamptz, integer) is 'R9.7 what waits on each channel, what of it has waited too long, what is in a hand that is gone, and since when the oldest is due.';
grant execute on function jobs.waiting_deliveries(timestamptz, integer) to pruuf_worker;

create or replace function jobs.measure() returns jsonb
language plpgsql stable security invoker set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  at timestamptz := rules.clock();
begin
  return jsonb_build_object(
    'alerts', jsonb_build_object(
      'open', (select count(*) from data.alerts a where a.state <> 'resolved' and a.state = 'open'),
      'acknowledged', (select count(*) from data.alerts a where a.state <> 'resolved' and a.state = 'acknowledged')),
    'channels', (select jsonb_agg(jsonb_build_object(
        'channel', w.channel, 'pending', w.pending, 'sending', w.sending,
        'oldest_seconds', greatest(coalesce(extract(epoch from at - w.oldest_due_at), 0), 0))) from jobs.waiting_deliveries(at, 1000) w));
end;
$$;
comment on function jobs.measure() is 'What GET /metrics shows of the database: by indexes that hold only what is not settled.';
grant execute on function jobs.measure() to pruuf_worker;
