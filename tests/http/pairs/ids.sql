-- The ids that operations name, in the session that made the world. One of each kind, and always the same kind.
with persons as (
  select number, pg_temp.id(1, number) as id, (array['anna', 'ben', 'chloe', 'dora', 'erik'])[number] as name from generate_series(1, 9) as number
),
in_hand as (
  select distinct on (d.channel, d.state) d.id, d.channel, d.state
    from data.deliveries d join data.notifications n on n.id = d.notification_id
   where n.user_id = pg_temp.id(1, 2) and n.alert_id is not null order by d.channel, d.state, d.id
)
select 'p' || p.number as name, p.id::text from persons p
union all select p.name || '_email_lookup', '\x' || md5('email' || p.number) from persons p where p.name is not null
union all select p.name || '_phone_lookup', '\x' || md5('phone' || p.number) from persons p where p.name is not null
union all select p.name || '_email_address', pg_temp.id(2, p.number)::text from persons p where p.name is not null
union all select p.name || '_phone_address', pg_temp.id(3, p.number)::text from persons p where p.name is not null
union all select p.name || '_device', pg_temp.id(4, p.number)::text from persons p where p.name is not null
union all select p.name || '_session', pg_temp.id(5, p.number)::text from persons p where p.name is not null
union all select 'button', pg_temp.id(6, 1)::text
union all select 'webhook', pg_temp.id(7, 1)::text
union all select 'invitation', pg_temp.id(8, 1)::text
union all select 'ben_new_email', pg_temp.id(2, 12)::text
union all select 'new_code', '\x' || md5('code')
union all select 'break', (select b.id from data.breaks b)::text
union all select p.name || '_' || a.kind, a.id::text from data.alerts a join persons p on p.id = a.member_id where a.state <> 'resolved'
union all select 'anna_obligation', a.obligation_id::text from data.alerts a where a.member_id = pg_temp.id(1, 1) and a.kind = 'missed'
union all select 'anna_reminder', d.id::text from data.deliveries d join data.notifications n on n.id = d.notification_id
   where n.kind = 'reminder' and n.user_id = pg_temp.id(1, 1)
union all select 'ben_' || d.channel, d.id::text from in_hand d where d.state = 'accepted'
union all select d.channel || '_in_hand', d.id::text from in_hand d where d.state = 'sending'
union all select 'failed', d.id::text from data.deliveries d where d.failure = '550'
union all (select 'ben_notification', n.id::text from data.notifications n
   where n.user_id = pg_temp.id(1, 2) and n.alert_id is not null and n.read_at is null order by n.id limit 1)
