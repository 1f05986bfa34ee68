//! Stripe is the truth, and the database follows (R8.1, R8.4, R8.5).

use pruuf::dev::fakes::Channel;
use pruuf::dev::fakes::stripe::{FakeStripe, SECRET, SECRET_KEY, signature};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::support::{Person, Reply, World, world};

/// Stripe's clock, in seconds from 1970.
#[expect(clippy::disallowed_methods, reason = "Stripe knows nothing of rules.clock()")]
pub fn now() -> i64 {
    chrono::Utc::now().timestamp()
}

/// A world whose servers know a Stripe, and Ben, who watches Aroha and is frozen.
pub async fn with_stripe(mut world: World) -> (World, FakeStripe, Person, Person) {
    let stripe = FakeStripe::start(None).await.unwrap();
    world.stop_all().await;
    world.stripe = Some(pruuf::config::Stripe {
        url: stripe.url.clone(),
        secret_key: SECRET_KEY.into(),
        webhook_secrets: ["whsec_old", SECRET].map(SecretString::from).to_vec(),
    });
    world.start_server().await;
    let (aroha, ben) = frozen_contact(&world).await;
    (world, stripe, aroha, ben)
}

/// Aroha, whom Ben watches, and Ben, who is frozen.
pub async fn frozen_contact(world: &World) -> (Person, Person) {
    let (aroha, ben) = (world.person("Aroha").await, world.person("Ben").await);
    world.connect(&aroha, &ben).await;
    let end =
        "update billing.accounts set trial_ends_at = rules.clock(), next_step_at = rules.clock() where user_id = $1";
    world.db.admin.execute(end, &[&ben.id]).await.unwrap();
    is(world, &ben, "frozen").await;
    for (channel, to) in [(Channel::Push, &ben.push_token), (Channel::Email, &ben.email)] {
        world.expect_message(channel, to, "by push and e-mail only").await;
    }
    world.expect_message(Channel::Push, &aroha.push_token, "by push and e-mail only").await;
    world.open_app(&aroha).await;
    world.eventually("the prices are known", "select count(*) = 2 from billing.prices", &[]).await;
    (aroha, ben)
}

pub async fn is(world: &World, who: &Person, entitlement: &str) {
    let sql = "select exists (select from billing.accounts where user_id = $1 and entitlement = $2)";
    world.eventually(&format!("{} is {entitlement}", who.name), sql, &[&who.id, &entitlement]).await;
}

/// Everybody hears that Ben gets everything again, or not any more; what is not critical is looked at.
pub async fn hear(world: &World, ben: &Person, aroha: &Person, own: &str, of_him: &str) {
    world.expect_message(Channel::Push, &ben.push_token, own).await;
    world.expect_message(Channel::Push, &aroha.push_token, of_him).await;
    for who in [ben, aroha] {
        world.open_app(who).await;
    }
}

async fn send(world: &World, event: &Value, header: &str) -> Reply {
    post_event(world, &event.to_string(), header).await
}

/// As Stripe brings an event.
pub async fn post_event(world: &World, body: &str, header: &str) -> Reply {
    let request =
        world.http.post(world.url("/webhooks/stripe")).header("stripe-signature", header).body(body.to_owned());
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Reply { status, headers, body: response.json().await.unwrap_or_default() }
}

pub async fn bring(world: &World, event: &Value) {
    assert_eq!(send(world, event, &signature(&event.to_string(), SECRET, now())).await.status, 204);
}

pub async fn settled(world: &World) {
    world
        .eventually("no event waits", "select not exists (select from billing.events where state = 'pending')", &[])
        .await;
}

