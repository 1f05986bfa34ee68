alter table data.deliveries drop constraint channel_is_known;
alter table data.deliveries add constraint channel_is_known check (channel in ('push', 'email', 'sms', 'voice'));
