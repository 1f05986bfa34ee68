//! What somebody pays for more than once, too early, too late or not at all (R8.1, R8.2, R8.5).

use pruuf::dev::fakes::Channel;
use pruuf::dev::fakes::stripe::FakeStripe;
use reqwest::Method;
use serde_json::{Value, json};

use crate::billing::{bring, hear, is, now, settled, with_stripe};
use crate::support::{Person, Reply, World, world};

async fn checkout(world: &World, who: &Person, plan: &str, key: &str) -> Reply {
    let (key, body) = ([("Idempotency-Key", key)], json!({"plan": plan}));
    world.call(Method::POST, "/v1/billing/checkout", Some(&who.token), &key, Some(&body)).await
}

/// Presses "Pay" on a page, as far as it has that.
async fn pay(page: &Value) {
    let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let pressed = browser.post(format!("{}/pay", page["url"].as_str().unwrap())).send().await.unwrap();
    assert_eq!(pressed.status(), 303);
}

async fn stands(world: &World, who: &Person) -> Value {
    world.get(who, "/v1/billing").await.expect(200)
}

async fn subscribed(world: &World, stripe: &FakeStripe, id: &str) {
    bring(world, &stripe.subscription_event("customer.subscription.updated", id)).await;
}

/// R8.5: two pages that were both paid: the first stays, the second is cancelled and given back, whichever is heard of first.
#[tokio::test]
async fn r8_5_what_is_paid_twice_is_given_back_and_the_first_goes_on() {
    world(|world| async move {
        let (world, stripe, aroha, ben) = with_stripe(world).await;
        checkout(&world, &ben, "monthly", "a").await.expect(200);
        let (first, second) = (stripe.subscribe("cus_1", "monthly"), stripe.subscribe("cus_1", "annual"));
        stripe.change(&second, json!({"created": now() + 60}));
        for id in [&second, &first, &second, &first] {
            subscribed(&world, &stripe, id).await;
            settled(&world).await;
        }
        hear(&world, &ben, &aroha, "everything again", "by SMS and call again").await;
        world.expect_message(Channel::Push, &ben.push_token, "The second one is cancelled").await;
        world.open_app(&ben).await;
        assert_eq!(
            world.admin_json("select subscription_id, action, reason from billing.orders").await,
            json!([{"subscription_id": second, "action": "cancel_and_refund", "reason": "paid_twice"}])
        );
        assert_eq!((stripe.asked("POST /refunds"), &*stripe.last("POST /refunds")["payment_intent"]), (1, "pi_of_in_2"));
        let now_is = stands(&world, &ben).await;
        assert_eq!(
            (&now_is["entitlement"], &now_is["subscription"]["plan"], &now_is["next"]["what"]),
            (&json!("active"), &json!("monthly"), &json!("renews"))
        );
        // What ends with its period was paid for and stays.
        world.post(&ben, "/v1/billing/cancel", Value::Null).await.expect(200);
        assert_eq!(stripe.last(&format!("POST /subscriptions/{first}"))["cancel_at_period_end"], "true");
        let third = stripe.subscribe("cus_1", "annual");
        stripe.change(&third, json!({"created": now() + 120}));
        subscribed(&world, &stripe, &third).await;
        is(&world, &ben, "active").await;
        assert_eq!(stands(&world, &ben).await["subscription"]["plan"], "annual");
        // What is older and unpaid is cancelled: the new one is paid.
        let unpaid = stripe.subscribe("cus_1", "monthly");
        stripe.change(&unpaid, json!({"status": "past_due", "created": now() - 60}));
        subscribed(&world, &stripe, &unpaid).await;
        world
            .eventually(
                "only what is older and unpaid is cancelled",
                "select coalesce(array_agg(s.id order by s.id) = array['sub_2', 'sub_4'], false) from billing.subscriptions s where s.status = 'canceled'",
                &[],
            )
            .await;
        assert_eq!(stripe.asked("POST /refunds"), 1);
        world
    })
    .await;
}

