//! Stripe as others understand it: `localstripe`, a Stripe-like server that is not ours, and Stripe's official library. Run by
//! `tests/stripe/run`, which installs them. What localstripe does not speak is listed in tests/stripe/bridge.py, and held by our
//! own fake (billing.rs): checkout and portal sessions, prices, Idempotency-Keys, `customer.subscription.updated`, disputes.

use std::path::Path;
use std::process::Stdio;

use pruuf::config;
use pruuf::dev::fakes::Channel;
use pruuf::dev::fakes::stripe::{FakeStripe, SECRET, SECRET_KEY, signature};
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::billing::{hear, is, now, post_event};
use crate::support::{PATIENCE, Person, World, world};

/// A card that pays, and one that somebody has to confirm each time.
const GOOD_CARD: &str = "4242424242424242";
const CARD_TO_CONFIRM: &str = "4000002500003155";

fn python() -> Command {
    let mut command = Command::new(std::env::var_os("PRUUF_STRIPE_PYTHON").unwrap());
    command
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stripe"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// localstripe, and the bridge before it.
struct LocalStripe {
    url: String,
    bridge: url::Url,
    http: reqwest::Client,
    /// Dropped, it is killed.
    _process: Child,
}

impl LocalStripe {
    async fn start() -> Self {
        let mut process = python().arg("bridge.py").spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().unwrap();
        let (url, bridge) = line.split_once(' ').unwrap();
        let stripe = Self {
            url: url.to_owned(),
            bridge: bridge.parse().unwrap(),
            http: reqwest::Client::new(),
            _process: process,
        };
        for (plan, amount, interval) in [("monthly", "499", "month"), ("annual", "4990", "year")] {
            let form = [
                ("id", plan),
                ("amount", amount),
                ("interval", interval),
                ("currency", "eur"),
                ("product[name]", "Pruuf"),
            ];
            stripe.call(Method::POST, "/v1/plans", &form).await;
        }
        stripe
    }

    async fn call(&self, method: Method, path: &str, form: &[(&str, &str)]) -> Value {
        let request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth("sk_test_of_nobody");
        let answer = request.form(form).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}: {}", answer.text().await.unwrap());
        serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default()
    }

    async fn subscription(&self, id: &str) -> Value {
        self.call(Method::GET, &format!("/v1/subscriptions/{id}"), &[]).await
    }

    /// As a customer does on Stripe's pages: this card is to be charged.
    async fn give_card(&self, customer: &str, number: &str) {
        let form = [
            ("type", "card"),
            ("card[number]", number),
            ("card[exp_month]", "12"),
            ("card[exp_year]", "2040"),
            ("card[cvc]", "123"),
        ];
        let card = self.call(Method::POST, "/v1/payment_methods", &form).await["id"].as_str().unwrap().to_owned();
        let attach = format!("/v1/payment_methods/{card}/attach");
        self.call(Method::POST, &attach, &[("customer", customer)]).await;
        let settings = [("invoice_settings[default_payment_method]", card.as_str())];
        self.call(Method::POST, &format!("/v1/customers/{customer}"), &settings).await;
    }

    /// As a customer who pays on the page of a checkout.
    async fn subscribe(&self, customer: &str, plan: &str) -> String {
        let form = [("customer", customer), ("items[0][plan]", plan)];
        let subscription = self.call(Method::POST, "/v1/subscriptions", &form).await;
        assert_eq!(subscription["status"], "active");
        subscription["id"].as_str().unwrap().to_owned()
    }
}

/// A world whose server knows localstripe, which sends its webhooks there; Aroha, whom Ben watches, and Ben, who is frozen.
async fn with_localstripe(mut world: World) -> (World, LocalStripe, Person, Person) {
    let stripe = LocalStripe::start().await;
    world.stop_all().await;
    world.stripe = Some(config::Stripe {
        url: stripe.bridge.clone(),
        secret_key: "sk_test_of_nobody".into(),
        webhook_secrets: [SECRET, "whsec_of_localstripe"].map(SecretString::from).to_vec(),
    });
    world.start_server().await;
    let webhook = world.url("/webhooks/stripe");
    let form = [("url", webhook.as_str()), ("secret", "whsec_of_localstripe")];
    stripe.call(Method::POST, "/_config/webhooks/pruuf", &form).await;
    let (aroha, ben) = crate::billing::frozen_contact(&world).await;
    (world, stripe, aroha, ben)
}

