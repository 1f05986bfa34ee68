create or replace trigger tg_watch_settings__keep before insert or update of hears_of on data.watch_settings for each row
  execute function rules.tg_watch_settings__keep();
create or replace trigger tg_watch_settings__record after insert or update of nickname, hears_of, mutes_routine on data.watch_settings for each row
  execute function rules.tg_watch_settings__record();
