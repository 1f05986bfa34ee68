-- A message waits for nobody who holds the row of its reader: an erasure, or somebody's session (R9.5). Erasure deletes the messages
-- itself, and a message whose reader is gone is cancelled when it is claimed.
alter table data.notifications drop constraint notifications_user_id_fkey;
alter table data.alarm_places drop constraint alarm_places_user_id_fkey;