#[tokio::test]
#[ignore = "wants localstripe: tests/stripe/run"]
async fn r8_1_r8_2_r8_5_the_whole_life_of_a_subscription_at_a_stripe_that_is_not_ours() {
    world(|world| async move {
        let (world, stripe, aroha, ben) = with_localstripe(world).await;
        let customer = chooses_a_plan(&world, &stripe, &ben).await;

        // R8.1: paid at Stripe; its own webhook says so.
        stripe.give_card(&customer, GOOD_CARD).await;
        assert_eq!(world.get(&ben, "/v1/billing").await.expect(200)["entitlement"], "frozen");
        let id = stripe.subscribe(&customer, "monthly").await;
        is(&world, &ben, "active").await;
        hear(&world, &ben, &aroha, "everything again", "by SMS and call again").await;
        let stands = world.get(&ben, "/v1/billing").await.expect(200);
        assert_eq!(stands["subscription"]["plan"], "monthly", "{stands}");
        assert_eq!(stands["subscription"]["card_expires_on"], "2040-12-31");
        let ends = stripe.subscription(&id).await["current_period_end"].as_i64().unwrap();
        let says = stands["next"]["at"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
        assert_eq!((&stands["next"]["what"], says.timestamp()), (&json!("renews"), ends));

        // R8.5: an end, and going on.
        let stands = world.post(&ben, "/v1/billing/cancel", Value::Null).await.expect(200);
        assert_eq!(stands["entitlement"], "cancelled");
        assert_eq!(stripe.subscription(&id).await["cancel_at_period_end"], true);
        assert_eq!(world.post(&ben, "/v1/billing/resume", Value::Null).await.expect(200)["entitlement"], "active");
        assert_eq!(stripe.subscription(&id).await["cancel_at_period_end"], false);

        a_payment_fails_and_is_made_good(&world, &stripe, &ben, &customer, &id).await;
        what_no_webhook_told_is_found(&world, &stripe, &ben, &id).await;

        // R8.2: ended at Stripe; frozen, since the trial is over. A new subscription, and all is as before.
        stripe.call(Method::DELETE, &format!("/v1/subscriptions/{id}"), &[]).await;
        is(&world, &ben, "frozen").await;
        for (channel, to) in [(Channel::Push, &ben.push_token), (Channel::Email, &ben.email)] {
            world.expect_message(channel, to, "by push and e-mail only").await;
        }
        world.expect_message(Channel::Push, &aroha.push_token, "by push and e-mail only").await;
        world.open_app(&aroha).await;
        let id = stripe.subscribe(&customer, "annual").await;
        is(&world, &ben, "active").await;
        hear(&world, &ben, &aroha, "everything again", "by SMS and call again").await;

        // R1.2: watched himself he is free, and Stripe is told to end it.
        world.schedule(&ben, "09:00", "UTC").await;
        world.connect(&ben, &aroha).await;
        is(&world, &ben, "free").await;
        world.expect_message(Channel::Push, &ben.push_token, "free for you now").await;
        world.open_app(&ben).await;
        world
            .eventually("Stripe did it", "select count(*) = 1 from billing.orders where done_at is not null", &[])
            .await;
        assert_eq!(stripe.subscription(&id).await["status"], "canceled");
        nothing_failed(&world).await;
        world
    })
    .await;
}

/// Ben chooses a plan. Gives the customer that this makes of him.
async fn chooses_a_plan(world: &World, stripe: &LocalStripe, ben: &Person) -> String {
    let plans = world.get(ben, "/v1/billing").await.expect(200)["plans"].clone();
    let monthly = json!({"plan": "monthly", "currency": "eur", "unit_amount": 499, "period": "month"});
    assert_eq!((plans.as_array().unwrap().len(), &plans[0]), (2, &monthly));
    for _ in 0..2 {
        world.post(ben, "/v1/billing/checkout", json!({"plan": "monthly"})).await.expect(200);
    }
    let customers = stripe.call(Method::GET, "/v1/customers", &[]).await["data"].clone();
    assert_eq!((customers.as_array().unwrap().len(), &customers[0]["metadata"]["user_id"]), (1, &json!(ben.id)));
    customers[0]["id"].as_str().unwrap().to_owned()
}

/// R8.2: a switch to a dearer plan wants a payment, which is refused; Ben is told, pays with another card, and all is well.
async fn a_payment_fails_and_is_made_good(world: &World, stripe: &LocalStripe, ben: &Person, customer: &str, id: &str) {
    stripe.give_card(customer, CARD_TO_CONFIRM).await;
    world.post(ben, "/v1/billing/checkout", json!({"plan": "annual"})).await.expect(200);
    let subscription = stripe.subscription(id).await;
    assert_eq!((&subscription["plan"]["id"], &subscription["status"]), (&json!("annual"), &json!("active")));
    let invoice = subscription["latest_invoice"].as_str().unwrap();
    let open = stripe.call(Method::GET, &format!("/v1/invoices/{invoice}"), &[]).await;
    let payment = format!("/v1/payment_intents/{}", open["payment_intent"].as_str().unwrap());
    let secret = stripe.call(Method::GET, &payment, &[]).await["client_secret"].as_str().unwrap().to_owned();
    let refuse = [("client_secret", secret.as_str()), ("success", "false")];
    stripe.call(Method::POST, &format!("{payment}/_authenticate"), &refuse).await;
    is(world, ben, "past_due").await;
    world.expect_on_all_channels(ben, "for 7 days").await;
    assert_eq!(world.get(ben, "/v1/billing").await.expect(200)["next"]["what"], "freezes");

    stripe.give_card(customer, GOOD_CARD).await;
    stripe.call(Method::POST, &format!("/v1/invoices/{invoice}/pay"), &[]).await;
    is(world, ben, "active").await;
    assert_eq!(world.get(ben, "/v1/billing").await.expect(200)["subscription"]["plan"], "annual");
}

/// R8.4: localstripe tells nobody of an end, and of going on: the daily comparison finds both.
async fn what_no_webhook_told_is_found(world: &World, stripe: &LocalStripe, ben: &Person, id: &str) {
    for (ending, entitlement) in [("true", "cancelled"), ("false", "active")] {
        let path = format!("/v1/subscriptions/{id}");
        stripe.call(Method::POST, &path, &[("cancel_at_period_end", ending)]).await;
        world.advance("25 hours").await;
        is(world, ben, entitlement).await;
    }
}

async fn nothing_failed(world: &World) {
    world
        .eventually(
            "every event is done",
            "select not exists (select from billing.events where state not in ('applied', 'ignored'))",
            &[],
        )
        .await;
    let told = world.admin_json("select distinct type from billing.events where state = 'applied' order by type").await;
    let types = [
        "customer.subscription.created",
        "customer.subscription.deleted",
        "invoice.created",
        "invoice.payment_failed",
        "invoice.payment_succeeded",
    ];
    assert_eq!(told, json!(types.map(|name| json!({ "type": name }))));
}

/// What the official library says.
async fn library(words: &[&str], body: &str) -> String {
    let mut process = python().arg("library.py").args(words).spawn().unwrap();
    process.stdin.take().unwrap().write_all(body.as_bytes()).await.unwrap();
    let done = timeout(PATIENCE, process.wait_with_output()).await.unwrap().unwrap();
    assert!(done.status.success());
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
#[ignore = "wants Stripe's library: tests/stripe/run"]
async fn r8_4_we_and_stripes_own_library_mean_the_same_by_a_signature() {
    world(|mut world| async move {
        let stripe = FakeStripe::start(None).await.unwrap();
        world.stop_all().await;
        world.stripe = Some(config::Stripe {
            url: stripe.url.clone(),
            secret_key: SECRET_KEY.into(),
            webhook_secrets: ["whsec_old", SECRET].map(SecretString::from).to_vec(),
        });
        world.start_server().await;
        let product = json!({"id": "prod_1", "object": "product", "name": "Señal de vida"});
        let body = format!("{:#}\n", stripe.event("product.created", &product));
        let at = now();
        let sign = async |body: &str, secret: &str, at: i64| library(&["sign", secret, &at.to_string()], body).await;
        // What the library signs, we take: with each of our secrets, and as old as it may be.
        for header in
            [sign(&body, SECRET, at).await, sign(&body, "whsec_old", at).await, sign(&body, SECRET, at - 240).await]
        {
            assert_eq!(post_event(&world, &body, &header).await.status, 204);
        }
        let tampered = body.replace("vida", "vidA");
        let right = sign(&body, SECRET, at).await;
        for (body, header) in [
            (&body, sign(&body, "whsec_other", at).await),
            (&body, sign(&body, SECRET, at - 301).await),
            (&body, right.replace(&format!("t={at}"), &format!("t={}", at - 1))),
            (&tampered, right.clone()),
        ] {
            post_event(&world, body, &header).await.refused(401, "not-the-provider");
            // And so does the library.
            assert_eq!(library(&["construct", SECRET, &header], body).await, "refused");
        }
        assert_eq!(world.number("select count(*) from billing.events", &[]).await, 1);
        // What our fake signs, the library takes, and reads.
        assert_eq!(signature(&body, SECRET, at), right);
        assert_eq!(
            library(&["construct", SECRET, &signature(&body, SECRET, at)], &body).await,
            "product.created prod_1"
        );
        world
    })
    .await;
}

#[tokio::test]
#[ignore = "wants Stripe's library: tests/stripe/run"]
async fn r8_1_our_fake_answers_stripes_own_library_as_stripe_does() {
    let stripe = FakeStripe::start(None).await.unwrap();
    stripe.subscribe("cus_1", "monthly");
    let said: Value =
        serde_json::from_str(&library(&["talk", stripe.url.as_str(), SECRET_KEY, "cus_1"], "").await).unwrap();
    assert_eq!(
        said,
        json!({
            "prices": ["monthly", "annual"], "invoice": "paid", "plain": "in_1", "plan": "annual", "ending": true, "card": 2030,
            // The same key for something else; what has ended is not there any more.
            "again": 400, "ended": "canceled", "gone": "resource_missing",
        })
    );
}
