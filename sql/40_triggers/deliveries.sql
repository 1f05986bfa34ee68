create or replace trigger tg_deliveries__only_up before update of state on data.deliveries for each row
  when (old.state <> new.state and not rules.delivery_may_become(old.state, new.state))
  execute function rules.tg_deliveries__only_up();