#[tokio::test]
async fn r8_1_a_checkout_starts_a_subscription_and_only_stripes_word_counts() {
    world(|world| async move {
        let (world, stripe, aroha, ben) = with_stripe(world).await;
        let of_stripe = async || {
            let lines = pruuf::preflight::look(&world.config()).await;
            lines.iter().find(|line| line.what == "payments by Stripe").unwrap().to_string()
        };
        assert_eq!(of_stripe().await, "ok     payments by Stripe: it knows us");
        stripe.fail(Some(401));
        assert!(of_stripe().await.starts_with("WRONG  payments by Stripe: 401"));
        stripe.fail(None);
        world.post(&ben, "/v1/billing/checkout", json!({"plan": "free"})).await.refused(404, "not-found");
        world.post(&ben, "/v1/billing/portal", Value::Null).await.refused(409, "no-subscription");
        world.post(&ben, "/v1/billing/cancel", Value::Null).await.refused(409, "no-subscription");
        world.post_as_nobody("/v1/billing/checkout", json!({"plan": "monthly"})).await.refused(401, "not-signed-in");
        for nth in 1..=2 {
            let page = world.post(&ben, "/v1/billing/checkout", json!({"plan": "monthly"})).await.expect(200);
            assert_eq!(page["url"], format!("{}checkout/cs_{nth}", stripe.url));
        }
        // One customer, however often.
        assert_eq!(stripe.asked("POST /customers"), 1);
        let form = stripe.last("POST /checkout/sessions");
        assert_eq!(
            (form["customer"].as_str(), form["line_items[0][price]"].as_str(), form["mode"].as_str()),
            ("cus_1", "price_monthly", "subscription")
        );
        // Nothing has been paid yet.
        let stands = world.get(&ben, "/v1/billing").await.expect(200);
        assert_eq!((&stands["entitlement"], &stands["members_allowed"]), (&json!("frozen"), &json!(10)));
        let id = stripe.subscribe("cus_1", "monthly");
        bring(&world, &stripe.subscription_event("customer.subscription.created", &id)).await;
        is(&world, &ben, "active").await;
        hear(&world, &ben, &aroha, "everything again", "by SMS and call again").await;
        let stands = world.get(&ben, "/v1/billing").await.expect(200);
        assert_eq!(
            (&stands["entitlement"], &stands["next"]["what"], &stands["subscription"]["plan"]),
            (&json!("active"), &json!("renews"), &json!("monthly"))
        );
        assert_eq!(
            (&stands["subscription"]["card_expires_on"], &stands["members_allowed"]),
            (&json!("2030-12-31"), &json!(50))
        );
        let summary = stands["summary"].as_str().unwrap();
        assert!(summary.starts_with("You have the monthly plan. The next payment is on "), "{summary}");
        world.post(&ben, "/v1/billing/checkout", json!({"plan": "monthly"})).await.refused(409, "already-subscribed");
        // R8.5: another plan, an end, and going on; each as Stripe answers.
        assert!(
            world.post(&ben, "/v1/billing/checkout", json!({"plan": "annual"})).await.expect(200).get("url").is_none()
        );
        assert_eq!(world.get(&ben, "/v1/billing").await.expect(200)["subscription"]["plan"], "annual");
        let page = world.post(&ben, "/v1/billing/portal", Value::Null).await.expect(200);
        assert_eq!(page["url"], format!("{}portal/bps_3", stripe.url));
        let ends = world.post(&ben, "/v1/billing/cancel", Value::Null).await.expect(200);
        assert_eq!((&ends["entitlement"], &ends["next"]["what"]), (&json!("cancelled"), &json!("freezes")));
        assert_eq!(world.post(&ben, "/v1/billing/resume", Value::Null).await.expect(200)["entitlement"], "active");
        // Ended on Stripe's own page, which says it in another way; another plan takes that back, too.
        for (path, body) in [("resume", Value::Null), ("checkout", json!({"plan": "monthly"}))] {
            stripe.change(&id, json!({"cancel_at": now() + 20 * 86_400}));
            bring(&world, &stripe.subscription_event("customer.subscription.updated", &id)).await;
            is(&world, &ben, "cancelled").await;
            world.post(&ben, &format!("/v1/billing/{path}"), body).await.expect(200);
            is(&world, &ben, "active").await;
        }
        // Whoever is watched pays nothing.
        world.schedule(&aroha, "09:00", "UTC").await;
        world.post(&aroha, "/v1/billing/checkout", json!({"plan": "monthly"})).await.refused(409, "nothing-to-pay");
        world
    })
    .await;
}

