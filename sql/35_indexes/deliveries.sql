-- Not for `state in (…)` alone: where few deliveries are unsettled the planner would read all of them for one alert, and go on
-- doing so in a burst (R9.5).
create index concurrently if not exists deliveries_unsettled_at_place on data.deliveries (coalesce(address_id, device_id))
  where coalesce(address_id, device_id) is not null and state in ('pending', 'sending');
drop index concurrently if exists data.deliveries_unsettled_place;
