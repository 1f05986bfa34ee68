create or replace function rules.next_digest_at(member uuid, after timestamptz) returns timestamptz
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return rules.next_hour(coalesce((select s.time_zone from data.schedules s where s.member_id = member and s.superseded_at is null), 'UTC'),
                         rules.policy('digest_hour'), null, after);
end;
$$;
comment on function rules.next_digest_at(uuid, timestamptz) is 'R3.4 the next evening where the Member is, at the hour of the daily digest.';
grant execute on function rules.next_digest_at(uuid, timestamptz) to pruuf_worker, pruuf_engine;

create or replace function rules.digest_facts(member uuid, day date, zone text) returns jsonb
language sql stable security invoker set search_path = ''
as $$
  select jsonb_build_object(
    'member', rules.person_shape(member), 'local_on', day, 'time_zone', zone,
    'slots', coalesce((
      select jsonb_agg(jsonb_build_object('local_time', o.local_time, 'state', o.state, 'at_local', rules.iso_local(c.received_at, o.time_zone)) order by o.due_at)
        from data.obligations o
        left join data.obligations_met m on m.obligation_id = o.id
        left join data.check_ins c on c.id = m.check_in_id
       where o.member_id = member and o.local_on = day), '[]'))
$$;
comment on function rules.digest_facts(uuid, date, text) is 'R3.4 what a Member''s day was: each time that counted, its state, and when they checked in; no time on a day off.';
grant execute on function rules.digest_facts(uuid, date, text) to pruuf_worker;

create or replace function rules.tg_watch_settings__keep() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  if new.contact_id = rules.current_user_id() then
    -- Waits for an end that is just being made: settings must not outlive it. Others' rows a policy refuses.
    perform from data.connections c where c.contact_id = new.contact_id and c.member_id = new.member_id and c.ended_at is null for share;
    if not found then
      perform rules.refuse_unknown('Member');
    end if;
  end if;
  if tg_op = 'INSERT' or new.hears_of <> old.hears_of then
    new.digest_at := case when new.hears_of = 'daily_digest' then rules.next_digest_at(new.member_id, rules.clock()) end;
  end if;
  return new;
end;
$$;
alter function rules.tg_watch_settings__keep() owner to pruuf_engine;
comment on function rules.tg_watch_settings__keep() is 'R3.4 settings are of a connection that stands; a daily digest has its time.';

create or replace function rules.tg_watch_settings__record() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  perform audit.append('watching.changed', new.contact_id, null,
    jsonb_build_object('member_id', new.member_id, 'hears_of', new.hears_of, 'mutes_routine', new.mutes_routine, 'has_nickname', new.nickname is not null));
  return null;
end;
$$;
alter function rules.tg_watch_settings__record() owner to pruuf_engine;
comment on function rules.tg_watch_settings__record() is 'R9.2 in the Contact''s trail, without the nickname; not in the Member''s, who knows nothing of it.';
