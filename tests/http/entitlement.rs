//! What a Contact is entitled to, and what follows when that ends (R1.2, R1.3, R8.2, R8.3).

use pruuf::dev::fakes::Channel;
use serde_json::{Value, json};

use crate::support::{Person, World, world};

/// Somebody who begins to watch at this moment, with the trial that everybody has.
async fn begins_to_watch(world: &World, member: &Person, contact: &Person) {
    let sql = "insert into data.connections (member_id, contact_id, connected_at) values ($1, $2, rules.clock())";
    world.db.admin.execute(sql, &[&member.id, &contact.id]).await.unwrap();
    world.coverage_is_known().await;
}

async fn entitlement(world: &World, who: &Person) -> Value {
    world.row("select entitlement from billing.accounts where user_id = $1", &[&who.id]).await["entitlement"].clone()
}

/// A subscription as Stripe's answer leaves it.
async fn subscribe(world: &World, who: &Person, status: &str, more: &str) {
    let id = who.id.simple().to_string();
    let sql = "insert into billing.customers (id, user_id, created_at, compared_at) values ('cus_' || $1, $2, rules.clock(), rules.clock()) on conflict do nothing";
    world.db.admin.execute(sql, &[&id, &who.id]).await.unwrap();
    let sql = "insert into billing.subscriptions (id, customer_id, status, lookup_key, fetched_at) values ('sub_' || $1, 'cus_' || $1, 'active', 'monthly', rules.clock())
               on conflict do nothing";
    world.db.admin.execute(sql, &[&id]).await.unwrap();
    let sql = format!("update billing.subscriptions set status = '{status}'{more} where id = 'sub_' || $1");
    world.db.admin.execute(&sql, &[&id]).await.unwrap();
}

#[tokio::test]
async fn r8_3_a_frozen_contact_still_gets_push_and_e_mail_and_says_so() {
    world(|world| async move {
        // In the afternoon: what is awaited next is awaited tomorrow.
        world.travel_to("2027-03-01T15:00:00Z").await;
        let (aroha, ben, chloe) = (world.person("Aroha").await, world.person("Ben").await, world.person("Chloe").await);
        world.connect(&aroha, &chloe).await;
        begins_to_watch(&world, &aroha, &ben).await;
        assert_eq!(entitlement(&world, &ben).await, "trialing");
        // Seven, three and one day before the end; with the last one the others hear of it.
        for (days, words) in [(23, "in 7 days"), (4, "in 3 days"), (2, "tomorrow")] {
            world.advance(&format!("{days} days")).await;
            world.expect_message(Channel::Push, &ben.push_token, words).await;
            world.open_app(&ben).await;
        }
        for other in [&aroha, &chloe] {
            world.expect_message(Channel::Push, &other.push_token, "Ben may soon").await;
            world.open_app(other).await;
        }
        world.advance("1 day").await;
        world.expect_message(Channel::Push, &ben.push_token, "by push and e-mail only").await;
        world.expect_message(Channel::Email, &ben.email, "by push and e-mail only").await;
        for other in [&aroha, &chloe] {
            world.expect_message(Channel::Push, &other.push_token, "Ben can be told by push and e-mail only").await;
            world.open_app(other).await;
        }
        assert_eq!(entitlement(&world, &ben).await, "frozen");

        // The alert is never dropped for money: push and e-mail, with how to pay; no SMS.
        world.give_schedules(&[aroha.id]).await;
        world.miss(&[aroha.id]).await;
        world.expect_on_all_channels(&chloe, "did not check in").await;
        world.expect_message(Channel::Push, &ben.push_token, "come back with a plan").await;
        world.expect_message(Channel::Email, &ben.email, "come back at once when a plan is paid").await;
        world.settle().await;
        // No live status, but the alert, and what one does about it.
        let seen = world.get(&ben, &format!("/v1/members/{}", aroha.id)).await.expect(200);
        assert_eq!((&seen["status"], &seen["open_alerts"][0]["state"]), (&json!("not_shown"), &json!("open")));
        assert!(seen.get("next").is_none() && seen.get("last_check_in_at").is_none(), "{seen}");
        world.get(&ben, &format!("/v1/members/{}/history", aroha.id)).await.refused(402, "account-frozen");
        let alert = seen["open_alerts"][0]["id"].as_str().unwrap().to_owned();
        world.post(&ben, &format!("/v1/alerts/{alert}/acknowledge"), json!({})).await.expect(200);
        for other in [&aroha, &chloe] {
            world.expect_message(Channel::Push, &other.push_token, "Ben has got this").await;
            world.open_app(other).await;
        }
        world.post(&ben, &format!("/v1/members/{}/attestations", aroha.id), json!({})).await.expect(201);
        world.expect_on_all_channels(&chloe, "Ben has seen or spoken to").await;
        world.expect_message(Channel::Push, &ben.push_token, "seen or spoken to").await;
        world.expect_message(Channel::Email, &ben.email, "seen or spoken to").await;

        // Paying restores everything at once.
        subscribe(&world, &ben, "active", "").await;
        world.expect_message(Channel::Push, &ben.push_token, "You get everything again").await;
        for other in [&aroha, &chloe] {
            world.expect_message(Channel::Push, &other.push_token, "Ben can be reached by SMS and call again").await;
            world.open_app(other).await;
        }
        assert_eq!(world.get(&ben, &format!("/v1/members/{}", aroha.id)).await.expect(200)["status"], "attested");
        world.get(&ben, &format!("/v1/members/{}/history", aroha.id)).await.expect(200);
        world
    })
    .await;
}

