create or replace trigger tg_connections__end before update of ended_at on data.connections for each row when (old.ended_at is null and new.ended_at is not null)
  execute function rules.tg_connections__end();
