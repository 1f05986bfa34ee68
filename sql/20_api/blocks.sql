create or replace function rules.blocked_user_ids() returns setof uuid
language sql stable security invoker set search_path = ''
as $$ select b.blocked_id from data.blocks b where b.blocker_id = (select rules.current_user_id()) and b.unblocked_at is null $$;
comment on function rules.blocked_user_ids() is 'R3.3 whom the caller has blocked.';
grant execute on function rules.blocked_user_ids() to pruuf_user;

create or replace function rules.block_shape(b data.blocks) returns jsonb
language sql stable security invoker set search_path = ''
as $$
  select jsonb_build_object('id', b.id, 'user_id', b.blocked_id, 'name', u.name, 'blocked_at', b.blocked_at)
    from data.users u where u.id = b.blocked_id
$$;
comment on function rules.block_shape(data.blocks) is 'R3.3 a block as the one who made it sees it.';
grant execute on function rules.block_shape(data.blocks) to pruuf_user;

create or replace function api.block_user(user_id uuid) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  me uuid := rules.signed_in_user_id();
  block data.blocks;
begin
  if block_user.user_id = me or not exists (select from data.connections c where block_user.user_id in (c.member_id, c.contact_id)) then
    perform rules.refuse_unknown('person');
  end if;
  insert into data.blocks (blocker_id, blocked_id) values (me, block_user.user_id)
  on conflict (blocker_id, blocked_id) where unblocked_at is null do nothing;
  select * into strict block from data.blocks b where b.blocker_id = me and b.blocked_id = block_user.user_id and b.unblocked_at is null;
  return rules.block_shape(block);
end;
$$;
comment on function api.block_user(uuid) is 'POST /v1/blocks. R3.3 whom one is or was connected with, and nobody else: policies show the caller no other connections. A trigger ends the connection.';
grant execute on function api.block_user(uuid) to pruuf_user;

create or replace function api.list_blocks(cursor uuid, size integer) returns jsonb
language sql stable security invoker set search_path = ''
as $$
  select rules.page(array(
    select rules.block_shape(b) from data.blocks b
     where b.blocker_id = rules.signed_in_user_id() and b.unblocked_at is null and (list_blocks.cursor is null or b.id < list_blocks.cursor)
     order by b.id desc limit size + 1), size)
$$;
comment on function api.list_blocks(uuid, integer) is 'GET /v1/blocks, the newest first';
grant execute on function api.list_blocks(uuid, integer) to pruuf_user;

create or replace function api.unblock_user(user_id uuid) returns jsonb
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  update data.blocks b set unblocked_at = rules.clock()
   where b.blocker_id = rules.signed_in_user_id() and b.blocked_id = unblock_user.user_id and b.unblocked_at is null;
  if not found then
    perform rules.refuse_unknown('block');
  end if;
  return jsonb_build_object();
end;
$$;
comment on function api.unblock_user(uuid) is 'DELETE /v1/blocks/{user_id}. R3.3 connects nobody: that takes a new invitation.';
grant execute on function api.unblock_user(uuid) to pruuf_user;

create or replace function rules.tg_blocks__stamp() returns trigger
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  if tg_op = 'INSERT' then
    new.blocked_at := rules.clock();
  else
    new.unblocked_at := coalesce(old.unblocked_at, rules.clock());
  end if;
  return new;
end;
$$;
comment on function rules.tg_blocks__stamp() is 'The server''s clock says when somebody was blocked, and when no longer; a block that was lifted stays so.';

create or replace function rules.tg_blocks__part() returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  if tg_op = 'UPDATE' then
    perform audit.append('block.lifted', new.blocker_id, new.id);
    return null;
  end if;
  perform rules.lock_connections(new.blocker_id, new.blocked_id);
  update data.connections c set ended_at = new.blocked_at, ended_by = new.blocker_id
   where c.ended_at is null and (c.member_id, c.contact_id) in ((new.blocker_id, new.blocked_id), (new.blocked_id, new.blocker_id));
  perform rules.withdraw_invitation(i, new.blocked_at)
     from data.invitations i join data.addresses a on a.kind = i.kind and a.lookup = i.lookup and a.verified_at is not null
    where i.state = 'pending' and (i.inviter_id, a.user_id) in ((new.blocker_id, new.blocked_id), (new.blocked_id, new.blocker_id));
  perform audit.append('block.made', new.blocker_id, new.id);
  return null;
end;
$$;
alter function rules.tg_blocks__part() owner to pruuf_engine;
comment on function rules.tg_blocks__part() is 'R3.3 a block ends the connection both ways, of which the other side is told, and takes back invitations that have not gone out. In the trail it is the blocker''s alone.';
