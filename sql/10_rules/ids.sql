create or replace function data.new_id() returns uuid
language plpgsql volatile parallel safe security invoker set search_path = ''
as $$
begin
  return encode(
    set_bit(set_bit(
      overlay(uuid_send(gen_random_uuid())
              placing substring(int8send(floor(extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
              from 1 for 6),
      52, 1), 53, 1), 'hex')::uuid;
end;
$$;
comment on function data.new_id() is 'A UUIDv7 (RFC 9562, 5.7): 48 bits of Unix milliseconds, then random. Orders rows roughly by their making; nothing may depend on more.';
