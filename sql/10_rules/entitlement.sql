create or replace function rules.subscription_counts(s billing.subscriptions, at timestamptz) returns text
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return case
    when s.status in ('active', 'trialing') and not s.is_ending then 'active'
    when s.status in ('active', 'trialing') and at < s.period_ends_at then 'cancelled'
    when s.status in ('past_due', 'unpaid') and at < s.past_due_since_at + make_interval(days => rules.policy('payment_grace')) then 'past_due' end;
end;
$$;
comment on function rules.subscription_counts(billing.subscriptions, timestamptz) is 'R8.2 what a subscription entitles to; null when to nothing.';
grant execute on function rules.subscription_counts(billing.subscriptions, timestamptz) to pruuf_user, pruuf_worker, pruuf_engine;

create or replace function rules.entitlement(person uuid, at timestamptz) returns text
language plpgsql stable security invoker set search_path = ''
as $$
declare
  account billing.accounts;
begin
  select * into account from billing.accounts a where a.user_id = person;
  if account.grandfathered_at is not null then
    return 'free';
  end if;
  return coalesce(
    (select c.counts from billing.customers k join billing.subscriptions s on s.customer_id = k.id
       cross join lateral (select rules.subscription_counts(s, at) as counts) c
      where k.user_id = person and c.counts is not null
      order by array_position('{active,cancelled,past_due}', c.counts) limit 1),
    -- Whoever has not begun to watch has the trial before them.
    case when account.trial_ends_at is null or at < account.trial_ends_at then 'trialing' else 'frozen' end);
end;
$$;
comment on function rules.entitlement(uuid, timestamptz) is 'R8.2 what a Contact is entitled to: the one place that reckons it. rules.settle_entitlement keeps the outcome in billing.accounts, with all that follows from it.';
grant execute on function rules.entitlement(uuid, timestamptz) to pruuf_user, pruuf_worker, pruuf_engine;

create or replace function rules.is_entitled(person uuid) returns boolean
language plpgsql stable security definer set search_path = ''
as $$
begin
  return not exists (select from billing.accounts a where a.user_id = person and a.entitlement = 'frozen');
end;
$$;
alter function rules.is_entitled(uuid) owner to pruuf_engine;
comment on function rules.is_entitled(uuid) is 'R8.3, R6.10 whether somebody gets everything now. A look at one row and nothing that could go wrong: alerts are not to hang on money. security definer: a Member''s coverage is of their Contacts'' accounts.';
grant execute on function rules.is_entitled(uuid) to pruuf_user, pruuf_worker, pruuf_engine;

create or replace function rules.entitlement_ends_at(person uuid, at timestamptz) returns timestamptz
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return case rules.entitlement(person, at)
    when 'trialing' then (select a.trial_ends_at from billing.accounts a where a.user_id = person)
    when 'cancelled' then (select max(s.period_ends_at) from billing.customers k join billing.subscriptions s on s.customer_id = k.id
                            where k.user_id = person and rules.subscription_counts(s, at) = 'cancelled')
    when 'past_due' then (select max(s.past_due_since_at) + make_interval(days => rules.policy('payment_grace')) from billing.customers k join billing.subscriptions s on s.customer_id = k.id
                           where k.user_id = person and rules.subscription_counts(s, at) = 'past_due') end;
end;
$$;
comment on function rules.entitlement_ends_at(uuid, timestamptz) is 'R8.2 when a Contact will be frozen if nothing happens until then; null when never, or already.';
grant execute on function rules.entitlement_ends_at(uuid, timestamptz) to pruuf_user, pruuf_worker, pruuf_engine;

create or replace function rules.settle_entitlement(person uuid, at timestamptz) returns boolean
language plpgsql volatile security definer set search_path = ''
as $$
declare
  account billing.accounts;
  now_is text;
  ends_at timestamptz;
begin
  select * into account from billing.accounts a where a.user_id = person for update;
  if not found then
    return false;
  end if;
  now_is := rules.entitlement(person, at);
  ends_at := rules.entitlement_ends_at(person, at);
  if now_is <> account.entitlement then
    update billing.accounts a set entitlement = now_is, since_at = at where a.user_id = person;
    perform audit.append('entitlement.' || now_is, person, null, jsonb_build_object('before', account.entitlement));
    if 'frozen' in (now_is, account.entitlement) then
      perform rules.mark_coverage(person);
      perform rules.tell_frozen(person, now_is = 'frozen', at);
    end if;
  end if;
  perform rules.warn_of_end(person, now_is, ends_at, at);
  perform rules.warn_of_card(person, at);
  update billing.accounts a
     set next_step_at = least(rules.next_entitlement_step(now_is, ends_at, at), rules.next_card_step(person, at)) where a.user_id = person;
  return now_is <> account.entitlement;