/// R8.1: only the page that was asked for last can be paid on; the same key gives the same page, and another plan needs another.
#[tokio::test]
async fn r8_1_only_the_last_page_can_be_paid_on() {
    world(|world| async move {
        let (world, stripe, aroha, ben) = with_stripe(world).await;
        let first = checkout(&world, &ben, "monthly", "a").await.expect(200);
        assert_eq!(checkout(&world, &ben, "monthly", "a").await.expect(200), first);
        let page = reqwest::get(first["url"].as_str().unwrap()).await.unwrap().text().await.unwrap();
        assert!(page.contains("Pay</button>"), "{page}");
        checkout(&world, &ben, "annual", "a").await.refused(409, "idempotency-key-reused");
        let second = checkout(&world, &ben, "annual", "b").await.expect(200);
        pay(&first).await;
        pay(&second).await;
        assert_eq!(stripe.subscription_event("x", "sub_2")["data"]["object"], Value::Null);
        subscribed(&world, &stripe, "sub_1").await;
        is(&world, &ben, "active").await;
        hear(&world, &ben, &aroha, "everything again", "by SMS and call again").await;
        assert_eq!(stands(&world, &ben).await["subscription"]["plan"], "annual");
        world
    })
    .await;
}

/// R8.1, R8.4: a webhook that was lost lets nobody pay twice: whoever asks for a page has what Stripe says they have.
#[tokio::test]
async fn r8_1_a_checkout_knows_what_is_paid_already() {
    world(|world| async move {
        let (world, stripe, aroha, ben) = with_stripe(world).await;
        checkout(&world, &ben, "monthly", "a").await.expect(200);
        stripe.subscribe("cus_1", "monthly");
        checkout(&world, &ben, "monthly", "b").await.refused(409, "already-subscribed");
        is(&world, &ben, "active").await;
        hear(&world, &ben, &aroha, "everything again", "by SMS and call again").await;
        assert!(checkout(&world, &ben, "annual", "c").await.expect(200).get("url").is_none());
        assert_eq!(stripe.asked("POST /checkout/sessions"), 1);
        world
    })
    .await;
}

/// R1.2, R8.2: who pays during the trial pays nothing before it ends, and the rest of it is not told as an end.
#[tokio::test]
async fn r1_2_whoever_pays_during_the_trial_keeps_the_rest_of_it() {
    world(|world| async move {
        let (world, stripe, _, ben) = with_stripe(world).await;
        let ends = "update billing.accounts set entitlement = 'trialing', trial_ends_at = case $2 when 'infinity' then 'infinity' else rules.clock() + $2::text::interval end where user_id = $1 returning floor(extract(epoch from trial_ends_at))::text";
        let ends_at: String = world.db.admin.query_one(ends, &[&ben.id, &"10 days"]).await.unwrap().get(0);
        let page = checkout(&world, &ben, "monthly", "a").await.expect(200);
        assert_eq!(stripe.last("POST /checkout/sessions")["subscription_data[trial_end]"], ends_at);
        pay(&page).await;
        subscribed(&world, &stripe, "sub_1").await;
        is(&world, &ben, "active").await;
        let now_is = stands(&world, &ben).await;
        let renews: jiff::Timestamp = now_is["next"]["at"].as_str().unwrap().parse().unwrap();
        assert_eq!((&now_is["next"]["what"], renews.as_second().to_string()), (&json!("renews"), ends_at));
        // Stripe takes no trial of less than 48 hours.
        stripe.change("sub_1", json!({"status": "canceled"}));
        subscribed(&world, &stripe, "sub_1").await;
        is(&world, &ben, "trialing").await;
        for left in ["2 days", "infinity"] {
            world.db.admin.query_one(ends, &[&ben.id, &left]).await.unwrap();
            checkout(&world, &ben, "monthly", left).await.expect(200);
            assert!(!stripe.last("POST /checkout/sessions").contains_key("subscription_data[trial_end]"));
        }
        world.expect_message(Channel::Push, &ben.push_token, "Your trial ends in 3 days").await;
        world.open_app(&ben).await;
        world
    })
    .await;
}

