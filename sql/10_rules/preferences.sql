create or replace function rules.zone_of(person uuid) returns text
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return coalesce(
    (select p.time_zone from data.preferences p where p.user_id = person),
    (select s.time_zone from data.schedules s where s.member_id = person and s.superseded_at is null),
    (select s.time_zone from data.connections c join data.schedules s on s.member_id = c.member_id and s.superseded_at is null
      where c.contact_id = person and c.ended_at is null order by c.connected_at, c.id limit 1),
    'UTC');
end;
$$;
comment on function rules.zone_of(uuid) is 'R7.5 where somebody''s hours are read: as they said, else where their check-ins are, else where whoever they have watched the longest is; UTC when nothing is known.';
grant execute on function rules.zone_of(uuid) to pruuf_user, pruuf_worker, pruuf_engine;

create or replace function rules.quiet_until(person uuid, at timestamptz) returns timestamptz
language plpgsql stable security invoker set search_path = ''
as $$
declare
  chosen data.preferences;
  zone text;
  evening date;
  ends_at timestamptz;
begin
  select * into chosen from data.preferences p where p.user_id = person and p.quiet_from is not null;
  if not found then
    return null;
  end if;
  begin
    zone := rules.zone_of(person);
    -- Two days back: a night may begin before a date that a zone leaves out.
    for days_ago in 0 .. 2 loop
      evening := (at at time zone zone)::date - days_ago;
      ends_at := rules.instant_of(evening + (chosen.quiet_from > chosen.quiet_until)::integer + chosen.quiet_until, zone);
      if rules.instant_of(evening + chosen.quiet_from, zone) <= at and at < ends_at then
        return ends_at;
      end if;
    end loop;
  exception when others then
    -- A zone that left the zone files must not keep anything from being sent.
    return null;
  end;
  return null;
end;
$$;
comment on function rules.quiet_until(uuid, timestamptz) is 'R7.5 when the quiet hours end that somebody is in; null outside of them. Both ends are read as R4.3 reads a local time.';
grant execute on function rules.quiet_until(uuid, timestamptz) to pruuf_worker, pruuf_engine;

create or replace function rules.tg_preferences__keep() returns trigger
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  if new.time_zone is not null and not rules.is_time_zone(new.time_zone) then
    raise exception 'time-zone-unknown' using errcode = 'UF422', detail = 'The time zone must be an IANA name, like Pacific/Auckland.';
  elsif new.time_zone is null and new.quiet_from is not null
    and not exists (select from data.schedules s where s.member_id = new.user_id and s.superseded_at is null) then
    raise exception 'time-zone-unknown' using errcode = 'UF422', detail = 'Say in which time zone the quiet hours are: there is no schedule that has one.';
  end if;
  new.time_zone := rules.zone_name(new.time_zone);
  return new;
end;
$$;
comment on function rules.tg_preferences__keep() is 'R7.5 quiet hours are somewhere.';

create or replace function rules.tg_preferences__record() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  perform audit.append('preferences.changed', new.user_id, null,
    jsonb_build_object('high_channels', new.high_channels, 'normal_channels', new.normal_channels, 'has_quiet_hours', new.quiet_from is not null,
                       'has_weekly_summary', new.has_weekly_summary));
  return null;
end;
$$;
alter function rules.tg_preferences__record() owner to pruuf_engine;
comment on function rules.tg_preferences__record() is 'R9.2 what somebody chose is in their trail; not where they are, nor when they sleep.';
