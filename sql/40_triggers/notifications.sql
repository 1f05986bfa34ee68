create or replace trigger tg_notifications__address after insert on data.notifications referencing new table as told for each statement
  execute function rules.tg_notifications__address();
create or replace trigger tg_notifications__read after update of read_at on data.notifications for each row when (old.read_at is null and new.read_at is not null)
  execute function rules.tg_notifications__read();
create or replace trigger tg_notifications__record after update of read_at, hidden_at on data.notifications for each row
  when (old.read_at is null and new.read_at is not null or old.hidden_at is null and new.hidden_at is not null)
  execute function rules.tg_notifications__record();
create or replace trigger tg_notifications__stamp before update of read_at, hidden_at on data.notifications for each row
  execute function rules.tg_notifications__stamp();
create or replace trigger tg_notifications__hook after insert on data.notifications referencing new table as told for each statement
  execute function rules.tg_notifications__hook();
