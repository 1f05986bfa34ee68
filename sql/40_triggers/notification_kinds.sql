create or replace trigger tg_notification_kinds__stay before delete on data.notification_kinds for each row
  execute function rules.tg_notification_kinds__stay();
