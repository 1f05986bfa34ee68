create or replace trigger tg_alerts__record after insert or update of state on data.alerts for each row
  execute function rules.tg_alerts__record();
