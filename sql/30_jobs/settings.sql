create or replace function jobs.settings() returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return jsonb_build_object('least_app_version', rules.policy('least_app_version'));
end;
$$;
comment on function jobs.settings() is 'The numbers that a server needs before it knows who asks; it reads them every few seconds.';
grant execute on function jobs.settings() to pruuf_worker;
