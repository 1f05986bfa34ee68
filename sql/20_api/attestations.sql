create or replace function api.attest_member(member_id uuid, note text, obligation_id uuid default null) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  word data.attestations;
begin
  insert into data.attestations (member_id, contact_id, obligation_id, note)
  values (rules.watched_member_id(attest_member.member_id), rules.signed_in_user_id(), attest_member.obligation_id, attest_member.note)
  returning * into word;
  return jsonb_build_object(
    'id', word.id, 'attested_at', word.attested_at, 'note', word.note,
    'obligation', (select rules.obligation_shape(o) from data.obligations o where o.id = word.obligation_id),
    'resolved_alerts', (select coalesce(jsonb_agg(a.id order by a.id), '[]') from data.alerts a
                         where a.member_id = word.member_id and a.resolved_at = word.attested_at and a.resolved_how = 'attested'));
end;
$$;
comment on function api.attest_member(uuid, text, uuid) is 'POST /v1/members/{user_id}/attestations. R4.9 the answer says which check-in it is about and what it resolved; a trigger on data.attestations does it.';
grant execute on function api.attest_member(uuid, text, uuid) to pruuf_user;
