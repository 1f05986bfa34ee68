create or replace trigger tg_users__mark_coverage after update of deleted_at on data.users for each row when (old.deleted_at is distinct from new.deleted_at)
  execute function rules.tg_users__mark_coverage();
