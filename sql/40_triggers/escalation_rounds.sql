create or replace trigger tg_escalation_rounds__record after insert or update or delete on data.escalation_rounds for each row
  execute function rules.tg_escalation_rounds__record();