#[tokio::test]
async fn r8_5_whoever_pays_with_a_card_that_ends_hears_of_it_before_the_payment_and_once() {
    world(|world| async move {
        let (world, stripe, aroha, ben) = with_stripe(world).await;
        world.post(&ben, "/v1/billing/checkout", json!({"plan": "monthly"})).await.expect(200);
        let id = stripe.subscribe("cus_1", "monthly");
        let paid = &stripe.subscription_event("customer.subscription.updated", &id)["data"]["object"]["items"]["data"][0];
        let paid_at = jiff::Timestamp::from_second(paid["current_period_end"].as_i64().unwrap()).unwrap();
        let card = |name: &str, ends: jiff::civil::Date| json!({"default_payment_method": {"id": name, "card": {"exp_month": ends.month(), "exp_year": ends.year()}}});
        let day_of = |days: i64| (paid_at + jiff::SignedDuration::from_hours(24 * days)).to_zoned(jiff::tz::TimeZone::UTC).date();
        stripe.change(&id, card("pm_1", day_of(-40)));
        bring(&world, &stripe.subscription_event("customer.subscription.created", &id)).await;
        is(&world, &ben, "active").await;
        hear(&world, &ben, &aroha, "everything again", "by SMS and call again").await;
        let stands = world.get(&ben, "/v1/billing").await.expect(200);
        assert_eq!(
            (
                &stands["needs_card"],
                stands["summary"].as_str().unwrap().ends_with("Your card ends before that: please enter a new one.")
            ),
            (&json!(true), true)
        );
        // Fourteen days before the payment.
        let told_at = paid_at - jiff::SignedDuration::from_hours(24 * 14);
        world.travel_to(&(told_at - jiff::SignedDuration::from_secs(60)).to_string()).await;
        world.db.admin.execute("select jobs.settle_entitlements()", &[]).await.unwrap();
        let told = "select count(*) from data.notifications where kind = 'card_ending'";
        assert_eq!(world.number(told, &[]).await, 0);
        world.travel_to(&told_at.to_string()).await;
        world.expect_message(Channel::Push, &ben.push_token, "The next payment is on").await;
        world.open_app(&ben).await;
        // The same card on another day is no news; a card that lasts is none either.
        world.advance("5 days").await;
        bring(&world, &stripe.subscription_event("customer.subscription.updated", &id)).await;
        stripe.change(&id, card("pm_2", day_of(40)));
        bring(&world, &stripe.subscription_event("customer.subscription.updated", &id)).await;
        settled(&world).await;
        assert_eq!(world.number(told, &[]).await, 1);
        assert_eq!(world.get(&ben, "/v1/billing").await.expect(200)["needs_card"], false);
        world
    })
    .await;
}

