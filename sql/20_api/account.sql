create or replace function api.delete_me() returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
  at timestamptz := rules.clock();
  until timestamptz := at + make_interval(days => rules.policy('account_return'));
  is_member boolean;
begin
  update data.users u set deleted_at = at where u.id = me and u.deleted_at is null;
  if not found then
    raise exception 'not-signed-in' using errcode = 'UF401', detail = 'This account is gone. Sign in again.';
  end if;
  perform rules.lock_people(me);
  is_member := exists (select from data.schedules s where s.member_id = me and s.superseded_at is null);
  perform rules.withdraw_all(me, at);
  perform rules.stop_schedule(me, at);
  perform rules.tell_account_deleted(me, at);
  perform rules.part_ways(me, at);
  perform rules.order_cancelling(me, 'account_deleted', at);
  delete from data.devices d where d.user_id = me;
  perform rules.end_sessions(me, null, 'account_deleted', at);
  insert into data.notifications (user_id, kind, cause, facts, created_at)
  values (me, 'goodbye', me || ' ' || at, jsonb_build_object('until_on', (until at time zone 'UTC')::date, 'is_member', is_member), at);
  perform audit.append('account.deleted', me, me);
  return jsonb_build_object('deleted_at', at, 'restorable_until', until);
end;
$$;
alter function api.delete_me() owner to pruuf_engine;
comment on function api.delete_me() is 'DELETE /v1/me. R2.6 everything ends at once; [30] days long signing in brings it back. No PIN is asked for: its owner is told at every address, and comes back with the PIN or a code, which whoever holds their phone does not have.';
grant execute on function api.delete_me() to pruuf_user;
