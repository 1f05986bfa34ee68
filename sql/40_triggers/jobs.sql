create or replace trigger tg_jobs__record after update on meta.jobs for each row when (old.* is distinct from new.*)
  execute function rules.tg_jobs__record();
