-- What is there already stays: a name may be bad, but it is somebody's.
alter table data.users add constraint user_name_is_plain
  check (name !~ '[\u0001-\u001F\u007F-\u009F\u200B\u200E\u200F\u2028-\u202E\u2060-\u2069\uFEFF]' and name !~* '://|www[.]') not valid;
alter table data.invitations add constraint invitee_name_is_plain
  check (name !~ '[\u0001-\u001F\u007F-\u009F\u200B\u200E\u200F\u2028-\u202E\u2060-\u2069\uFEFF]' and name !~* '://|www[.]') not valid;
