-- Who may touch data.users, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select id, name from data.users$$, '3 rows', 'R3.4 oneself, who is connected, and who is blocked; nobody can search for users'),
  ('contact', $$select id, name from data.users$$, '2 rows', 'R3.4 oneself and who is connected; nobody can search for users'),
  ('former', $$select id, name from data.users$$, '1 rows', 'R3.4 oneself and who is connected; nobody can search for users'),
  ('stranger', $$select id, name from data.users$$, '1 rows', 'R3.4 oneself and who is connected; nobody can search for users'),
  ('nobody', $$select id, name from data.users$$, '0 rows', 'R3.4 oneself and who is connected; nobody can search for users'),
  ('owner', $$select language from data.users$$, 'refused', ''),
  ('contact', $$select language from data.users$$, 'refused', ''),
  ('former', $$select language from data.users$$, 'refused', ''),
  ('stranger', $$select language from data.users$$, 'refused', ''),
  ('nobody', $$select language from data.users$$, 'refused', ''),
  ('owner', $$insert into data.users (name, created_at) values ('X', now())$$, 'refused', ''),
  ('contact', $$insert into data.users (name, created_at) values ('X', now())$$, 'refused', ''),
  ('former', $$insert into data.users (name, created_at) values ('X', now())$$, 'refused', ''),
  ('stranger', $$insert into data.users (name, created_at) values ('X', now())$$, 'refused', ''),
  ('nobody', $$insert into data.users (name, created_at) values ('X', now())$$, 'refused', ''),
  ('owner', $$update data.users set name = 'X'$$, 'refused', ''),
  ('contact', $$update data.users set name = 'X'$$, 'refused', ''),
  ('former', $$update data.users set name = 'X'$$, 'refused', ''),
  ('stranger', $$update data.users set name = 'X'$$, 'refused', ''),
  ('nobody', $$update data.users set name = 'X'$$, 'refused', ''),
  ('owner', $$delete from data.users$$, 'refused', ''),
  ('contact', $$delete from data.users$$, 'refused', ''),
  ('former', $$delete from data.users$$, 'refused', ''),
  ('stranger', $$delete from data.users$$, 'refused', ''),
  ('nobody', $$delete from data.users$$, 'refused', ''),
  ('visitor', $$select id from data.users$$, 'refused', ''),
  ('staff', $$select id from data.users$$, 'refused', ''),
  ('billing', $$select id from data.users$$, 'refused', ''),
  ('server', $$select id from data.users$$, 'refused', ''),
  ('worker', $$select id, name, language, deleted_at from data.users$$, '4 rows', 'for texts'),
  ('worker', $$select created_at from data.users$$, 'refused', ''),
  ('worker', $$update data.users set name = 'X'$$, 'refused', ''),
  ('worker', $$delete from data.users$$, 'refused', ''),
  ('worker', $$insert into data.users (name, created_at) values ('X', now())$$, 'refused', ''),
  ('stranger', $$select from rules.my_account() a where a.id <> :stranger$$, '0 rows', '')
) as t (voice, statement, expected, because);

select * from tap.finish();