#[tokio::test]
async fn r8_4_only_what_stripe_signed_is_kept_and_each_event_once() {
    world(|world| async move {
        let (world, stripe, aroha, ben) = with_stripe(world).await;
        world.post(&ben, "/v1/billing/checkout", json!({"plan": "monthly"})).await.expect(200);
        let id = stripe.subscribe("cus_1", "monthly");
        let event = stripe.subscription_event("customer.subscription.created", &id);
        let (body, now) = (event.to_string(), now());
        for header in [
            String::new(),
            signature(&body, "whsec_other", now),
            signature(&body, SECRET, now - 301),
            signature(&body, SECRET, now + 302),
            signature("{}", SECRET, now),
            format!("t={now},v1=00"),
            format!("t=now,{}", signature(&body, SECRET, now)),
        ] {
            send(&world, &event, &header).await.refused(401, "not-the-provider");
        }
        assert_eq!(world.number("select count(*) from billing.events", &[]).await, 0);
        // Any of the secrets, and any of the signatures; not long ago.
        let header = format!("{},v1=00", signature(&body, "whsec_old", now - 240));
        assert_eq!(send(&world, &event, &header).await.status, 204);
        for _ in 0..3 {
            bring(&world, &event).await;
        }
        is(&world, &ben, "active").await;
        hear(&world, &ben, &aroha, "everything again", "by SMS and call again").await;
        // Also once it is applied.
        bring(&world, &event).await;
        settled(&world).await;
        assert_eq!(stripe.asked(&format!("GET /subscriptions/{id}")), 1);
        // Unknown kinds, and what is of nobody, are kept and do nothing.
        bring(&world, &stripe.event("product.created", &json!({"id": "prod_1", "object": "product"}))).await;
        // R8.5: a refund takes nothing away.
        bring(
            &world,
            &stripe.event("charge.refunded", &json!({"id": "ch_1", "object": "charge", "customer": "cus_1"})),
        )
        .await;
        // Nor does the end of a dispute, which may be won.
        stripe.charge("ch_1", "cus_1");
        let dispute = json!({"id": "dp_1", "object": "dispute", "charge": "ch_1"});
        bring(&world, &stripe.event("charge.dispute.closed", &dispute)).await;
        let strange = stripe.subscribe("cus_9", "monthly");
        bring(&world, &stripe.subscription_event("customer.subscription.created", &strange)).await;
        settled(&world).await;
        assert_eq!(world.number("select count(*) from billing.subscriptions", &[]).await, 1);
        // What an event says is not believed: the object is fetched.
        assert_eq!(world.number("select count(*) from billing.orders", &[]).await, 0);
        let mut lie = stripe.subscription_event("customer.subscription.updated", &id);
        lie["data"]["object"]["status"] = "canceled".into();
        bring(&world, &lie).await;
        settled(&world).await;
        is(&world, &ben, "active").await;
        world
    })
    .await;
}

#[tokio::test]
async fn r8_4_what_failed_while_stripe_was_down_is_visible_and_mended_without_a_hand() {
    world(|world| async move {
        let (world, stripe, aroha, ben) = with_stripe(world).await;
        world.post(&ben, "/v1/billing/checkout", json!({"plan": "monthly"})).await.expect(200);
        let id = stripe.subscribe("cus_1", "monthly");
        stripe.fail(Some(503));
        bring(&world, &stripe.subscription_event("customer.subscription.created", &id)).await;
        world
            .eventually("it is listed", "select count(*) = 1 from billing.failed_events where failure = '503'", &[])
            .await;
        // No request fails for it except checkout and portal, which say so.
        world.post(&ben, "/v1/billing/checkout", json!({"plan": "monthly"})).await.refused(503, "billing-unavailable");
        world.post(&ben, "/v1/billing/portal", Value::Null).await.refused(503, "billing-unavailable");
        assert_eq!(world.get(&ben, "/v1/billing").await.expect(200)["entitlement"], "frozen");
        world.get(&ben, "/v1/members").await.expect(200);
        world.post(&aroha, "/v1/me/check-ins", json!({})).await.expect(201);
        stripe.fail(None);
        // Nor for one that does not answer: the webhook is, before anything is asked.
        stripe.stall(true);
        bring(&world, &stripe.subscription_event("customer.subscription.updated", &id)).await;
        world.get(&ben, "/v1/billing").await.expect(200);
        world.post(&aroha, "/v1/me/check-ins", json!({})).await.expect(201);
        world
            .eventually(
                "it gave up waiting",
                "select exists (select from billing.failed_events where failure = 'timeout')",
                &[],
            )
            .await;
        stripe.stall(false);
        world.advance("10 minutes").await;
        is(&world, &ben, "active").await;
        hear(&world, &ben, &aroha, "everything again", "by SMS and call again").await;
        world.eventually("none is left", "select not exists (select from billing.failed_events)", &[]).await;

        // R8.4: every webhook lost; the daily comparison finds it, also a subscription of which nothing was ever told.
        stripe.change(&id, json!({"status": "canceled"}));
        world.advance("25 hours").await;
        is(&world, &ben, "frozen").await;
        for (channel, to) in [(Channel::Push, &ben.push_token), (Channel::Email, &ben.email)] {
            world.expect_message(channel, to, "by push and e-mail only").await;
        }
        world.expect_message(Channel::Push, &aroha.push_token, "by push and e-mail only").await;
        world.open_app(&aroha).await;
        stripe.subscribe("cus_1", "annual");
        world.advance("25 hours").await;
        is(&world, &ben, "active").await;
        hear(&world, &ben, &aroha, "everything again", "by SMS and call again").await;
        // It reports what it mended, and what Stripe does not know.
        let compare = "select jobs.compare_customer('cus_1', $1, rules.clock())";
        let client = pruuf::billing::stripe::Stripe::new(&stripe.url, &SECRET_KEY.into()).unwrap();
        let object = client.subscription("sub_2").await.unwrap();
        for (found, mended, unknown) in
            [(json!([object]), json!([]), json!([])), (json!([]), json!([]), json!(["sub_2"]))]
        {
            let report: Value = world.db.admin.query_one(compare, &[&found]).await.unwrap().get(0);
            assert_eq!(report, json!({ "mended": mended, "unknown_to_stripe": unknown }));
        }
        let mut ending = object;
        ending["cancel_at_period_end"] = true.into();
        let report: Value = world.db.admin.query_one(compare, &[&json!([ending])]).await.unwrap().get(0);
        assert_eq!(report, json!({ "mended": ["sub_2"], "unknown_to_stripe": [] }));
        // What is older than what is known changes nothing.
        let late = "select jobs.apply_subscription($1, rules.clock() - interval '1 hour')";
        ending["status"] = "canceled".into();
        let report: Value = world.db.admin.query_one(late, &[&ending]).await.unwrap().get(0);
        assert_eq!(report, json!({ "has_changed": false }));
        is(&world, &ben, "cancelled").await;
        world
    })
    .await;
}

