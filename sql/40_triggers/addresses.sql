create or replace trigger tg_addresses__withdraw before delete on data.addresses for each row
  execute function rules.tg_addresses__withdraw();
create or replace trigger tg_addresses__record after update of off_at on data.addresses for each row when (old.off_at is null and new.off_at is not null)
  execute function rules.tg_addresses__record();
create or replace trigger tg_addresses__mark_coverage after insert or update of verified_at, off_at or delete on data.addresses for each row
  execute function rules.tg_addresses__mark_coverage();
