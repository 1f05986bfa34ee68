create or replace function rules.welfare_card_shape(card data.welfare_cards) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return jsonb_build_object('user_id', card.user_id, 'sealed', encode(card.sealed, 'base64'), 'shown_always', card.is_always_shown, 'changed_at', card.changed_at);
end;
$$;
comment on function rules.welfare_card_shape(data.welfare_cards) is 'A welfare card; the server opens what is sealed.';
grant execute on function rules.welfare_card_shape(data.welfare_cards) to pruuf_user, pruuf_engine;

create or replace function api.get_welfare_card() returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
declare
  card data.welfare_cards;
begin
  select * into card from data.welfare_cards c where c.user_id = rules.signed_in_user_id();
  if not found then
    raise exception 'no-welfare-card' using errcode = 'UF404', detail = 'No welfare card has been written yet.';
  end if;
  return rules.welfare_card_shape(card) || jsonb_build_object('looks', array(
    select jsonb_build_object('at', l.looked_at, 'by', jsonb_build_object('id', u.id, 'name', u.name))
      from data.welfare_card_looks l join data.users u on u.id = l.looked_by
     where l.member_id = card.user_id order by l.id desc limit 20));
end;
$$;
alter function api.get_welfare_card() owner to pruuf_engine;
comment on function api.get_welfare_card() is 'GET /v1/me/welfare-card, with the last 20 looks at it; also those of a Contact who has left.';
grant execute on function api.get_welfare_card() to pruuf_user;

create or replace function api.set_welfare_card(sealed bytea, shown_always boolean, if_match text default null) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
begin
  perform from data.welfare_cards c where c.user_id = me for update;
  perform rules.require_match(case when found then api.get_welfare_card() end, if_match);
  insert into data.welfare_cards (user_id, sealed, is_always_shown)
  values (me, set_welfare_card.sealed, set_welfare_card.shown_always)
  on conflict on constraint welfare_cards_pkey do update set sealed = excluded.sealed, is_always_shown = excluded.is_always_shown;
  return api.get_welfare_card();
end;
$$;
comment on function api.set_welfare_card(bytea, boolean, text) is 'PUT /v1/me/welfare-card. R1.5';
grant execute on function api.set_welfare_card(bytea, boolean, text) to pruuf_user;

create or replace function api.get_member_welfare_card(member_id uuid) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  watched uuid := rules.watched_member_id(get_member_welfare_card.member_id);
  card data.welfare_cards;
begin
  -- The table's policy decides whether it is shown now.
  select * into card from data.welfare_cards c where c.user_id = watched;
  if not found then
    raise exception 'welfare-card-not-shown' using errcode = 'UF404', detail = 'There is no welfare card, or it is shown only while an alert is open.';
  end if;
  insert into data.welfare_card_looks (member_id, looked_by) values (watched, rules.signed_in_user_id());
  return rules.welfare_card_shape(card);
end;
$$;
comment on function api.get_member_welfare_card(uuid) is 'GET /v1/members/{user_id}/welfare-card. R1.5 while an alert is open, or always if the Member says so; every look is a row.';
grant execute on function api.get_member_welfare_card(uuid) to pruuf_user;

create or replace function rules.tg_welfare_cards__stamp() returns trigger
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  -- Sealed anew under another key, by nobody, it is the same card.
  new.changed_at := case when tg_op = 'UPDATE' and rules.current_user_id() is null then old.changed_at else rules.clock() end;
  return new;
end;
$$;
comment on function rules.tg_welfare_cards__stamp() is 'The server''s clock says when a card was written.';

create or replace function rules.tg_welfare_cards__record() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  if rules.current_user_id() is not null then
    perform audit.append('welfare_card.changed', new.user_id, null, jsonb_build_object('shown_always', new.is_always_shown));
  end if;
  return null;
end;
$$;
alter function rules.tg_welfare_cards__record() owner to pruuf_engine;
comment on function rules.tg_welfare_cards__record() is 'R9.2 that a card was written is in the trail; nothing of what it says.';

create or replace function rules.tg_welfare_card_looks__stamp() returns trigger
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  new.looked_at := rules.clock();
  return new;
end;
$$;
comment on function rules.tg_welfare_card_looks__stamp() is 'The server''s clock says when somebody looked.';

create or replace function rules.tg_welfare_card_looks__record() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  perform audit.append('welfare_card.read', new.member_id, new.id);
  return null;
end;
$$;
alter function rules.tg_welfare_card_looks__record() owner to pruuf_engine;
comment on function rules.tg_welfare_card_looks__record() is 'R1.5 every look at a card is in the Member''s trail.';
