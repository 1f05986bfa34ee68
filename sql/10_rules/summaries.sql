create or replace function rules.next_summary_at(reader uuid, after timestamptz) returns timestamptz
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return rules.next_hour(rules.zone_of(reader), rules.policy('summary_hour'), rules.policy('summary_weekday'), after);
exception when invalid_parameter_value then
  -- A zone that left the zone files must not keep two people from being connected.
  return rules.next_hour('UTC', rules.policy('summary_hour'), rules.policy('summary_weekday'), after);
end;
$$;
comment on function rules.next_summary_at(uuid, timestamptz) is 'R7.2 when the next weekly summary of somebody is due, where they are.';
grant execute on function rules.next_summary_at(uuid, timestamptz) to pruuf_worker, pruuf_engine;

create or replace function rules.week_counts(member uuid, from_on date, until_on date) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return (
    select jsonb_build_object(
             'expected', count(*) filter (where o.state <> 'excused'), 'checked_in', count(*) filter (where o.state in ('met', 'met_late')),
             'late', count(*) filter (where o.state = 'met_late'), 'missed', count(*) filter (where o.state = 'missed'), 'open', count(*) filter (where o.state = 'open'))
      from data.obligations o
     where o.member_id = member and o.local_on between from_on and until_on
       -- For the index; a local date lies within a day and a bit of the same one in UTC.
       and o.due_at > (from_on - 2)::timestamp at time zone 'UTC' and o.due_at < (until_on + 3)::timestamp at time zone 'UTC'
    having count(*) > 0);
end;
$$;
comment on function rules.week_counts(uuid, date, date) is 'R7.2 how many check-ins of a Member were expected on these of their days, and what became of them; null when none was expected nor excused.';
grant execute on function rules.week_counts(uuid, date, date) to pruuf_worker;

create or replace function rules.summary_facts(reader uuid, from_on date, until_on date) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return (
    select jsonb_strip_nulls(jsonb_build_object(
             'from_on', from_on, 'until_on', until_on, 'own', rules.week_counts(reader, from_on, until_on), 'members', coalesce(jsonb_agg(w.counts || jsonb_build_object('member', w.member) order by w.member ->> 'name', w.member ->> 'id'), '[]'),
             'all', jsonb_build_object('people', count(*), 'expected', coalesce(sum((w.counts ->> 'expected')::integer), 0), 'checked_in', coalesce(sum((w.counts ->> 'checked_in')::integer), 0))))
      from (select rules.person_shape(c.member_id) as member, rules.week_counts(c.member_id, from_on, until_on) as counts
              from data.connections c join data.users u on u.id = c.member_id
             where c.contact_id = reader and c.ended_at is null and u.deleted_at is null
               and not exists (select from data.watch_settings s where s.contact_id = reader and s.member_id = c.member_id and s.mutes_routine)) as w
     where w.counts is not null);
end;
$$;
comment on function rules.summary_facts(uuid, date, date) is 'R7.2 the week of all whom somebody watches now and has not muted (R3.4), and their own.';
grant execute on function rules.summary_facts(uuid, date, date) to pruuf_worker;

create or replace function rules.tg_connections__plan_summaries() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  insert into data.weekly_summaries (user_id, due_at)
  select person, rules.next_summary_at(person, new.connected_at) from unnest(array[new.member_id, new.contact_id]) as person
  on conflict (user_id) do nothing;
  return null;
end;
$$;
alter function rules.tg_connections__plan_summaries() owner to pruuf_engine;
comment on function rules.tg_connections__plan_summaries() is 'R7.2 both sides are told how their weeks are.';
