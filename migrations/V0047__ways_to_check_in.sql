-- R4.8: each way to check in, by its name; and which expected check-in one answers that was asked for by a message.
alter table data.check_ins
  drop constraint check_in_method_is_known,
  add constraint check_in_method_is_known check (method in ('app', 'sms', 'link', 'call'));
alter table data.check_ins add column obligation_id uuid references data.obligations (id) on delete set null;
comment on column data.check_ins.obligation_id is 'R4.8 whoever answers a message answers what it asked: it meets that obligation, or makes up for it or for one before it, and never a later one. Null: a tap of this moment.';
create index check_ins_obligation on data.check_ins (obligation_id) where obligation_id is not null;

-- A link in a push leads to the same page: the index that finds its delivery knows those, too.
create index deliveries_any_link on data.deliveries (right(id::text, 10)) where channel in ('email', 'sms', 'push');
drop index data.deliveries_link;
