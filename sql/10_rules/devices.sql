create or replace function rules.last_seen(person uuid, time_zone text) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return (
    select jsonb_build_object('at', d.seen_at, 'local', rules.iso_local(d.seen_at, last_seen.time_zone), 'battery_percent', d.battery_percent)
      from data.devices d where d.user_id = person and d.seen_at is not null order by d.seen_at desc limit 1);
end;
$$;
comment on function rules.last_seen(uuid, text) is 'R4.12 when a phone of somebody''s last said that it is alive, and its battery then, in the words of an alert''s facts; null when none ever did.';
grant execute on function rules.last_seen(uuid, text) to pruuf_worker, pruuf_engine;

create or replace function rules.device_shape(d data.devices) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return jsonb_build_object('id', d.id, 'platform', d.platform, 'registered_at', d.registered_at,
                            'last_seen_at', d.seen_at, 'battery_percent', d.battery_percent, 'push_allowed', d.may_push, 'signs_check_ins', d.public_key is not null);
end;
$$;
comment on function rules.device_shape(data.devices) is 'A device as its owner sees it.';
grant execute on function rules.device_shape(data.devices) to pruuf_engine;