#[tokio::test]
async fn r8_3_whoever_has_nothing_but_a_phone_is_never_dropped_for_money() {
    world(|world| async move {
        let (aroha, ben) = (world.person("Aroha").await, world.person("Ben").await);
        world.connect(&aroha, &ben).await;
        world.give_schedules(&[aroha.id]).await;
        world.db.admin.execute("delete from data.devices where user_id = $1", &[&ben.id]).await.unwrap();
        world.db.admin.execute("delete from data.addresses where user_id = $1 and kind = 'email'", &[&ben.id]).await.unwrap();
        world.db.admin.execute("update billing.accounts set trial_ends_at = rules.clock(), next_step_at = rules.clock() where user_id = $1", &[&ben.id]).await.unwrap();
        world.eventually("Ben is frozen", "select entitlement = 'frozen' from billing.accounts where user_id = $1", &[&ben.id]).await;
        world.settle().await;
        world.forget();
        world.miss(&[aroha.id]).await;
        world.expect_message(Channel::Sms, &ben.phone, "did not check in").await;
        world
    })
    .await;
}

#[tokio::test]
async fn r1_2_an_active_member_is_free_for_ever_and_pays_no_more() {
    world(|world| async move {
        let (aroha, ben) = (world.person("Aroha").await, world.person("Ben").await);
        begins_to_watch(&world, &aroha, &ben).await;
        subscribe(&world, &ben, "active", "").await;
        world
            .eventually(
                "Ben is active",
                "select entitlement = 'active' from billing.accounts where user_id = $1",
                &[&ben.id],
            )
            .await;
        // A time alone, or a Contact alone, makes nobody an active Member.
        let free = "select count(*) from billing.accounts where grandfathered_at is not null";
        assert_eq!(world.number(free, &[]).await, 0);
        world.schedule(&ben, "09:00", "UTC").await;
        assert_eq!(entitlement(&world, &ben).await, "active");
        begins_to_watch(&world, &ben, &aroha).await;
        assert_eq!(entitlement(&world, &ben).await, "free");
        world.expect_message(Channel::Push, &ben.push_token, "free for you now").await;
        let orders = world.admin_json("select action, reason, done_at from billing.orders").await;
        assert_eq!(orders, json!([{ "action": "cancel_now", "reason": "grandfathered", "done_at": null }]));
        // For ever: also when nobody watches any more, and whatever Stripe says then.
        world.delete(&ben, &format!("/v1/me/contacts/{}", aroha.id)).await.expect(204);
        world.expect_message(Channel::Push, &aroha.push_token, "ended your connection").await;
        world.open_app(&aroha).await;
        world.expect_on_all_channels(&ben, "might reach nobody").await;
        subscribe(&world, &ben, "canceled", "").await;
        assert_eq!(entitlement(&world, &ben).await, "free");
        world.settle().await;
        // R2.6, R8.2: told once, and an account that never paid has nothing to cancel.
        assert_eq!(world.number("select count(*) from data.notifications where kind = 'grandfathered'", &[]).await, 1);
        world
    })
    .await;
}

