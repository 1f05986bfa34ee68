create or replace function rules.first_poll(channel text, provider text, at timestamptz) returns timestamptz
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return case when channel in ('sms', 'voice') or provider = 'postmark' then at + make_interval(mins => rules.policy('poll_after')) end;
end;
$$;
comment on function rules.first_poll(text, text, timestamptz) is 'R7.1 when a provider is asked what became of a message that it took now: Twilio and Postmark can be asked, FCM, SendGrid and a mail server cannot.';
grant execute on function rules.first_poll(text, text, timestamptz) to pruuf_worker;

create or replace function jobs.claim_polls(most integer) returns setof jsonb
language plpgsql volatile security invoker set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  at timestamptz := rules.clock();
  oldest timestamptz := at - make_interval(hours => rules.policy('poll_for'));
begin
  return query
  with taken as (
    -- The next time is the lease: should the asking come to nothing, it is asked then.
    update data.deliveries d
       set poll_at = case when d.settled_at > oldest then at + greatest((at - d.settled_at) / 2, make_interval(mins => rules.policy('poll_after'))) end
     where d.id = any (array(
       select o.id from data.deliveries o
        where o.state = 'accepted' and o.poll_at <= at order by o.poll_at limit most for update skip locked))
    returning d.*)
  select jsonb_build_object('id', t.id, 'channel', t.channel, 'provider', t.provider, 'provider_message_id', t.provider_message_id)
    from taken t where t.provider_message_id is not null;
end;
$$;
comment on function jobs.claim_polls(integer) is 'R7.1 deliveries that a provider took and of which no callback said what became: it is to be asked. More and more rarely, for a day.';
grant execute on function jobs.claim_polls(integer) to pruuf_worker;
