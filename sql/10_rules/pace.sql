create or replace function rules.slowed(tries data.ip_tries, at timestamptz) returns jsonb
language sql stable security invoker set search_path = ''
as $$
  select rules.refusal('too-many-requests', 'Too many tries from this network. Try again within the hour.',
    jsonb_build_object('retry_after',
                       ceil(extract(epoch from tries.began_at + interval '1 hour' - at))::integer))
$$;
comment on function rules.slowed(data.ip_tries, timestamptz) is
  'The refusal of a network that has used up the hour''s number, with the seconds until it has a new one.';
grant execute on function rules.slowed(data.ip_tries, timestamptz) to pruuf_engine;

create or replace function rules.count_by_ip(what text, at timestamptz) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  most integer := rules.policy(what || '_per_ip_and_hour');
  known data.ip_tries;
begin
  select * into known from data.ip_tries t
   where t.kind = what and t.ip = rules.caller_network() and t.began_at > at - interval '1 hour';
  if known.count > most then
    -- Nothing is written any more: a flood costs a look.
    return rules.slowed(known, at);
  end if;
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
  return rules.slowed(known, at);
end;
$$;
comment on function rules.count_by_ip(text, timestamptz) is 'R2.1, R2.3 counts one more before it is done, for the caller''s network and on all servers; over the hour''s number it gives the refusal, which keeps the count. The trail has it once an hour.';
grant execute on function rules.count_by_ip(text, timestamptz) to pruuf_engine;

create or replace function rules.uncount_by_ip(what text) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  update data.ip_tries t set count = greatest(t.count - 1, 0)
   where t.kind = what and t.ip = rules.caller_network() and t.count <= rules.policy(what || '_per_ip_and_hour');
end;
$$;
comment on function rules.uncount_by_ip(text) is 'What was right was no guess: only wrong ones use up the hour''s number, or a carrier''s customers would use up each other''s. What is used up stays so for its hour.';
grant execute on function rules.uncount_by_ip(text) to pruuf_engine;