/// R8.2: who pays before they watch anybody has what they pay for, and hears of no trial.
#[tokio::test]
async fn r8_2_whoever_pays_before_they_watch_is_active() {
    world(|world| async move {
        let (world, stripe, _, _) = with_stripe(world).await;
        let (dora, chloe) = (world.person("Dora").await, world.person("Chloe").await);
        checkout(&world, &chloe, "monthly", "a").await.expect(200);
        assert!(stripe.last("POST /checkout/sessions").contains_key("subscription_data[trial_end]"));
        let id = stripe.subscribe("cus_1", "monthly");
        subscribed(&world, &stripe, &id).await;
        is(&world, &chloe, "active").await;
        let now_is = stands(&world, &chloe).await;
        assert_eq!(
            (&now_is["entitlement"], &now_is["members_allowed"], &now_is["next"]["what"]),
            (&json!("active"), &json!(50), &json!("renews"))
        );
        world.connect(&dora, &chloe).await;
        assert_eq!(stands(&world, &chloe).await["entitlement"], "active");
        // Not paid any more, before and after: the trial is there still, and begins with the first Member.
        world
            .db
            .admin
            .execute("update billing.accounts set trial_ends_at = null where user_id = $1", &[&chloe.id])
            .await
            .unwrap();
        stripe.change(&id, json!({"status": "canceled"}));
        subscribed(&world, &stripe, &id).await;
        is(&world, &chloe, "trialing").await;
        world
    })
    .await;
}

/// R8.2: the days of grace count from the first failed payment, however many fail after it; a paid one ends them.
#[tokio::test]
async fn r8_2_the_grace_does_not_begin_anew_with_each_failure() {
    world(|world| async move {
        let (world, stripe, aroha, ben) = with_stripe(world).await;
        checkout(&world, &ben, "monthly", "a").await.expect(200);
        let id = stripe.subscribe("cus_1", "monthly");
        subscribed(&world, &stripe, &id).await;
        is(&world, &ben, "active").await;
        hear(&world, &ben, &aroha, "everything again", "by SMS and call again").await;
        let day = 86_400;
        let fails = async |at: i64| {
            let invoice = json!({"id": format!("in_{at}"), "status": "open", "created": at, "hosted_invoice_url": "https://invoice.stripe.example/pay",
                                 "status_transitions": {"finalized_at": at}});
            stripe.change(&id, json!({"status": "past_due", "latest_invoice": invoice}));
            subscribed(&world, &stripe, &id).await;
            settled(&world).await;
        };
        let since = async |at: i64| {
            let sql = "select extract(epoch from past_due_since_at)::bigint from billing.subscriptions";
            assert_eq!(world.number(sql, &[]).await, at);
        };
        let first = now() - 3600;
        fails(first).await;
        is(&world, &ben, "past_due").await;
        for (channel, to) in [(Channel::Push, &ben.push_token), (Channel::Email, &ben.email), (Channel::Sms, &ben.phone)] {
            world.expect_message(channel, to, "7 days").await;
        }
        fails(now() - 60).await;
        since(first).await;
        assert_eq!(world.number("select count(*) from data.notifications where kind = 'payment_failed'", &[]).await, 1);
        // R8.5: where it is paid, in the grace and after it, whatever the plan that is asked for.
        for (at, entitlement) in [(first, "past_due"), (now() - 8 * day, "frozen")] {
            fails(at).await;
            since(at).await;
            is(&world, &ben, entitlement).await;
            for (plan, key) in [("monthly", "b"), ("annual", "c")] {
                let page = checkout(&world, &ben, plan, key).await.expect(200);
                assert_eq!(page["url"], "https://invoice.stripe.example/pay");
            }
            let now_is = stands(&world, &ben).await;
            assert_eq!((&now_is["needs_payment"], &now_is["entitlement"]), (&json!(true), &json!(entitlement)));
            assert!(now_is["summary"].as_str().unwrap().starts_with("A payment did not go through"), "{now_is}");
        }
        for (channel, to) in [(Channel::Push, &ben.push_token), (Channel::Email, &ben.email)] {
            world.expect_message(channel, to, "by push and e-mail only").await;
        }
        world.expect_message(Channel::Push, &aroha.push_token, "by push and e-mail only").await;
        world.open_app(&aroha).await;
        // Without a page of its own it is the one on which everything is managed.
        stripe.change(&id, json!({"latest_invoice": {"id": "in_x", "status": "draft", "created": now() - 8 * day}}));
        let page = checkout(&world, &ben, "monthly", "d").await.expect(200);
        assert!(page["url"].as_str().unwrap().contains("/portal/"), "{page}");
        // Paid; another failure has days of grace of its own.
        stripe.change(&id, json!({"status": "active"}));
        subscribed(&world, &stripe, &id).await;
        is(&world, &ben, "active").await;
        hear(&world, &ben, &aroha, "everything again", "by SMS and call again").await;
        assert_eq!(stands(&world, &ben).await["needs_payment"], false);
        let last = now();
        fails(last).await;
        since(last).await;
        for (channel, to) in [(Channel::Push, &ben.push_token), (Channel::Email, &ben.email), (Channel::Sms, &ben.phone)] {
            world.expect_message(channel, to, "7 days").await;
        }
        // Cancelled now, the sentence says so.
        world.post(&ben, "/v1/billing/cancel", Value::Null).await.expect(200);
        let summary = stands(&world, &ben).await["summary"].to_string();
        assert!(summary.contains("Your plan is cancelled and is not renewed."), "{summary}");
        world
    })
    .await;
}

