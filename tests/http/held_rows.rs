//! A row that nobody can handle delays nothing but what is its own (R9.5).

use std::time::Duration;

use pruuf::dev::fakes::Channel;
use tokio::time::{Instant, sleep};

use crate::support::World;
use crate::support::crowd::Crowd;

/// What is waited for takes a few seconds: the cancelled batch, then one by one; machines are shared.
const LIMIT: Duration = Duration::from_secs(15);
/// When the waiting for something that does not come is given up.
const LONGEST: Duration = Duration::from_secs(20);

/// How long it takes until something has arrived everywhere where a crowd is told.
async fn time_until_told(world: &World, begun: Instant, crowd: &Crowd) -> Duration {
    while !world.missing(crowd).is_empty() {
        if begun.elapsed() > LONGEST {
            return LONGEST;
        }
        sleep(Duration::from_millis(5)).await;
    }
    begun.elapsed()
}

/// Fails, or sleeps, for one Member's alert.
const POISON: &str = "
  create schema poison;
  create table poison.poisoned (member_id uuid primary key, how text not null);
  grant usage on schema poison to public;
  grant select on poison.poisoned to public;
  create function poison.tg_alerts() returns trigger language plpgsql as $$
  declare
    how text := (select p.how from poison.poisoned p where p.member_id = new.member_id);
  begin
    if how = 'fails' then
      raise exception 'poisoned' using errcode = 'PRUUF';
    elsif how = 'sleeps' then
      perform pg_sleep(600);
    end if;
    return new;
  end
  $$;
  create trigger poison before insert on data.alerts for each row execute function poison.tg_alerts()";

/// What each job reports of the rows that it could not handle.
const SET_ASIDE: &str = "
  select coalesce(jsonb_agg(s.reason order by s.reason), '[]') = $2::text::jsonb
    from data.set_asides s join data.obligations o on o.id = s.row_id where s.job = 'tick' and o.member_id = any ($1)";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r9_5_a_row_that_cannot_be_handled_is_set_aside_and_keeps_no_other() {
    let mut world = World::without_server().await;
    world.db.admin.batch_execute(POISON).await.unwrap();
    world.db.admin.batch_execute("update meta.jobs set time_limit = '1 second' where name = 'tick'").await.unwrap();
    world.start_server().await;
    let (poisoned, others) = (world.crowd(2, 1).await, world.crowd(30, 1).await);
    for (member, how) in poisoned.members.iter().zip(["fails", "sleeps"]) {
        world.db.admin.execute("insert into poison.poisoned values ($1, $2)", &[member, &how]).await.unwrap();
    }
    world.miss_quietly(&poisoned.members).await;
    world.miss(&others.members).await;
    // Some are tried one by one after the cancelled batch.
    world.expect_everywhere(&others).await;
    world.one_alert_each(&others.members).await;
    // 57014: the statement was cancelled by its time-out.
    let reasons = "[\"57014\", \"PRUUF\"]";
    world.eventually("both are set aside with their reason", SET_ASIDE, &[&poisoned.members, &reasons]).await;
    let shown = "select count = 2 from jobs.audit() where kind = 'rows_set_aside'";
    world.eventually("both are counted and shown", &format!("select coalesce(({shown}), false)"), &[]).await;

    // From then on nobody waits for them.
    for _ in 0..3 {
        let crowd = world.crowd(5, 1).await;
        let begun = Instant::now();
        world.miss(&crowd.members).await;
        let took = time_until_told(&world, begun, &crowd).await;
        assert!(took < LIMIT, "{took:?}");
    }
    let tries = "select min(tries) > 1 from data.set_asides where job = 'tick'";
    world.eventually("both are tried again", tries, &[]).await;
    world.db.admin.batch_execute("drop trigger poison on data.alerts").await.unwrap();
    world
        .db
        .admin
        .batch_execute("update data.set_asides set again_at = rules.clock(); select pg_notify('pruuf_work', '')")
        .await
        .unwrap();
    world.expect_everywhere(&poisoned).await;
    world.one_alert_each(&poisoned.members).await;
    let forgotten = "select not exists (select from data.set_asides where job = 'tick')";
    world.eventually("nothing is set aside any more", forgotten, &[]).await;
    assert!(world.arrived(Channel::Push).values().all(|count| *count == 1));
    world.stop_servers().await;
}
