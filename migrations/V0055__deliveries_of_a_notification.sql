-- R9.5 the foreign key of a delivery: looked up by jobs, by every act on an alert, and by each cascade. V0019 made the index
-- before it partial, so that no look-up could use it; and with a null in each of its rows it kept nothing unique.
create index deliveries_notification on data.deliveries (notification_id);
drop index data.one_delivery_per_place;