end;
$$;
alter function rules.settle_entitlement(uuid, timestamptz) owner to pruuf_engine;
comment on function rules.settle_entitlement(uuid, timestamptz) is 'R8.2, R8.3 draws the consequences of what rules.entitlement says: who is told, before and when it changes. As often as one likes: each is told once. security definer: accounts are not the worker''s. Gives whether it changed.';
grant execute on function rules.settle_entitlement(uuid, timestamptz) to pruuf_worker, pruuf_engine;

create or replace function rules.days_of_warning(entitlement text) returns integer[]
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return case entitlement
    when 'past_due' then array[rules.policy('payment_grace'), rules.policy('payment_grace') - 2, rules.policy('payment_grace') - 5]
    when 'trialing' then array[rules.policy('ending_told_before'), 3, 1]
    when 'cancelled' then array[rules.policy('ending_told_before'), 3, 1]
    else '{}' end;
end;
$$;
comment on function rules.days_of_warning(text) is 'R8.2, R8.3 how many days before the end its user is told: of [7] days of grace on days 1, 3 and 6, which begin 7, 5 and 2 days before it.';
grant execute on function rules.days_of_warning(text) to pruuf_engine;

create or replace function rules.next_entitlement_step(entitlement text, ends_at timestamptz, at timestamptz) returns timestamptz
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return (select min(t.step) from (
    select ends_at as step union all select ends_at - make_interval(days => d) from unnest(rules.days_of_warning(entitlement)) as d) t
   where t.step > at);
end;
$$;
comment on function rules.next_entitlement_step(text, timestamptz, timestamptz) is 'R8.2 when an account is to be looked at again: at the next warning, or the end.';
grant execute on function rules.next_entitlement_step(text, timestamptz, timestamptz) to pruuf_engine;

