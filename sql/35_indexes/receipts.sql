create index concurrently if not exists receipts_received_at on data.receipts (received_at);