#[tokio::test]
async fn r8_2_a_failed_payment_is_told_on_days_1_3_and_6_and_freezes_after_7() {
    world(|world| async move {
        let (aroha, ben) = (world.person("Aroha").await, world.person("Ben").await);
        begins_to_watch(&world, &aroha, &ben).await;
        subscribe(&world, &ben, "active", "").await;
        subscribe(&world, &ben, "past_due", ", past_due_since_at = rules.clock()").await;
        for (days, words) in [(0, "for 7 days"), (2, "for 5 days"), (3, "for 2 days")] {
            world.advance(&format!("{days} days")).await;
            world.expect_on_all_channels(&ben, words).await;
        }
        world.expect_message(Channel::Push, &aroha.push_token, "Ben may soon").await;
        world.open_app(&aroha).await;
        assert_eq!(entitlement(&world, &ben).await, "past_due");
        // Paid in time: all as before, and nobody is frozen.
        subscribe(&world, &ben, "active", ", past_due_since_at = null").await;
        assert_eq!(entitlement(&world, &ben).await, "active");
        world.advance("3 days").await;
        world.settle().await;
        assert_eq!(entitlement(&world, &ben).await, "active");
        // Not paid, and no trial any more: frozen after seven days.
        let end = "update billing.accounts set trial_ends_at = rules.clock() where user_id = $1";
        world.db.admin.execute(end, &[&ben.id]).await.unwrap();
        subscribe(&world, &ben, "past_due", ", past_due_since_at = rules.clock()").await;
        for (days, words) in [(0, "for 7 days"), (2, "for 5 days"), (3, "for 2 days")] {
            world.advance(&format!("{days} days")).await;
            world.expect_on_all_channels(&ben, words).await;
        }
        world.expect_message(Channel::Push, &aroha.push_token, "Ben may soon").await;
        world.settle().await;
        world.open_app(&aroha).await;
        world.advance("2 days").await;
        for (channel, to) in [(Channel::Push, &ben.push_token), (Channel::Email, &ben.email)] {
            world.expect_message(channel, to, "by push and e-mail only").await;
        }
        world.expect_message(Channel::Push, &aroha.push_token, "by push and e-mail only").await;
        world.open_app(&aroha).await;
        assert_eq!(entitlement(&world, &ben).await, "frozen");
        world
    })
    .await;
}

#[tokio::test]
async fn r8_2_a_cancelled_subscription_works_to_the_end_of_the_paid_period() {
    world(|world| async move {
        let (aroha, ben) = (world.person("Aroha").await, world.person("Ben").await);
        begins_to_watch(&world, &aroha, &ben).await;
        world
            .db
            .admin
            .execute("update billing.accounts set trial_ends_at = rules.clock() where user_id = $1", &[&ben.id])
            .await
            .unwrap();
        subscribe(&world, &ben, "active", ", is_ending = true, period_ends_at = rules.clock() + interval '12 hours'")
            .await;
        assert_eq!(entitlement(&world, &ben).await, "cancelled");
        world.expect_message(Channel::Push, &ben.push_token, "Your subscription ends tomorrow").await;
        world.expect_message(Channel::Push, &aroha.push_token, "Ben may soon").await;
        for who in [&ben, &aroha] {
            world.open_app(who).await;
        }
        // Resumed in time it goes on; cancelled again it ends then.
        subscribe(&world, &ben, "active", ", is_ending = false").await;
        assert_eq!(entitlement(&world, &ben).await, "active");
        subscribe(&world, &ben, "active", ", is_ending = true").await;
        world.advance("12 hours").await;
        world
            .eventually(
                "Ben is frozen",
                "select entitlement = 'frozen' from billing.accounts where user_id = $1",
                &[&ben.id],
            )
            .await;
        for (channel, to) in [(Channel::Push, &ben.push_token), (Channel::Email, &ben.email)] {
            world.expect_message(channel, to, "by push and e-mail only").await;
        }
        world.expect_message(Channel::Push, &aroha.push_token, "Ben can be told by push and e-mail only").await;
        world.open_app(&aroha).await;
        world.settle().await;
        let told = "select count(*) from data.notifications where kind = 'coverage_lost'";
        assert_eq!(world.number(told, &[]).await, 0, "nothing is expected of Aroha yet");
        world
    })
    .await;
}