create or replace function rules.warn_of_end(person uuid, entitlement text, ends_at timestamptz, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  -- After an outage the last of those that are due says all.
  days integer := (select min(d) from unnest(rules.days_of_warning(entitlement)) as d where at >= ends_at - make_interval(days => d));
begin
  if days is null then
    return;
  end if;
  insert into data.notifications (user_id, kind, cause, facts, created_at, expires_at)
  values (person, case entitlement when 'past_due' then 'payment_failed' else 'access_ending' end, entitlement || ':' || ends_at || ':' || days,
          jsonb_build_object('why', entitlement, 'ends_at', ends_at, 'days', days), at, ends_at)
  on conflict on constraint one_notification_per_user_and_cause do nothing;
  if days = (select min(d) from unnest(rules.days_of_warning(entitlement)) as d) then
    perform rules.tell_watchers(person, 'soon', entitlement || ':' || ends_at, at);
  end if;
end;
$$;
comment on function rules.warn_of_end(uuid, text, timestamptz, timestamptz) is 'R8.2, R8.3 tells a Contact of the end that comes, and with the last warning their Members and the other Contacts.';
grant execute on function rules.warn_of_end(uuid, text, timestamptz, timestamptz) to pruuf_engine;

create or replace function rules.unpayable_subscription(person uuid) returns billing.subscriptions
language plpgsql stable security invoker set search_path = ''
as $$
declare
  found_one billing.subscriptions;
begin
  select s.* into found_one from billing.customers k join billing.subscriptions s on s.customer_id = k.id
   where k.user_id = person and s.status in ('active', 'trialing') and not s.is_ending
     and s.card_expires_on < (s.period_ends_at at time zone 'UTC')::date
   order by s.period_ends_at limit 1;
  return found_one;
end;
$$;
comment on function rules.unpayable_subscription(uuid) is 'R8.5 what renews after its card has ended.';
grant execute on function rules.unpayable_subscription(uuid) to pruuf_user, pruuf_engine;

create or replace function rules.next_card_step(person uuid, at timestamptz) returns timestamptz
language plpgsql stable security invoker set search_path = ''
as $$
declare
  tells_at timestamptz := (rules.unpayable_subscription(person)).period_ends_at - make_interval(days => rules.policy('card_told_before'));
begin
  return case when tells_at > at then tells_at end;
end;
$$;
comment on function rules.next_card_step(uuid, timestamptz) is 'R8.5 when somebody is to hear of their card; null when not, or already.';
grant execute on function rules.next_card_step(uuid, timestamptz) to pruuf_engine;

create or replace function rules.warn_of_card(person uuid, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  unpayable billing.subscriptions := rules.unpayable_subscription(person);
begin
  if unpayable.id is null or at not between unpayable.period_ends_at - make_interval(days => rules.policy('card_told_before')) and unpayable.period_ends_at then
    return;
  end if;
  insert into data.notifications (user_id, kind, cause, facts, created_at, expires_at)
  values (person, 'card_ending', unpayable.id || ':' || unpayable.card_expires_on,
          jsonb_build_object('card_expires_on', unpayable.card_expires_on, 'paid_local', rules.iso_local(unpayable.period_ends_at, rules.zone_of(person))),
          at, unpayable.period_ends_at)
  on conflict on constraint one_notification_per_user_and_cause do nothing;
end;
$$;
comment on function rules.warn_of_card(uuid, timestamptz) is 'R8.5 tells whoever pays with a card that will have ended by the next payment, once for each card.';
grant execute on function rules.warn_of_card(uuid, timestamptz) to pruuf_engine;

create or replace function rules.tell_frozen(person uuid, is_frozen boolean, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  insert into data.notifications (user_id, kind, cause, facts, created_at)
  values (person, case when is_frozen then 'account_frozen' else 'account_thawed' end, at::text,
          jsonb_build_object('needs_payment', exists (select from billing.customers k join billing.subscriptions s on s.customer_id = k.id
                                                       where k.user_id = person and s.status in ('past_due', 'unpaid'))), at)
  on conflict on constraint one_notification_per_user_and_cause do nothing;
  perform rules.tell_watchers(person, case when is_frozen then 'now' else 'over' end, at::text, at);
end;
$$;
comment on function rules.tell_frozen(uuid, boolean, timestamptz) is 'R8.3 a Contact who is frozen or gets everything again is told, and so are their Members and the other Contacts.';
grant execute on function rules.tell_frozen(uuid, boolean, timestamptz) to pruuf_engine;

create or replace function rules.tell_watchers(person uuid, phase text, cause text, at timestamptz) returns void
language sql volatile security invoker set search_path = ''
as $$
  insert into data.notifications (user_id, kind, cause, member_id, facts, created_at)
  select reader, 'watcher_frozen', person || ':' || phase || ':' || cause || ':' || w.member_id, case when reader <> w.member_id then w.member_id end,
         jsonb_build_object('contact', rules.person_shape(person), 'member', rules.person_shape(w.member_id), 'is_own', reader = w.member_id, 'phase', phase), at
    from data.connections w,
         lateral (select w.member_id union select c.contact_id from data.connections c where c.member_id = w.member_id and c.contact_id <> person and c.ended_at is null) as readers (reader)
   where w.contact_id = person and w.ended_at is null
     and exists (select from data.addresses a where a.user_id = person and a.kind = 'phone' and a.verified_at is not null)
  on conflict on constraint one_notification_per_user_and_cause do nothing
$$;
comment on function rules.tell_watchers(uuid, text, text, timestamptz) is 'R8.3 the Members of a Contact and the other Contacts of these: that the Contact will not, does not or does again get everything. Nothing of money, and nothing where there is no phone: then nothing changes for them.';
grant execute on function rules.tell_watchers(uuid, text, text, timestamptz) to pruuf_engine;

create or replace function rules.begin_to_watch(person uuid, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  insert into billing.accounts as a (user_id, trial_ends_at, entitlement, since_at, next_step_at)
  values (person, at + make_interval(days => rules.policy('trial')), 'trialing', at, at)
  on conflict on constraint accounts_pkey do update
    set trial_ends_at = excluded.trial_ends_at where a.trial_ends_at is null;
end;
$$;
comment on function rules.begin_to_watch(uuid, timestamptz) is 'R1.2 the trial of a Contact begins with the first Member they watch, once.';
grant execute on function rules.begin_to_watch(uuid, timestamptz) to pruuf_engine;

create or replace function rules.grandfather(person uuid, at timestamptz) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  -- Asked with every new version of a schedule: nearly always there is nothing to do.
  if exists (select from billing.accounts a where a.user_id = person and a.grandfathered_at is not null)
     or not exists (select from data.connections c where c.member_id = person and c.ended_at is null)
     or not exists (select from data.schedules s where s.member_id = person and s.superseded_at is null) then
    return;
  end if;
  insert into billing.accounts as a (user_id, grandfathered_at, entitlement, since_at) values (person, at, 'free', at)
  on conflict on constraint accounts_pkey do update set grandfathered_at = excluded.grandfathered_at, next_step_at = at;
  perform rules.order_cancelling(person, 'grandfathered', at);
  perform rules.settle_entitlement(person, at);
end;
$$;
comment on function rules.grandfather(uuid, timestamptz) is 'R1.2 whoever is an active Member, watched and with a time, is free for ever; what they paid for is cancelled at once.';
grant execute on function rules.grandfather(uuid, timestamptz) to pruuf_engine;

create or replace function rules.order_cancelling(person uuid, reason text, at timestamptz) returns void
language sql volatile security invoker set search_path = ''
as $$
  with ordered as (
    insert into billing.orders (subscription_id, action, reason, ordered_at, next_try_at)
    select s.id, case when s.created_at > least(u.deleted_at, a.grandfathered_at) then 'cancel_and_refund' else 'cancel_now' end, order_cancelling.reason, at, at
      from billing.customers k join billing.subscriptions s on s.customer_id = k.id join data.users u on u.id = k.user_id
        left join billing.accounts a on a.user_id = k.user_id
     where k.user_id = person and s.status not in ('canceled', 'incomplete_expired')
    on conflict on constraint one_order_per_subscription_and_reason do nothing
    returning action)
  insert into data.notifications (user_id, kind, cause, facts, created_at)
  select person, 'grandfathered', 'grandfathered', '{}'::jsonb, at
   where order_cancelling.reason = 'grandfathered' and exists (select from ordered o where o.action = 'cancel_now')
  on conflict on constraint one_notification_per_user_and_cause do nothing
$$;
comment on function rules.order_cancelling(uuid, text, timestamptz) is 'R1.2, R2.6 all that somebody pays for is to be cancelled at once, and what they paid for since is given back: a job tells Stripe. Whoever is free now is told that nothing more is charged.';
grant execute on function rules.order_cancelling(uuid, text, timestamptz) to pruuf_engine;

create or replace function rules.tg_connections__entitle() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  perform rules.begin_to_watch(new.contact_id, rules.clock());
  perform rules.grandfather(new.member_id, rules.clock());
  return null;
end;
$$;
alter function rules.tg_connections__entitle() owner to pruuf_engine;
comment on function rules.tg_connections__entitle() is 'R1.2 who watches has a trial; who is watched never pays.';

create or replace function rules.tg_schedules__entitle() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  perform rules.grandfather(new.member_id, rules.clock());
  return null;
end;
$$;
alter function rules.tg_schedules__entitle() owner to pruuf_engine;
comment on function rules.tg_schedules__entitle() is 'R1.2 a Member who has chosen a time is active.';

create or replace function rules.tg_subscriptions__settle() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
declare
  at timestamptz := rules.clock();
begin
  -- One may pay before one watches anybody.
  insert into billing.accounts (user_id, entitlement, since_at)
  select k.user_id, 'trialing', at from billing.customers k where k.id = new.customer_id and k.user_id is not null
  on conflict on constraint accounts_pkey do nothing;
  perform rules.settle_entitlement(k.user_id, at) from billing.customers k where k.id = new.customer_id and k.user_id is not null;
  -- The page of a checkout that was open when they became free, or deleted their account, can still be paid on.
  perform rules.order_cancelling(k.user_id, case when u.deleted_at is null then 'grandfathered' else 'account_deleted' end, at)
     from billing.customers k join data.users u on u.id = k.user_id left join billing.accounts a on a.user_id = u.id
    where k.id = new.customer_id and (u.deleted_at is not null or a.grandfathered_at is not null);
  perform rules.end_doubles(new.customer_id, at);
  return null;
end;
$$;
alter function rules.tg_subscriptions__settle() owner to pruuf_engine;
comment on function rules.tg_subscriptions__settle() is 'R8.1, R8.3 what Stripe says changes the entitlement at once; R1.2, R2.6, R8.5 and whoever is not to pay, or pays already, is not charged.';

create or replace function rules.due_accounts(at timestamptz, most integer) returns uuid[]
language sql volatile security definer set search_path = ''
as $$
  select array(
    select a.user_id from billing.accounts a
     where a.next_step_at <= at
       and not exists (select from data.set_asides s where s.job = 'settle_entitlements' and s.row_id = a.user_id)
     order by a.next_step_at limit most for update skip locked)
$$;
alter function rules.due_accounts(timestamptz, integer) owner to pruuf_engine;
comment on function rules.due_accounts(timestamptz, integer) is 'R8.2 whose entitlement is to be looked at. security definer: accounts are not the worker''s.';
grant execute on function rules.due_accounts(timestamptz, integer) to pruuf_worker;

create or replace function rules.members_allowed(contact uuid, at timestamptz) returns integer
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return rules.policy(case when rules.entitlement(contact, at) in ('trialing', 'frozen') then 'members_on_trial' else 'members_per_contact' end);
end;
$$;
comment on function rules.members_allowed(uuid, timestamptz) is 'R1.3 how many Members a Contact may watch: fewer on a trial than when entitled otherwise.';
grant execute on function rules.members_allowed(uuid, timestamptz) to pruuf_user, pruuf_engine;
