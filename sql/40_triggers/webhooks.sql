create or replace trigger tg_webhooks__record after update of off_at on data.webhooks for each row when (old.off_at is distinct from new.off_at)
  execute function rules.tg_webhooks__record();
