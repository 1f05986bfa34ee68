create or replace function rules.watched_member_ids() returns setof uuid
language sql stable security invoker set search_path = ''
as $$ select c.member_id from data.connections c where c.contact_id = (select rules.current_user_id()) and c.ended_at is null $$;
comment on function rules.watched_member_ids() is 'The Members whom the caller watches now.';
grant execute on function rules.watched_member_ids() to pruuf_user;

create or replace function rules.is_linked(person uuid) returns boolean
language sql stable security invoker set search_path = ''
as $$
  select exists (select from data.connections c
                  where c.member_id = (select rules.current_user_id()) and c.contact_id = person and c.ended_at is null)
      or exists (select from data.connections c
                  where c.member_id = person and c.contact_id = (select rules.current_user_id()) and c.ended_at is null)
$$;
comment on function rules.is_linked(uuid) is 'Whether the caller and this person are connected now, either way.';
grant execute on function rules.is_linked(uuid) to pruuf_user, pruuf_engine;
