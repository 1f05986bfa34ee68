create or replace trigger tg_devices__withdraw before delete on data.devices for each row
  execute function rules.tg_devices__withdraw();
