create or replace trigger tg_welfare_card_looks__stamp before insert on data.welfare_card_looks for each row
  execute function rules.tg_welfare_card_looks__stamp();
create or replace trigger tg_welfare_card_looks__record after insert on data.welfare_card_looks for each row
  execute function rules.tg_welfare_card_looks__record();
