create table data.receipts (
  id bigint generated always as identity primary key,
  provider text not null constraint receipt_provider_is_known check (provider in ('twilio', 'postmark', 'sendgrid')),
  event_id text not null constraint receipt_event_id_is_1_to_200_characters check (length(event_id) between 1 and 200),
  delivery_id uuid references data.deliveries (id) on delete cascade,
  provider_message_id text not null constraint receipt_message_id_is_1_to_200_characters check (length(provider_message_id) between 1 and 200),
  event text not null constraint receipt_event_is_a_code check (event ~ '^[A-Za-z0-9_.:-]{1,80}$'),
  meaning text not null constraint receipt_says_something_known check (meaning in ('nothing', 'accepted', 'transient', 'delivered', 'permanent', 'confirmed')),
  detail text constraint receipt_detail_is_a_code check (detail ~ '^[A-Za-z0-9_.:-]{1,80}$'),
  turns_off text constraint receipt_off_reason_is_known check (turns_off in ('bounced', 'complained', 'invalid', 'landline', 'stopped')),
  said_at timestamptz,
  received_at timestamptz not null,
  is_from_poll boolean not null default false,
  facts jsonb not null default '{}',
  constraint one_receipt_per_event unique (provider, event_id),
  constraint failing_receipt_says_why check (meaning not in ('transient', 'permanent') or detail is not null)
);
comment on table data.receipts is 'R7.1 what providers say became of messages, each event once: rows that are only ever added, in whatever order they come. meaning: what it means for a delivery. facts: the event without addresses and texts. is_from_poll: we asked, no callback came. Without a delivery_id it is found by provider_message_id, perhaps later.';
create index receipts_delivery on data.receipts (delivery_id) where delivery_id is not null;
create index receipts_message on data.receipts (provider_message_id);
create index deliveries_message on data.deliveries (provider_message_id) where provider_message_id is not null;

alter table data.receipts enable row level security;
alter table data.receipts force row level security;
