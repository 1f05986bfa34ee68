create or replace function rules.keep_signature(tap uuid, public_key bytea, signed_on date, is_right boolean) returns text
language plpgsql volatile security definer set search_path = ''
as $$
declare
  made data.check_ins;
  signer uuid;
  said text := 'wrong';
begin
  select * into strict made from data.check_ins c where c.id = tap and c.member_id = rules.current_user_id();
  select d.id into signer from data.devices d where is_right and d.user_id = made.member_id and d.public_key = keep_signature.public_key limit 1;
  if signer is not null then
    said := case when rules.is_signed_for(made, signed_on)
                  and not exists (select from data.signatures s where s.device_id = signer and s.signed_at = made.device_time) then 'verified' else 'unverified' end;
  end if;
  insert into data.signatures (check_in_id, device_id, signed_at, signed_on, state) values (made.id, signer, made.device_time, signed_on, said);
  return said;
exception when others then
  -- Nobody is alarmed over cryptography: the check-in counts.
  return 'wrong';
end;
$$;
alter function rules.keep_signature(uuid, bytea, date, boolean) owner to pruuf_engine;
comment on function rules.keep_signature(uuid, bytea, date, boolean) is 'R4.11 what a signature is worth, once the check-in has done what it does. is_right: the server has verified it with that key; whose key it is, for which day, and whether it was used before is decided here. Called for signed check-ins only.';
grant execute on function rules.keep_signature(uuid, bytea, date, boolean) to pruuf_user;

create or replace function rules.is_signed_for(tap data.check_ins, signed_on date) returns boolean
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return exists (
    select from data.obligations o
     where o.member_id = tap.member_id and o.local_on = signed_on and o.opens_at <= tap.device_time
       and case when exists (select from data.obligations_met m where m.check_in_id = tap.id)
             then exists (select from data.obligations_met m where m.check_in_id = tap.id and m.obligation_id = o.id)
             else o.id = (select l.id from data.obligations l where l.member_id = tap.member_id and l.opens_at <= tap.received_at order by l.due_at desc limit 1) end);
end;
$$;
comment on function rules.is_signed_for(data.check_ins, date) is 'R4.11 whether a day that was signed is that of the obligation which the check-in met; of one that met nothing, of the last that had opened. It was signed while that was open: what was signed yesterday, for whatever day, is no word of today.';
grant execute on function rules.is_signed_for(data.check_ins, date) to pruuf_engine;

create or replace function rules.signature_of(tap uuid) returns text
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return (select s.state from data.signatures s where s.check_in_id = tap);
end;
$$;
comment on function rules.signature_of(uuid) is 'R4.11 what became of the signature of a check-in; null when it had none.';
grant execute on function rules.signature_of(uuid) to pruuf_user, pruuf_engine;
