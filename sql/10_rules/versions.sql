create or replace function rules.etag(shape jsonb) returns text
language plpgsql immutable parallel safe security invoker set search_path = ''
as $$
begin
  return '"' || left(encode(sha256(convert_to(shape::text, 'UTF8')), 'hex'), 32) || '"';
end;
$$;
comment on function rules.etag(jsonb) is 'The version of a shape: what src/db makes of the answer that a GET gave.';
grant execute on function rules.etag(jsonb) to pruuf_user, pruuf_engine;

create or replace function rules.require_match(shape jsonb, if_match text) returns void
language plpgsql stable parallel safe security invoker set search_path = ''
as $$
begin
  -- RFC 9110, 13.1.1: any of a list, compared strongly; * is anything that is there.
  if if_match is null or shape is not null and (btrim(if_match) = '*' or rules.etag(shape) in (select btrim(tag) from unnest(string_to_array(if_match, ',')) as tag)) then
    return;
  end if;
  raise exception 'precondition-failed' using errcode = 'UF412', detail = 'It has changed since you read it. Read it again, then change it.';
end;
$$;
comment on function rules.require_match(jsonb, text) is 'Refuses a change of something that is not any more what the caller read. Ask it once what is changed is locked; shape is what the GET answers, null when nothing is there.';
grant execute on function rules.require_match(jsonb, text) to pruuf_user, pruuf_engine;
