create or replace trigger tg_positions__stamp before insert on data.positions for each row
  execute function rules.tg_positions__stamp();
