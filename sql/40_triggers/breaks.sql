create or replace trigger tg_breaks__keep before insert or update of first_on, last_on, confirmed_on on data.breaks for each row
  execute function rules.tg_breaks__keep();
create or replace trigger tg_breaks__follow after insert or update of first_on, last_on, confirmed_on or delete on data.breaks for each row
  execute function rules.tg_breaks__follow();
