create or replace trigger tg_blocks__stamp before insert or update on data.blocks for each row
  execute function rules.tg_blocks__stamp();
create or replace trigger tg_blocks__part after insert or update of unblocked_at on data.blocks for each row
  execute function rules.tg_blocks__part();