/// R8.3: who has no phone gets of alerts what they got before: nobody is told otherwise.
#[tokio::test]
async fn r8_3_nothing_is_announced_that_does_not_change() {
    world(|world| async move {
        let (aroha, ben) = (world.person("Aroha").await, world.person("Ben").await);
        begins_to_watch(&world, &aroha, &ben).await;
        world.db.admin.execute("delete from data.addresses where user_id = $1 and kind = 'phone'", &[&ben.id]).await.unwrap();
        let end = "update billing.accounts set trial_ends_at = rules.clock(), next_step_at = rules.clock() where user_id = $1";
        world.db.admin.execute(end, &[&ben.id]).await.unwrap();
        for (channel, to) in [(Channel::Push, &ben.push_token), (Channel::Email, &ben.email)] {
            world.expect_message(channel, to, "by push and e-mail only").await;
        }
        assert_eq!(world.number("select count(*) from data.notifications where kind = 'watcher_frozen'", &[]).await, 0);
        world
    })
    .await;
}

#[tokio::test]
async fn r6_10_r8_3_coverage_is_lost_when_the_only_contact_is_frozen() {
    world(|world| async move {
        let (aroha, ben) = (world.person("Aroha").await, world.person("Ben").await);
        world.connect(&aroha, &ben).await;
        world.schedule(&aroha, "09:00", "UTC").await;
        world.coverage_is_known().await;
        world.db.admin.execute("update billing.accounts set trial_ends_at = rules.clock(), next_step_at = rules.clock() where user_id = $1", &[&ben.id]).await.unwrap();
        world.expect_on_all_channels(&aroha, "might reach nobody").await;
        for (channel, to) in [(Channel::Push, &ben.push_token), (Channel::Email, &ben.email)] {
            world.expect_message(channel, to, "by push and e-mail only").await;
            world.expect_message(channel, to, "might reach nobody").await;
        }
        world.expect_message(Channel::Push, &aroha.push_token, "Ben can be told by push and e-mail only").await;
        world.open_app(&aroha).await;
        assert_eq!(world.get(&aroha, "/v1/me/coverage").await.expect(200)["reason"], "no_entitled_contact");
        world
    })
    .await;
}

#[tokio::test]
async fn r1_3_a_contact_on_a_trial_watches_ten_members_and_fifty_otherwise() {
    world(|world| async move {
        let ben = world.person("Ben").await;
        let mut members = Vec::new();
        for nth in 0..11 {
            members.push(world.person(&format!("Member {nth}")).await);
        }
        for member in &members[..10] {
            begins_to_watch(&world, member, &ben).await;
        }
        let body =
            json!({"invitee_becomes": "contact", "name": "Ben", "address": {"kind": "email", "value": ben.email}});
        let invitation = world.post(&members[10], "/v1/invitations", body).await.expect(201);
        world.expect_message(Channel::Email, &ben.email, "Member 10").await;
        let code = json!({"code": invitation["code"]});
        let refused = world.post(&ben, "/v1/invitations/accept", code.clone()).await;
        assert!(refused.body["detail"].as_str().unwrap().contains("at most 10 Members"), "{}", refused.body);
        refused.refused(409, "too-many-members");
        subscribe(&world, &ben, "active", "").await;
        world.post(&ben, "/v1/invitations/accept", code).await.expect(200);
        for who in [&ben, &members[10]] {
            world.expect_message(Channel::Push, &who.push_token, "connected").await;
            world.open_app(who).await;
        }
        world
    })
    .await;
}

