create or replace trigger tg_devices__withdraw before delete on data.devices for each row
  execute function rules.tg_devices__withdraw();
create or replace trigger tg_devices__record after update of off_at, may_push or delete on data.devices for each row
  execute function rules.tg_devices__record();
create or replace trigger tg_devices__mark_coverage after insert or update of off_at, may_push or delete on data.devices for each row
  execute function rules.tg_devices__mark_coverage();
