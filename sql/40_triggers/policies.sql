create or replace trigger tg_policies__record after update of value on data.policies for each row when (old.value <> new.value)
  execute function rules.tg_policies__record();
