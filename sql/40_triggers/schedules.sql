create or replace trigger tg_schedules__take_over before insert on data.schedules for each row
  execute function rules.tg_schedules__take_over();
create or replace trigger tg_schedules__start after insert on data.schedules for each row
  execute function rules.tg_schedules__start();
create or replace trigger tg_schedules__mark_coverage after insert on data.schedules for each row
  execute function rules.tg_schedules__mark_coverage();
create or replace trigger tg_schedules__entitle after insert on data.schedules for each row
  execute function rules.tg_schedules__entitle();
