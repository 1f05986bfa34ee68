create or replace trigger tg_notification_kinds__stay before delete on data.notification_kinds for each row
  execute function rules.tg_notification_kinds__stay();
create or replace trigger tg_notification_kinds__record after update on data.notification_kinds for each row when (old.* is distinct from new.*)
  execute function rules.tg_notification_kinds__record();