#[tokio::test]
async fn r1_2_r2_6_r8_5_what_must_end_is_told_to_stripe_until_it_is_done() {
    world(|world| async move {
        let (world, stripe, aroha, ben) = with_stripe(world).await;
        world.post(&ben, "/v1/billing/checkout", json!({"plan": "monthly"})).await.expect(200);
        let id = stripe.subscribe("cus_1", "monthly");
        bring(&world, &stripe.subscription_event("customer.subscription.created", &id)).await;
        is(&world, &ben, "active").await;
        hear(&world, &ben, &aroha, "everything again", "by SMS and call again").await;
        // R8.5: a dispute; it ends with its period.
        stripe.charge("ch_1", "cus_1");
        let dispute = json!({"id": "dp_1", "object": "dispute", "charge": "ch_1"});
        bring(&world, &stripe.event("charge.dispute.created", &dispute)).await;
        is(&world, &ben, "cancelled").await;
        assert_eq!(stripe.last(&format!("POST /subscriptions/{id}"))["cancel_at_period_end"], "true");
        // R1.2: watched himself he is free; cancelled at once, though Stripe is down at first.
        stripe.fail(Some(500));
        world.schedule(&ben, "09:00", "UTC").await;
        world.connect(&ben, &aroha).await;
        is(&world, &ben, "free").await;
        world.expect_message(Channel::Push, &ben.push_token, "free for you now").await;
        world.open_app(&ben).await;
        world
            .eventually(
                "it was tried",
                "select count(*) = 1 from billing.orders where reason = 'grandfathered' and failure = '500'",
                &[],
            )
            .await;
        stripe.fail(None);
        world.advance("10 minutes").await;
        world.eventually("it is cancelled", "select status = 'canceled' from billing.subscriptions", &[]).await;
        world.eventually("it is done", "select count(*) = 2 from billing.orders where done_at is not null", &[]).await;
        is(&world, &ben, "free").await;
        // Paid on a page that was open since before: it is not kept.
        let late = stripe.subscribe("cus_1", "monthly");
        stripe.change(&late, json!({"created": now() + 3600}));
        bring(&world, &stripe.subscription_event("customer.subscription.created", &late)).await;
        world.expect_message(Channel::Push, &ben.push_token, "although Pruuf costs you nothing").await;
        world.open_app(&ben).await;
        let ended = "select count(*) = 2 from billing.subscriptions where status = 'canceled'";
        world.eventually("it is cancelled, too", ended, &[]).await;
        // What was paid before is not given back.
        assert_eq!(
            (stripe.asked("POST /refunds"), &*stripe.last("POST /refunds")["payment_intent"]),
            (1, "pi_of_in_2")
        );
        // What cannot be applied is listed, too.
        let broken = stripe.subscribe("cus_1", "monthly");
        stripe.change(&broken, json!({"status": "unheard_of"}));
        bring(&world, &stripe.subscription_event("customer.subscription.updated", &broken)).await;
        world
            .eventually(
                "it is listed",
                "select count(*) = 1 from billing.failed_events where failure = 'not-applied'",
                &[],
            )
            .await;
        world
    })
    .await;
}

