create or replace function rules.count_by_ip(what text, at timestamptz) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  most integer := rules.policy(what || '_per_ip_and_hour');
  known data.ip_tries;
begin
  insert into data.ip_tries as t (kind, ip, count, began_at) values (what, rules.caller_network(), 1, at)
  on conflict (kind, ip) do update
    set count = case when t.began_at > at - interval '1 hour' then t.count + 1 else 1 end,
        began_at = case when t.began_at > at - interval '1 hour' then t.began_at else at end
  returning * into known;
  if known.count <= most then
    return null;
  elsif known.count = most + 1 then
    perform audit.append('network.slowed', null, null, jsonb_build_object('kind', what));
  end if;
  return rules.refusal('too-many-requests', 'Too many tries from this network. Try again within the hour.',
    jsonb_build_object('retry_after', ceil(extract(epoch from known.began_at + interval '1 hour' - at))::integer));
end;
$$;
comment on function rules.count_by_ip(text, timestamptz) is 'R2.1, R2.3 counts one more before it is done, for the caller''s network and on all servers; over the hour''s number it gives the refusal, which keeps the count. The trail has it once an hour.';
grant execute on function rules.count_by_ip(text, timestamptz) to pruuf_engine;

create or replace function rules.uncount_by_ip(what text) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  update data.ip_tries t set count = greatest(t.count - 1, 0) where t.kind = what and t.ip = rules.caller_network();
end;
$$;
comment on function rules.uncount_by_ip(text) is 'What was right was no guess: only wrong ones use up the hour''s number, or a carrier''s customers would use up each other''s.';
grant execute on function rules.uncount_by_ip(text) to pruuf_engine;
