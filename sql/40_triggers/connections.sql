create or replace trigger tg_connections__end before update of ended_at on data.connections for each row when (old.ended_at is null and new.ended_at is not null)
  execute function rules.tg_connections__end();
create or replace trigger tg_connections__mark_coverage after insert or update of ended_at or delete on data.connections for each row
  execute function rules.tg_connections__mark_coverage();
create or replace trigger tg_connections__plan_drills after insert on data.connections for each row
  execute function rules.tg_connections__plan_drills();
create or replace trigger tg_connections__plan_summaries after insert on data.connections for each row
  execute function rules.tg_connections__plan_summaries();
create or replace trigger tg_connections__catch_up after update of tier on data.connections for each row
  when (old.tier = 'backup' and new.tier = 'primary' and new.ended_at is null)
  execute function rules.tg_connections__catch_up();
