create or replace function rules.coverage_shape(v data.coverage) returns jsonb
language plpgsql stable parallel safe security invoker set search_path = ''
as $$
begin
  return case when v.member_id is not null then jsonb_build_object('is_covered', v.is_covered, 'since_at', v.since_at, 'reason', v.reason) end;
end;
$$;
comment on function rules.coverage_shape(data.coverage) is 'R6.10 as Contacts see it.';
grant execute on function rules.coverage_shape(data.coverage) to pruuf_user, pruuf_engine;

create or replace function api.get_coverage() returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
  gap text := rules.coverage_gap(me);
begin
  -- What is true now; the row, which says since when, follows within a moment.
  return jsonb_build_object(
    'is_covered', gap is null, 'reason', gap,
    'since_at', (select v.since_at from data.coverage v where v.member_id = me and v.is_covered = (gap is null)),
    'to_do', case gap when 'no_contact' then 'invite_contact' when 'no_entitled_contact' then 'ask_contact_to_pay' when 'too_few_channels' then 'ask_contact_for_channel' end,
    'contacts', (
      select coalesce(jsonb_agg(jsonb_build_object('user_id', u.id, 'name', u.name, 'is_entitled', rules.is_entitled(u.id), 'channels', to_jsonb(w.channels),
                                  'is_reachable', rules.is_entitled(u.id) and cardinality(w.channels) >= 2) order by c.connected_at, c.id), '[]')
        from data.connections c
        join data.users u on u.id = c.contact_id and u.deleted_at is null
        cross join lateral (select rules.working_channels(u.id) as channels) as w
       where c.member_id = me and c.ended_at is null));
end;
$$;
alter function api.get_coverage() owner to pruuf_engine;
comment on function api.get_coverage() is 'GET /v1/me/coverage. R6.10 whether a miss right now would reach anybody, and over which channels each Contact can be reached; never at which addresses.';
grant execute on function api.get_coverage() to pruuf_user;
