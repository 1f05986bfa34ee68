create or replace function rules.working_channels(person uuid) returns text[]
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return array_remove(array[
    case when exists (select from data.devices d where d.user_id = person and d.off_at is null and d.may_push) then 'push' end,
    case when exists (select from data.addresses a where a.user_id = person and a.kind = 'email' and a.verified_at is not null and a.off_at is null) then 'email' end,
    case when exists (select from data.addresses a where a.user_id = person and a.kind = 'phone' and a.verified_at is not null and a.off_at is null) then 'phone' end], null);
end;
$$;
comment on function rules.working_channels(uuid) is 'R6.10 how somebody can be reached. SMS and call are one: they die with the same number.';
grant execute on function rules.working_channels(uuid) to pruuf_worker, pruuf_engine;

create or replace function rules.coverage_gap(member uuid) returns text
language plpgsql stable security invoker set search_path = ''
as $$
declare
  contacts uuid[] := array(
    select c.contact_id from data.connections c join data.users u on u.id = c.contact_id
     where c.member_id = member and c.ended_at is null and u.deleted_at is null);
begin
  return case
    when exists (select from unnest(contacts) as contact where rules.is_entitled(contact) and cardinality(rules.working_channels(contact)) >= 2) then null
    when cardinality(contacts) = 0 then 'no_contact'
    when not exists (select from unnest(contacts) as contact where rules.is_entitled(contact)) then 'no_entitled_contact'
    else 'too_few_channels' end;
end;
$$;
comment on function rules.coverage_gap(uuid) is 'R6.10 why a miss right now would reach nobody: null when at least one entitled Contact has at least two working channels.';
grant execute on function rules.coverage_gap(uuid) to pruuf_worker, pruuf_engine;

create or replace function rules.settle_coverage(member uuid) returns boolean
language plpgsql volatile security definer set search_path = ''
as $$
declare
  at timestamptz := rules.clock();
  gap text := rules.coverage_gap(member);
  is_watched boolean := exists (select from data.schedules s where s.member_id = member and s.superseded_at is null);
  before data.coverage;
begin
  select * into before from data.coverage v where v.member_id = member for update;
  if before.member_id is null then
    -- Whoever never was covered is not told that they lost it.
    insert into data.coverage (member_id, is_covered, since_at, reason)
    select member, gap is null, at, gap
     where exists (select from data.users u where u.id = member)
       and (is_watched or exists (select from data.connections c where c.member_id = member and c.ended_at is null));
    return false;
  elsif before.is_covered = (gap is null) then
    update data.coverage v set reason = gap where v.member_id = member and v.reason is distinct from gap;
    return false;
  end if;
  -- Of whom nothing is expected, nothing can be missed.
  update data.coverage v set is_covered = gap is null, since_at = at, reason = gap, told_at = case when gap is not null and is_watched then at end
   where v.member_id = member;
  perform audit.append(case when gap is null then 'coverage.back' else 'coverage.lost' end, member, null, jsonb_strip_nulls(jsonb_build_object('reason', gap)));
  if gap is not null and is_watched or gap is null and before.told_at is not null then
    perform rules.tell_coverage(member, gap, at);
  end if;
  return true;
end;
$$;
alter function rules.settle_coverage(uuid) owner to pruuf_engine;
comment on function rules.settle_coverage(uuid) is 'R6.10 brings data.coverage to what is true of a Member, and tells of a loss at that moment, and of its end to whoever was told. Gives whether it changed.';
grant execute on function rules.settle_coverage(uuid) to pruuf_worker;

create or replace function rules.tell_coverage(member uuid, gap text, at timestamptz) returns void
language sql volatile security invoker set search_path = ''
as $$
  insert into data.notifications (user_id, kind, cause, member_id, facts, created_at)
  select reader, case when gap is null then 'coverage_back' else 'coverage_lost' end, member || ' ' || at, case when reader <> member then member end,
         jsonb_strip_nulls(jsonb_build_object('member', rules.person_shape(member), 'reason', gap, 'is_own', reader = member,
           'can_help', reader <> member and cardinality(rules.working_channels(reader)) < 2)), at
    from (select member union select c.contact_id from data.connections c where c.member_id = member and c.ended_at is null) as readers (reader)
  on conflict on constraint one_notification_per_user_and_cause do nothing
$$;
comment on function rules.tell_coverage(uuid, text, timestamptz) is 'R6.10 the Member and the Contacts who remain are told.';
grant execute on function rules.tell_coverage(uuid, text, timestamptz) to pruuf_engine;

create or replace function rules.mark_coverage(person uuid) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  insert into data.coverage_marks (user_id, marked_at) values (person, rules.clock());
  perform pg_notify('pruuf_work', '');
end;
$$;
comment on function rules.mark_coverage(uuid) is 'R6.10 something has changed about how somebody is reached, or who watches them: jobs.follow_coverage draws the consequences. Only a row, so that nothing waits for anything; with the change in one transaction, so that no change goes unseen.';
grant execute on function rules.mark_coverage(uuid) to pruuf_engine;

create or replace function rules.tg_connections__mark_coverage() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  perform rules.mark_coverage(case tg_op when 'DELETE' then old.member_id else new.member_id end);
  return null;
end;
$$;
alter function rules.tg_connections__mark_coverage() owner to pruuf_engine;
comment on function rules.tg_connections__mark_coverage() is 'R6.10 a Contact more or less.';

create or replace function rules.tg_addresses__mark_coverage() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  perform rules.mark_coverage(case tg_op when 'DELETE' then old.user_id else new.user_id end);
  return null;
end;
$$;
alter function rules.tg_addresses__mark_coverage() owner to pruuf_engine;
comment on function rules.tg_addresses__mark_coverage() is 'R6.10 an address that was verified, turned off or removed.';

create or replace function rules.tg_devices__mark_coverage() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  -- A heartbeat that says what was known tells nobody anything, and wakes nobody.
  if tg_op <> 'UPDATE' or (old.off_at, old.may_push) is distinct from (new.off_at, new.may_push) then
    perform rules.mark_coverage(case tg_op when 'DELETE' then old.user_id else new.user_id end);
  end if;
  return null;
end;
$$;
alter function rules.tg_devices__mark_coverage() owner to pruuf_engine;
comment on function rules.tg_devices__mark_coverage() is 'R6.10 a device that came, died or went, or whose user lets it show pushes or not.';

create or replace function rules.tg_users__mark_coverage() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  perform rules.mark_coverage(new.id);
  return null;
end;
$$;
alter function rules.tg_users__mark_coverage() owner to pruuf_engine;
comment on function rules.tg_users__mark_coverage() is 'R6.10, R2.6 an account that is deleted, or back.';

create or replace function rules.tg_schedules__mark_coverage() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  -- Only the first time: a check-in from another time zone makes a version, too, and must not notify.
  if not exists (select from data.coverage v where v.member_id = new.member_id) then
    perform rules.mark_coverage(new.member_id);
  end if;
  return null;
end;
$$;
alter function rules.tg_schedules__mark_coverage() owner to pruuf_engine;
comment on function rules.tg_schedules__mark_coverage() is 'R6.10 somebody is a Member now.';
