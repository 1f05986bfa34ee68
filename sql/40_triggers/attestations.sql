create or replace trigger tg_attestations__close before insert on data.attestations for each row
  execute function rules.tg_attestations__close();
