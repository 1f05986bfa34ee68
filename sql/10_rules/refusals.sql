create or replace function rules.refusal(code text, detail text, facts jsonb default '{}') returns jsonb
language sql immutable parallel safe security invoker set search_path = ''
as $$ select jsonb_build_object('refused', code, 'detail', detail, 'facts', facts) $$;
comment on function rules.refusal(text, text, jsonb) is 'The answer of an api function that refuses and yet keeps what it wrote (a counted try): an exception would roll that back. Db::write turns it into the same problem.';
grant execute on function rules.refusal(text, text, jsonb) to pruuf_anon, pruuf_user, pruuf_engine;

create or replace function rules.refuse_unknown(what text) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  raise exception 'not-found' using errcode = 'UF404', detail = format('There is no such %s, or it is not yours to see.', what);
end;
$$;
comment on function rules.refuse_unknown(text) is 'One answer for what is not there and for what the caller may not see.';
grant execute on function rules.refuse_unknown(text) to pruuf_user, pruuf_engine;
