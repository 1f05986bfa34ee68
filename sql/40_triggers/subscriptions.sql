create or replace trigger tg_subscriptions__settle after insert or update on billing.subscriptions for each row
  execute function rules.tg_subscriptions__settle();
