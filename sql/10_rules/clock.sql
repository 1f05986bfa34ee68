create or replace function rules.clock() returns timestamptz
language plpgsql stable parallel safe security invoker set search_path = ''
as $$
begin
  return (select now() + c.ahead_by from meta.clock c);
end;
$$;
comment on function rules.clock() is 'R9.6 what time it is: the start of the transaction, plus what a rehearsal is ahead. Nothing else reads a clock.';
grant execute on function rules.clock() to pruuf_anon, pruuf_user, pruuf_staff, pruuf_worker, pruuf_billing, pruuf_engine, pruuf_keeper, pruuf_server;

create or replace function meta.advance_clock(by interval) returns timestamptz
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  update meta.clock set ahead_by = ahead_by + by;
  perform pg_notify('pruuf_work', '');
  return rules.clock();
end;
$$;
comment on function meta.advance_clock(interval) is 'Moves the clock of a database made for rehearsals; only the owner may. A production database refuses by a constraint (R9.6).';

create or replace function rules.tg_clock__rehearsal() returns trigger
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  if new.rehearsal is distinct from old.rehearsal and exists (select from data.users) then
    raise exception 'rehearsal-is-decided-at-birth' using errcode = 'UF409',
      detail = 'A database that holds users cannot become one for rehearsals, nor stop being one.';
  end if;
  return new;
end;
$$;
comment on function rules.tg_clock__rehearsal() is 'R9.6 in production nobody can move the time.';
