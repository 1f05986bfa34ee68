create or replace trigger tg_preferences__keep before insert or update on data.preferences for each row
  execute function rules.tg_preferences__keep();
create or replace trigger tg_preferences__record after insert or update on data.preferences for each row
  execute function rules.tg_preferences__record();
