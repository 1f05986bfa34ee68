create or replace trigger tg_deliveries__only_up before update of state on data.deliveries for each row
  when (old.state <> new.state and not rules.delivery_may_become(old.state, new.state))
  execute function rules.tg_deliveries__only_up();
create or replace trigger tg_deliveries__arrive after update of state, may_have_arrived on data.deliveries for each row
  when (new.alert_id is not null and coalesce(new.address_id, new.device_id) is not null
    and (new.may_have_arrived or new.state in ('accepted', 'delivered', 'confirmed'))
    and not (old.may_have_arrived or old.state in ('accepted', 'delivered', 'confirmed')))
  execute function rules.tg_deliveries__arrive();
