-- Who may touch data.escalation_policies, and who may not.
\ir ../support/world.sql
\ir ../support/voices.sql
select tap.no_plan();

select tap.voice(t.voice, t.statement, t.expected, t.because) from (values
  ('owner', $$select from data.escalation_policies$$, 'refused', ''),
  ('contact', $$select from data.escalation_policies$$, 'refused', ''),
  ('former', $$select from data.escalation_policies$$, 'refused', ''),
  ('stranger', $$select from data.escalation_policies$$, 'refused', ''),
  ('nobody', $$select from data.escalation_policies$$, 'refused', ''),
  ('visitor', $$select from data.escalation_policies$$, 'refused', ''),
  ('billing', $$select from data.escalation_policies$$, 'refused', ''),
  ('server', $$select from data.escalation_policies$$, 'refused', ''),
  ('worker', $$select from data.escalation_policies$$, '1 rows', ''),
  ('staff', $$select from data.escalation_policies$$, '1 rows', ''),
  ('owner', $$insert into data.escalation_policies (member_id) values (:stranger)$$, 'refused', 'R6.3 only a DBA changes how alerts escalate'),
  ('owner', $$update data.escalation_policies set repeat_minutes = 1440$$, 'refused', 'R6.3 only a DBA changes how alerts escalate'),
  ('owner', $$delete from data.escalation_policies$$, 'refused', 'R6.3 only a DBA changes how alerts escalate'),
  ('contact', $$insert into data.escalation_policies (member_id) values (:stranger)$$, 'refused', 'R6.3 only a DBA changes how alerts escalate'),
  ('contact', $$update data.escalation_policies set repeat_minutes = 1440$$, 'refused', 'R6.3 only a DBA changes how alerts escalate'),
  ('contact', $$delete from data.escalation_policies$$, 'refused', 'R6.3 only a DBA changes how alerts escalate'),
  ('former', $$insert into data.escalation_policies (member_id) values (:stranger)$$, 'refused', 'R6.3 only a DBA changes how alerts escalate'),
  ('former', $$update data.escalation_policies set repeat_minutes = 1440$$, 'refused', 'R6.3 only a DBA changes how alerts escalate'),
  ('former', $$delete from data.escalation_policies$$, 'refused', 'R6.3 only a DBA changes how alerts escalate'),
  ('stranger', $$insert into data.escalation_policies (member_id) values (:stranger)$$, 'refused', 'R6.3 only a DBA changes how alerts escalate'),
  ('stranger', $$update data.escalation_policies set repeat_minutes = 1440$$, 'refused', 'R6.3 only a DBA changes how alerts escalate'),
  ('stranger', $$delete from data.escalation_policies$$, 'refused', 'R6.3 only a DBA changes how alerts escalate'),
  ('nobody', $$insert into data.escalation_policies (member_id) values (:stranger)$$, 'refused', 'R6.3 only a DBA changes how alerts escalate'),
  ('nobody', $$update data.escalation_policies set repeat_minutes = 1440$$, 'refused', 'R6.3 only a DBA changes how alerts escalate'),
  ('nobody', $$delete from data.escalation_policies$$, 'refused', 'R6.3 only a DBA changes how alerts escalate'),
  ('visitor', $$insert into data.escalation_policies (member_id) values (:stranger)$$, 'refused', 'R6.3 only a DBA changes how alerts escalate'),
  ('visitor', $$update data.escalation_policies set repeat_minutes = 1440$$, 'refused', 'R6.3 only a DBA changes how alerts escalate'),
  ('visitor', $$delete from data.escalation_policies$$, 'refused', 'R6.3 only a DBA changes how alerts escalate'),
  ('worker', $$insert into data.escalation_policies (member_id) values (:stranger)$$, 'refused', 'R6.3 only a DBA changes how alerts escalate'),
  ('worker', $$update data.escalation_policies set repeat_minutes = 1440$$, 'refused', 'R6.3 only a DBA changes how alerts escalate'),
  ('worker', $$delete from data.escalation_policies$$, 'refused', 'R6.3 only a DBA changes how alerts escalate'),
  ('staff', $$insert into data.escalation_policies (member_id) values (:stranger)$$, 'refused', 'R6.3 only a DBA changes how alerts escalate'),
  ('staff', $$update data.escalation_policies set repeat_minutes = 1440$$, 'refused', 'R6.3 only a DBA changes how alerts escalate'),
  ('staff', $$delete from data.escalation_policies$$, 'refused', 'R6.3 only a DBA changes how alerts escalate'),
  ('billing', $$insert into data.escalation_policies (member_id) values (:stranger)$$, 'refused', 'R6.3 only a DBA changes how alerts escalate'),
  ('billing', $$update data.escalation_policies set repeat_minutes = 1440$$, 'refused', 'R6.3 only a DBA changes how alerts escalate'),
  ('billing', $$delete from data.escalation_policies$$, 'refused', 'R6.3 only a DBA changes how alerts escalate'),
  ('server', $$insert into data.escalation_policies (member_id) values (:stranger)$$, 'refused', 'R6.3 only a DBA changes how alerts escalate'),
  ('server', $$update data.escalation_policies set repeat_minutes = 1440$$, 'refused', 'R6.3 only a DBA changes how alerts escalate'),
  ('server', $$delete from data.escalation_policies$$, 'refused', 'R6.3 only a DBA changes how alerts escalate')
) as t (voice, statement, expected, because);

select * from tap.finish();