#[tokio::test]
async fn r8_3_a_frozen_contact_hears_nothing_of_the_routine_not_even_in_the_app() {
    world(|world| async move {
        let (aroha, ben) = (world.person("Aroha").await, world.person("Ben").await);
        world.connect(&aroha, &ben).await;
        world.travel_to("2027-03-01T08:00:00Z").await;
        world.schedule(&aroha, "09:00", "UTC").await;
        let every = json!({"hears_of": "every_check_in"});
        let path = format!("/v1/members/{}", aroha.id);
        world.call(reqwest::Method::PATCH, &path, Some(&ben.token), &[], Some(&every)).await.expect(200);
        world.post(&aroha, "/v1/me/check-ins", json!({})).await.expect(201);
        world.expect_message(Channel::Push, &ben.push_token, "Aroha has checked in").await;
        let freeze = "update billing.accounts set trial_ends_at = rules.clock(), next_step_at = rules.clock() where user_id = $1";
        world.db.admin.execute(freeze, &[&ben.id]).await.unwrap();
        world.expect_on_all_channels(&aroha, "might reach nobody").await;
        for (channel, to) in [(Channel::Push, &ben.push_token), (Channel::Email, &ben.email)] {
            world.expect_message(channel, to, "by push and e-mail only").await;
            world.expect_message(channel, to, "might reach nobody").await;
        }
        world.expect_message(Channel::Push, &aroha.push_token, "Ben can be told by push and e-mail only").await;
        world.open_app(&aroha).await;
        world.travel_to("2027-03-02T08:30:00Z").await;
        world.post(&aroha, "/v1/me/check-ins", json!({})).await.expect(201);
        world.eventually("it was looked at", "select not exists (select from data.untold_check_ins)", &[]).await;
        world.settle().await;
        let told = "select count(*) from data.notifications where user_id = $1 and kind = 'checked_in'";
        assert_eq!(world.number(told, &[&ben.id]).await, 1);
        // Nor of the day, or the week.
        let daily = json!({"hears_of": "daily_digest"});
        world.call(reqwest::Method::PATCH, &path, Some(&ben.token), &[], Some(&daily)).await.expect(200);
        world.travel_to("2027-03-02T20:00:00Z").await;
        let next = "select digest_at > rules.clock() from data.watch_settings where contact_id = $1";
        world.eventually("the digest was looked at", next, &[&ben.id]).await;
        let told = "select count(*) from data.notifications where user_id = $1 and kind = 'daily_digest'";
        assert_eq!(world.number(told, &[&ben.id]).await, 0);
        world
    })
    .await;
}

#[tokio::test]
async fn r8_3_a_frozen_contact_hears_of_the_alert_what_everybody_hears_and_of_the_routine_nothing() {
    world(|world| async move {
        let (aroha, ben, chloe) = (world.person("Aroha").await, world.person("Ben").await, world.person("Chloe").await);
        world.connect(&aroha, &chloe).await;
        world.connect(&aroha, &ben).await;
        world.give_schedules(&[aroha.id]).await;
        let freeze =
            "update billing.accounts set entitlement = 'frozen', trial_ends_at = rules.clock() where user_id = $1";
        world.db.admin.execute(freeze, &[&ben.id]).await.unwrap();
        // What is not critical and of no alert reaches him nowhere; he finds it in the app.
        let routine = "insert into data.notifications (user_id, kind, cause, member_id, facts, created_at)
                       select $1, 'connected', 'x', $2, '{}', rules.clock() returning id";
        let routine: uuid::Uuid = world.db.admin.query_one(routine, &[&ben.id, &aroha.id]).await.unwrap().get(0);
        let deliveries = "select count(*) from data.deliveries where notification_id = $1";
        assert_eq!(world.number(deliveries, &[&routine]).await, 0);

        world.miss(&[aroha.id]).await;
        world.expect_on_all_channels(&chloe, "did not check in").await;
        for (channel, to) in [(Channel::Push, &ben.push_token), (Channel::Email, &ben.email)] {
            world.expect_message(channel, to, "did not check in").await;
        }
        // Not critical, and of the alert.
        let alerts = world.get(&ben, "/v1/alerts").await.expect(200);
        let alert = alerts["items"][0]["id"].as_str().unwrap();
        world.post(&chloe, &format!("/v1/alerts/{alert}/acknowledge"), json!({})).await.expect(200);
        for other in [&ben, &aroha] {
            world.expect_message(Channel::Push, &other.push_token, "Chloe has got this").await;
            world.open_app(other).await;
        }
        world
    })
    .await;
}