#[tokio::test]
async fn r2_6_whoever_deletes_their_account_is_charged_no_more() {
    world(|world| async move {
        let (world, stripe, aroha, ben) = with_stripe(world).await;
        world.post(&ben, "/v1/billing/checkout", json!({"plan": "monthly"})).await.expect(200);
        let id = stripe.subscribe("cus_1", "monthly");
        bring(&world, &stripe.subscription_event("customer.subscription.created", &id)).await;
        is(&world, &ben, "active").await;
        hear(&world, &ben, &aroha, "everything again", "by SMS and call again").await;
        world.delete(&ben, "/v1/me").await.expect(200);
        world.expect_message(Channel::Email, &ben.email, "account is deleted").await;
        world.expect_message(Channel::Sms, &ben.phone, "to have it back").await;
        world.expect_message(Channel::Push, &aroha.push_token, "has deleted their account").await;
        world.open_app(&aroha).await;
        world.eventually("it is cancelled", "select status = 'canceled' from billing.subscriptions", &[]).await;
        // Paid on a page that was still open.
        let late = stripe.subscribe("cus_1", "annual");
        stripe.change(&late, json!({"created": now() + 3600}));
        bring(&world, &stripe.subscription_event("customer.subscription.created", &late)).await;
        let ended = "select count(*) = 2 from billing.subscriptions where status = 'canceled'";
        world.eventually("it is cancelled, too", ended, &[]).await;
        assert_eq!(
            world.admin_json("select subscription_id, action, reason from billing.orders order by 1").await,
            json!([
                {"subscription_id": id, "action": "cancel_now", "reason": "account_deleted"},
                {"subscription_id": late, "action": "cancel_and_refund", "reason": "account_deleted"},
            ])
        );
        world
    })
    .await;
}

/// All orders of these, each twice: every different one.
fn permutations(events: usize) -> Vec<Vec<usize>> {
    fn go(left: &mut Vec<usize>, so_far: &mut Vec<usize>, all: &mut Vec<Vec<usize>>) {
        if left.iter().all(|count| *count == 0) {
            all.push(so_far.clone());
        }
        for event in 0..left.len() {
            if left[event] > 0 {
                left[event] -= 1;
                so_far.push(event);
                go(left, so_far, all);
                so_far.pop();
                left[event] += 1;
            }
        }
    }
    let mut all = Vec::new();
    go(&mut vec![2; events], &mut Vec::new(), &mut all);
    all
}