/// R8.4: what Stripe signed and is no event changes nothing; names of events may have digits.
#[tokio::test]
async fn r8_4_what_is_no_event_is_refused() {
    world(|world| async move {
        let (world, stripe, _, _) = with_stripe(world).await;
        for body in [json!([]), json!(5), json!({"id": 5, "type": "x"}), json!({"id": "evt_1"}), json!(null)] {
            let signed =
                pruuf::dev::fakes::stripe::signature(&body.to_string(), pruuf::dev::fakes::stripe::SECRET, now());
            crate::billing::post_event(&world, &body.to_string(), &signed).await.refused(400, "malformed-request");
        }
        bring(&world, &stripe.event("v2.core.event_destination.ping", &json!({"id": "ed_1"}))).await;
        assert_eq!(world.number("select count(*) from billing.events where state = 'ignored'", &[]).await, 1);
        world
    })
    .await;
}

/// R1.2: also whoever became free before their payment was heard of is told that nothing more is charged.
#[tokio::test]
async fn r1_2_whoever_is_free_when_their_payment_is_heard_of_is_told() {
    world(|world| async move {
        let (world, stripe, aroha, ben) = with_stripe(world).await;
        checkout(&world, &ben, "monthly", "a").await.expect(200);
        let id = stripe.subscribe("cus_1", "monthly");
        stripe.change(&id, json!({"created": now() - 3600}));
        world.schedule(&ben, "09:00", "UTC").await;
        world.connect(&ben, &aroha).await;
        is(&world, &ben, "free").await;
        hear(&world, &ben, &aroha, "everything again", "by SMS and call again").await;
        subscribed(&world, &stripe, &id).await;
        world.expect_message(Channel::Push, &ben.push_token, "you will not be charged again").await;
        world.open_app(&ben).await;
        assert_eq!(
            world.admin_json("select action, reason from billing.orders").await,
            json!([{"action": "cancel_now", "reason": "grandfathered"}])
        );
        world
    })
    .await;
}
