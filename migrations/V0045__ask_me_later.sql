-- R4.10: the Member moves today's open deadline once.
alter table data.obligations
  add column postponed_minutes smallint constraint postponed_by_30_60_or_120_minutes check (postponed_minutes in (30, 60, 120));
comment on column data.obligations.postponed_minutes is 'R4.10 by how much due_at and alert_at were moved; local_on and local_time stay those of the schedule.';
