create or replace trigger tg_addresses__withdraw before delete on data.addresses for each row
  execute function rules.tg_addresses__withdraw();
