create or replace trigger tg_alert_actions__stamp before insert on data.alert_actions for each row
  execute function rules.tg_alert_actions__stamp();
create or replace trigger tg_alert_actions__act after insert on data.alert_actions for each row
  execute function rules.tg_alert_actions__act();
