create or replace trigger tg_clock__rehearsal before update on meta.clock for each row
  execute function rules.tg_clock__rehearsal();
