create or replace trigger tg_webhook_events__arrive after update of attempts on data.webhook_events for each row
  when (new.attempts > 0 and old.attempts = 0 and new.notification_id is not null)
  execute function rules.tg_webhook_events__arrive();
