create or replace function rules.instant_of(local timestamp, time_zone text) returns timestamptz
language plpgsql stable parallel safe security invoker set search_path = ''
as $$
declare
  -- In a gap PostgreSQL reads with the offset before it, as RFC 5545 does; in an overlap it takes the second occurrence.
  instant timestamptz := local at time zone time_zone;
  day_before timestamptz := instant - interval '24 hours';
  offset_before interval := (day_before at time zone time_zone) - (day_before at time zone 'UTC');
  earlier timestamptz := (local - offset_before) at time zone 'UTC';
begin
  if earlier < instant and (earlier at time zone time_zone) = local then
    return earlier;
  end if;
  return instant;
end;
$$;
comment on function rules.instant_of(timestamp, text) is 'R4.3 the instant of a local time as RFC 5545 (3.3.5) reads it: in a gap with the offset before it, in an overlap the first occurrence.';
grant execute on function rules.instant_of(timestamp, text) to pruuf_user, pruuf_worker, pruuf_engine;

create or replace function rules.next_hour(zone text, hour integer, weekday integer, after timestamptz) returns timestamptz
language plpgsql stable security invoker set search_path = ''
as $$
declare
  today date := (after at time zone zone)::date;
  next_on date := today + coalesce((weekday - extract(isodow from today)::integer + 7) % 7, 0);
  next_at timestamptz := rules.instant_of(next_on + make_time(hour, 0, 0), zone);
begin
  return case when next_at > after then next_at
              else rules.instant_of(next_on + case when weekday is null then 1 else 7 end + make_time(hour, 0, 0), zone) end;
end;
$$;
comment on function rules.next_hour(text, integer, integer, timestamptz) is 'When it is next so many o''clock in a zone, on that day of the week (ISO: 1 is Monday), or on any.';
grant execute on function rules.next_hour(text, integer, integer, timestamptz) to pruuf_worker, pruuf_engine;

create or replace function rules.zone_name(name text) returns text
language plpgsql immutable parallel safe security invoker set search_path = ''
as $$
begin
  return case name when 'CET' then 'Europe/Brussels' when 'MET' then 'Europe/Brussels' when 'EET' then 'Europe/Athens' when 'WET' then 'Europe/Lisbon' else name end;
end;
$$;
comment on function rules.zone_name(text) is 'R4.3 the name under which a zone is kept: what IANA links it to, for the four that PostgreSQL takes for abbreviations, which know no summer time.';
grant execute on function rules.zone_name(text) to pruuf_user, pruuf_engine;

create or replace function rules.is_time_zone(name text) returns boolean
language sql stable parallel safe security invoker set search_path = ''
as $$
  select name ~ '^[A-Z][A-Za-z0-9_+-]*(/[A-Z][A-Za-z0-9_+-]*)*$' and name not in ('Factory') and exists (select from pg_catalog.pg_timezone_names z where z.name = is_time_zone.name)
$$;
comment on function rules.is_time_zone(text) is 'Whether this is the name of an IANA time zone, exactly as IANA spells it; Factory stands for "nobody has set it". Reads the zone files: some 30 ms, so not for a hot path.';
grant execute on function rules.is_time_zone(text) to pruuf_user, pruuf_engine;

create or replace function rules.iso_local(instant timestamptz, time_zone text) returns text
language plpgsql stable parallel safe security invoker set search_path = ''
as $$
begin
  return to_char(instant at time zone time_zone, 'YYYY-MM-DD"T"HH24:MI:SS');
exception when invalid_parameter_value then
  -- A zone that left the zone files must not keep an alert from being raised.
  return to_char(instant at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS');
end;
$$;
comment on function rules.iso_local(timestamptz, text) is 'The local wall-clock time of an instant, ISO 8601 without an offset; in UTC where the zone is not known any more.';
grant execute on function rules.iso_local(timestamptz, text) to pruuf_user, pruuf_worker, pruuf_engine;
