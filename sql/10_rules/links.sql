create or replace function rules.link_purpose(n data.notifications) returns text
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return case when exists (select from data.alerts a where a.id = n.alert_id and a.member_id <> n.user_id) then 'alert'
              when rules.asked_by(n) is not null then 'check_in' end;
end;
$$;
comment on function rules.link_purpose(data.notifications) is 'R6.6 what the one-tap link in a message is for: an alert, for whoever is told of another''s; R4.8 a check-in, for whoever is reminded of their own. Null where there is none.';
grant execute on function rules.link_purpose(data.notifications) to pruuf_worker, pruuf_engine;

create or replace function rules.alert_of_link(delivery uuid) returns uuid
language plpgsql stable security definer set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
  at timestamptz := rules.clock();
  link record;
begin
  select a.id, d.created_at, a.resolved_at into link
    from data.deliveries d
    join data.notifications n on n.id = d.notification_id
    join data.users u on u.id = n.user_id
    join data.alerts a on a.id = n.alert_id
   where d.id = delivery and n.user_id = me and u.deleted_at is null and rules.link_purpose(n) = 'alert';
  if not found then
    perform rules.refuse_unknown('link');
  elsif link.created_at < at - make_interval(days => rules.policy('link_life'))
     or link.resolved_at < at - make_interval(hours => rules.policy('link_life_after_alert')) then
    raise exception 'link-is-over' using errcode = 'UF410', detail = 'This link works no more.';
  end if;
  return link.id;
end;
$$;
alter function rules.alert_of_link(uuid) owner to pruuf_engine;
comment on function rules.alert_of_link(uuid) is 'R6.6 the alert that a message to the caller was about, while its link works; security definer: deliveries are not open to users. Whether they still see the alert, its policies say.';
grant execute on function rules.alert_of_link(uuid) to pruuf_user;

create or replace function rules.phones_for(reader uuid, alert uuid) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object('sealed', encode(p.sealed, 'base64'), 'lookup', encode(p.lookup, 'base64')) order by p.created_at), '[]')
      from data.alerts a
      join data.connections c on c.member_id = a.member_id and c.contact_id = reader and c.ended_at is null
      join data.addresses p on p.user_id = a.member_id and p.kind = 'phone' and p.verified_at is not null
     where a.id = alert and a.state <> 'resolved');
end;
$$;
comment on function rules.phones_for(uuid, uuid) is 'R6.7 how to reach a Member, for one of their Contacts and only while the alert is open; the server opens what is sealed. Also a phone that takes no SMS: it rings.';
grant execute on function rules.phones_for(uuid, uuid) to pruuf_worker, pruuf_engine;

create or replace function rules.phones_in_alert(alert uuid) returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
begin
  return rules.phones_for(rules.signed_in_user_id(), alert);
end;
$$;
alter function rules.phones_in_alert(uuid) owner to pruuf_engine;
comment on function rules.phones_in_alert(uuid) is 'R6.6, R6.7 how to reach a Member, for the Contact who asks: see rules.phones_for.';
grant execute on function rules.phones_in_alert(uuid) to pruuf_user;
