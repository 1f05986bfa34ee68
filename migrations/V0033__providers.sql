-- Which provider took a message: its receipts are its own, and failover means that there is more than one.
alter table data.deliveries add column provider text constraint delivery_provider_is_a_name check (provider ~ '^[a-z-]{1,30}$');
alter table data.attempts add column provider text constraint attempt_provider_is_a_name check (provider ~ '^[a-z-]{1,30}$');
comment on column data.deliveries.provider is 'R7.1 who took it last and knows it as provider_message_id.';
comment on column data.attempts.provider is 'R7.3 who was asked. One attempt may be several rows: one for each provider that it went by.';
