create or replace function rules.preferences_shape(chosen data.preferences) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return jsonb_build_object(
    'channels', jsonb_build_object('high', coalesce(chosen.high_channels, '{push,email,sms}'), 'normal', coalesce(chosen.normal_channels, '{push,email,sms}')),
    'quiet_hours', case when chosen.quiet_from is not null then
       jsonb_build_object('from', to_char(chosen.quiet_from, 'HH24:MI'), 'until', to_char(chosen.quiet_until, 'HH24:MI')) end,
    'time_zone', chosen.time_zone,
    'weekly_summary', coalesce(chosen.has_weekly_summary, true), 'position', coalesce(chosen.shares_position, 'never'));
end;
$$;
comment on function rules.preferences_shape(data.preferences) is 'R7.5 what somebody chose, and where they chose nothing what holds.';
grant execute on function rules.preferences_shape(data.preferences) to pruuf_user;

create or replace function api.get_preferences() returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
declare
  chosen data.preferences;
begin
  select * into chosen from data.preferences p where p.user_id = rules.signed_in_user_id();
  return rules.preferences_shape(chosen);
end;
$$;
comment on function api.get_preferences() is 'GET /v1/me/preferences';
grant execute on function api.get_preferences() to pruuf_user;

create or replace function api.set_preferences(high text[], normal text[], quiet_from time, quiet_until time, time_zone text, weekly_summary boolean, if_match text default null, shares_position text default null) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
begin
  -- There may be no row to lock.
  perform pg_advisory_xact_lock(hashtextextended('preferences ' || me, 0));
  perform rules.require_match(api.get_preferences(), if_match);
  insert into data.preferences (user_id, high_channels, normal_channels, quiet_from, quiet_until, time_zone, has_weekly_summary, shares_position)
  values (me, coalesce(set_preferences.high, '{push,email,sms}'), coalesce(set_preferences.normal, '{push,email,sms}'),
          set_preferences.quiet_from, set_preferences.quiet_until, set_preferences.time_zone, coalesce(set_preferences.weekly_summary, true),
          coalesce(set_preferences.shares_position, 'never'))
  on conflict on constraint preferences_pkey do update
     set high_channels = excluded.high_channels, normal_channels = excluded.normal_channels, quiet_from = excluded.quiet_from,
         quiet_until = excluded.quiet_until, time_zone = excluded.time_zone, has_weekly_summary = excluded.has_weekly_summary,
         shares_position = excluded.shares_position;
  -- Who chooses so now takes back what was said before.
  delete from data.positions p where p.member_id = me and not rules.shares_position(p.help_request_id is not null);
  return api.get_preferences();
end;
$$;
comment on function api.set_preferences(text[], text[], time, time, text, boolean, text, text) is 'PUT /v1/me/preferences. R7.5, R4.8 all of it at once: what is left out is as it was before anything was chosen.';
grant execute on function api.set_preferences(text[], text[], time, time, text, boolean, text, text) to pruuf_user;
