create index concurrently if not exists attempts_ended_at on data.attempts (ended_at);
