create or replace trigger tg_help_requests__raise before insert on data.help_requests for each row
  execute function rules.tg_help_requests__raise();
