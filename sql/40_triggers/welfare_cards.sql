create or replace trigger tg_welfare_cards__stamp before insert or update on data.welfare_cards for each row
  execute function rules.tg_welfare_cards__stamp();
create or replace trigger tg_welfare_cards__record after insert or update on data.welfare_cards for each row
  execute function rules.tg_welfare_cards__record();