#[tokio::test]
async fn r8_4_every_order_of_the_events_of_four_stories_each_twice_ends_in_the_same_state() {
    let world = World::without_server().await;
    let (aroha, ben) = (world.person("Aroha").await, world.person("Ben").await);
    world.connect(&aroha, &ben).await;
    let keep = "select jobs.keep_customer($1, 'cus_1')";
    world.db.admin.execute(keep, &[&ben.id]).await.unwrap();
    // Plays one order: each event is stored, and what it asks for is answered with how far Stripe is by then.
    let play = "create function play(user_id uuid, trial_ends timestamptz, events jsonb[], truths jsonb[]) returns text language plpgsql as $$
        declare
          one integer;
          work jsonb;
          ended text;
        begin
          update billing.accounts a set trial_ends_at = trial_ends where a.user_id = play.user_id;
          for one in 1 .. cardinality(events) loop
            perform jobs.receive_stripe_event(events[one]);
            for work in select jsonb_array_elements(jobs.claim_stripe_work(9)) loop
              perform jobs.finish_stripe_work(work || jsonb_build_object('at', '2026-01-01'::timestamptz + one * interval '1 second'), jsonb_build_object('subscription', truths[one]));
            end loop;
          end loop;
          select s.status || ' ' || s.is_ending || ' ' || coalesce(s.past_due_since_at::text, '') || ' ' || a.entitlement into ended
            from billing.accounts a, billing.subscriptions s where a.user_id = play.user_id;
          raise exception using errcode = 'ZZ000', message = ended;
        exception when sqlstate 'ZZ000' then
          return sqlerrm;
        end;
        $$";
    world.db.admin.batch_execute(play).await.unwrap();
    let sub = |status: &str, more: Value| {
        let mut object = json!({
            "id": "sub_1", "object": "subscription", "customer": "cus_1", "status": status, "cancel_at_period_end": false, "cancel_at": null,
            "items": {"data": [{"current_period_end": 4_000_000_000_u64, "price": {"lookup_key": "monthly"}}]},
            "latest_invoice": {"created": now(), "status_transitions": {"finalized_at": now()}},
        });
        object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        object
    };
    let invoice =
        json!({"id": "in_1", "object": "invoice", "parent": {"subscription_details": {"subscription": "sub_1"}}});
    let checkout = json!({"id": "cs_1", "object": "checkout.session", "subscription": "sub_1"});
    let (active, past_due, unpaid) = (sub("active", json!({})), sub("past_due", json!({})), sub("unpaid", json!({})));
    let ending = sub("active", json!({"cancel_at_period_end": true}));
    type Step<'a> = (&'a str, &'a Value, &'a Value);
    // The kind of each event, what it is about, and the subscription as Stripe has it from then on.
    let stories: [(&str, Vec<Step<'_>>); 4] = [
        (
            "trial to paid",
            vec![
                ("checkout.session.completed", &checkout, &active),
                ("customer.subscription.created", &active, &active),
                ("invoice.paid", &invoice, &active),
            ],
        ),
        (
            "failed, then paid",
            vec![
                ("invoice.payment_failed", &invoice, &past_due),
                ("customer.subscription.updated", &past_due, &past_due),
                ("invoice.paid", &invoice, &active),
                ("customer.subscription.updated", &active, &active),
            ],
        ),
        (
            "failed, frozen, then paid",
            vec![
                ("invoice.payment_failed", &invoice, &past_due),
                ("customer.subscription.updated", &unpaid, &unpaid),
                ("invoice.paid", &invoice, &active),
            ],
        ),
        (
            "cancelled, then resumed",
            vec![
                ("customer.subscription.updated", &ending, &ending),
                ("customer.subscription.updated", &active, &active),
                ("invoice.upcoming", &invoice, &active),
            ],
        ),
    ];
    let mut played = 0;
    for (name, steps) in stories {
        let event = |step: usize| json!({"id": format!("evt_{step}"), "type": steps[step].0, "data": {"object": steps[step].1}});
        for order in permutations(steps.len()) {
            let events: Vec<Value> = order.iter().map(|step| event(*step)).collect();
            // All of it has happened by the first event, or just so much that each event can be there.
            let all = vec![steps.last().unwrap().2.clone(); order.len()];
            let mut furthest = 0;
            let so_far: Vec<Value> = order
                .iter()
                .map(|step| {
                    furthest = furthest.max(*step);
                    steps[furthest].2.clone()
                })
                .collect();
            for truths in [all, so_far] {
                let ended: String = world
                    .db
                    .admin
                    .query_one(
                        "select play($1, rules.clock() - interval '1 day', $2, $3)",
                        &[&ben.id, &events, &truths],
                    )
                    .await
                    .unwrap()
                    .get(0);
                assert_eq!(ended, "active false  active", "{name}: {order:?}");
                played += 1;
            }
        }
    }
    assert_eq!(played, 2 * (90 + 2520 + 90 + 90));
    world.stop_servers().await;
}
