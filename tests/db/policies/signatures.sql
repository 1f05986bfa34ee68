-- Who may touch data.signatures, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(v.voice, s.statement, 'refused', 'R4.11 nobody writes that something is verified')
  from unnest('{owner,contact,former,stranger,nobody,visitor,worker,staff,billing,server}'::text[]) as v (voice),
       unnest(array['insert into data.signatures (check_in_id, state) values (:check_in, ''verified'')', 'update data.signatures set state = ''verified''',
                    'delete from data.signatures', 'truncate data.signatures', 'select device_id from data.signatures', 'select signed_on from data.signatures']) as s (statement);
select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select state from data.signatures$$, '1 rows', ''),
  ('contact', $$select state from data.signatures$$, '1 rows', 'whoever sees the check-in'),
  ('former', $$select state from data.signatures$$, '0 rows', ''),
  ('stranger', $$select state from data.signatures$$, '0 rows', ''),
  ('nobody', $$select state from data.signatures$$, '0 rows', ''),
  ('visitor', $$select state from data.signatures$$, 'refused', ''),
  ('worker', $$select state from data.signatures$$, 'refused', ''),
  ('staff', $$select state from data.signatures$$, 'refused', ''),
  ('billing', $$select state from data.signatures$$, 'refused', ''),
  ('server', $$select state from data.signatures$$, 'refused', ''),
  ('worker', $$select rules.keep_signature(:check_in, null, null, true)$$, 'refused', ''),
  ('visitor', $$select rules.keep_signature(:check_in, null, null, true)$$, 'refused', '')
) as t (voice, statement, expected, because);

delete from data.signatures;
select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('contact', $$select rules.keep_signature(:check_in, null, null, true) from (values (1)) v where rules.keep_signature(:check_in, null, null, true) <> 'wrong'$$, '0 rows', 'nobody signs another''s check-in'),
  ('owner', $$select from (values (1)) v where rules.keep_signature(:check_in, '\x04', current_date, true) <> 'wrong'$$, '0 rows', 'a key that is none of theirs')
) as t (voice, statement, expected, because);

select * from tap.finish();
