create or replace trigger tg_check_ins__stamp before insert on data.check_ins for each row
  execute function rules.tg_check_ins__stamp();
create or replace trigger tg_check_ins__count after insert on data.check_ins for each row
  execute function rules.tg_check_ins__count();
