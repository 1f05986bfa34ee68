-- A row of data for each day of each Member, as they came: the days before today, and the
-- obligation that is open.

-- what: met, late, made_up and overslept (missed, and checked in after the alert), closed and
-- attested (by a Contact),
-- lost (alert after alert, nobody does anything), excused.
create unlogged table bench.days as
select l.*, bench.id(due_at - interval '1 day', 'obligation', n, d) as obligation_id,
       case when met_at is not null then bench.id(met_at, 'check_in', n, d) end as check_in_id
  from (
select p.n, p.k, d, p.next_on - d as local_on, due_at, what,
       case what when 'met'
           then due_at - ((5 + (p.n * 31 + d * 17) % 85) * 60 + p.n % 60) * interval '1 second'
                 when 'late'
                     then due_at + ((1 + (p.n + d) % 8) * 60 + p.n % 60) * interval '1 second'
                 when 'made_up' then due_at + interval '35 minutes'
                 when 'overslept' then due_at + interval '140 minutes' end as met_at
  from bench.world w
 cross join generate_series(greatest(w.days, 90), 1, -1) d
  join bench.people p on d <= w.days or p.n <= 4 and d <= 21
       or p.n between 1001 and 1400 and p.n % 10 = 2 and d <= 90
 cross join lateral (
   select (p.next_on - d + p.local_time) at time zone p.zone as due_at,
          (p.n::bigint * 7919 + d * 104729) % 1000 as lot) _
 cross join lateral (
   select case when p.n <= 4 and d <= 21 then 'lost'
               when p.n % 10 = 3 and d between 40 and 46 then 'excused'
               when lot >= 33 or p.n <= 100 then 'met'
               when lot >= 3 then 'late'
               else (array['made_up', 'made_up', 'made_up', 'made_up', 'made_up', 'made_up',
                           'closed', 'closed',
                           'attested', 'overslept'])[(p.n + d) % 10 + 1] end as what) __
 where p.deleted_at is null or due_at < p.deleted_at
 order by d desc, p.k) l;
analyze bench.days;
