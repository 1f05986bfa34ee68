-- Who may touch data.positions, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(v.voice, s.statement, 'refused', '')
  from unnest('{visitor,staff,billing,server}'::text[]) as v (voice),
       unnest(array['select from data.positions', 'insert into data.positions default values', 'update data.positions set sealed = sealed', 'delete from data.positions',
                    'truncate data.positions', 'select api.get_member_position(:owner)', 'select jobs.erase_positions()']) as s (statement);
select tap.voice(v.voice, s.statement, 'refused', 'nobody moves a position')
  from unnest('{owner,contact,former,stranger,nobody,worker}'::text[]) as v (voice),
       unnest(array['update data.positions set sealed = sealed', 'update data.positions set member_id = member_id', 'truncate data.positions']) as s (statement);
select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select sealed from data.positions$$, '2 rows', ''),
  ('contact', $$select sealed from data.positions$$, '2 rows', 'R4.8 their Contacts'),
  ('former', $$select sealed from data.positions$$, '0 rows', ''),
  ('stranger', $$select sealed from data.positions$$, '0 rows', ''),
  ('nobody', $$select sealed from data.positions$$, '0 rows', ''),
  ('worker', $$select id from data.positions$$, '2 rows', ''),
  ('worker', $$select sealed from data.positions$$, 'refused', 'the job knows when, not where nor of whom'),
  ('worker', $$select member_id from data.positions$$, 'refused', ''),
  ('worker', $$insert into data.positions default values$$, 'refused', ''),
  ('worker', $$delete from data.positions where received_at < now()$$, '0 rows', ''),
  ('worker', $$select jobs.erase_positions()$$, '1 rows', ''),
  ('owner', $$select jobs.erase_positions()$$, 'refused', ''),
  ('owner', $$delete from data.positions$$, '2 rows', 'what one has said of oneself one takes back'),
  ('contact', $$delete from data.positions$$, '0 rows', ''),
  ('former', $$delete from data.positions$$, '0 rows', ''),
  ('stranger', $$delete from data.positions$$, '0 rows', ''),
  ('nobody', $$delete from data.positions$$, '0 rows', ''),
  ('owner', $$insert into data.positions (id, member_id, check_in_id, sealed) values (:stranger, :owner, :check_in, 'x')$$, 'one_position_per_check_in', ''),
  ('owner', $$insert into data.positions (id, member_id, sealed) values (:stranger, :owner, 'x')$$, 'position_came_with_one_act', ''),
  ('owner', $$insert into data.positions (id, member_id, check_in_id, sealed, received_at) values (:stranger, :owner, :check_in, 'x', now())$$, 'refused', 'the server''s clock says when'),
  ('contact', $$insert into data.positions (id, member_id, check_in_id, sealed) values (:stranger, :owner, :check_in, 'x')$$, 'refused', 'nobody speaks for another'),
  ('contact', $$insert into data.positions (id, member_id, check_in_id, sealed) values (:stranger, :contact, :check_in, 'x')$$, 'refused', ''),
  ('stranger', $$insert into data.positions (id, member_id, check_in_id, sealed) values (:stranger, :stranger, :check_in, 'x')$$, 'refused', ''),
  ('nobody', $$insert into data.positions (id, member_id, check_in_id, sealed) values (:stranger, :owner, :check_in, 'x')$$, 'refused', ''),
  ('contact', $$select api.get_member_position(:owner)$$, '1 rows', ''),
  ('owner', $$select api.get_member_position(:owner)$$, 'not-found', ''),
  ('former', $$select api.get_member_position(:owner)$$, 'not-found', ''),
  ('stranger', $$select api.get_member_position(:owner)$$, 'not-found', ''),
  ('nobody', $$select api.get_member_position(:owner)$$, 'not-signed-in', ''),
  ('worker', $$select api.get_member_position(:owner)$$, 'refused', '')
) as t (voice, statement, expected, because);

-- Who has not chosen it keeps none.
delete from data.positions;
update data.preferences set shares_position = 'with_help';
select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$insert into data.positions (id, member_id, check_in_id, sealed) values (:stranger, :owner, :check_in, 'x')$$, 'refused', 'R4.8 only with a help request'),
  ('owner', $$insert into data.positions (id, member_id, help_request_id, sealed) select :stranger, h.member_id, h.id, 'x' from data.help_requests h$$, '1 rows', ''),
  ('contact', $$select api.get_member_position(:owner)$$, 'no-position', '')
) as t (voice, statement, expected, because);
update data.preferences set shares_position = 'never';
select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$insert into data.positions (id, member_id, check_in_id, sealed) values (:stranger, :owner, :check_in, 'x')$$, 'refused', 'R4.8 never'),
  ('owner', $$insert into data.positions (id, member_id, help_request_id, sealed) select :stranger, h.member_id, h.id, 'x' from data.help_requests h$$, 'refused', 'R4.8 never')
) as t (voice, statement, expected, because);

select * from tap.finish();
