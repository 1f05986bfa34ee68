create or replace trigger tg_escalation_policies__record after insert or update or delete on data.escalation_policies for each row
  execute function rules.tg_escalation_policies__record();
