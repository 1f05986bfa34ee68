//! The pages of the fake Stripe: where one pays, and where one manages what one pays for and lets a payment fail.

use poem::Response;
use poem::http::Method;
use serde_json::{Value, json};

use super::{Kept, go_to, prices, refused};

const HEAD: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>A Stripe that only pretends</title>
<style>
  body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 32rem; padding: 0 1rem }
  button { font: inherit; margin: .3rem 0; padding: .6rem 1rem; width: 100% }
</style>
"#;

/// Shows a page, or does what a button of it says.
pub fn answer(kept: &mut Kept, method: &Method, path: &str, now: i64) -> Response {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let (kind, id, button) = match parts[..] {
        [kind, id] => (kind, id, None),
        [kind, id, button] if method == Method::POST => (kind, id, Some(button)),
        _ => return refused(404, "invalid_request_error", "no such page"),
    };
    let Some(about) = kept.pages.get(id).cloned() else {
        return refused(404, "invalid_request_error", "no such page");
    };
    match (kind, button) {
        ("checkout", None) => show(&checkout(id, &about)),
        ("checkout", Some("pay")) => {
            pay(kept, id, &about, now);
            go_to(about["back"].as_str().unwrap_or_default())
        }
        ("portal", None) => show(&portal(kept, id, &about)),
        ("portal", Some(button)) => {
            if let Some(subscription) = running(kept, &about) {
                press(kept, &subscription, button, now);
            }
            go_to(&format!("/portal/{id}"))
        }
        _ => refused(404, "invalid_request_error", "no such page"),
    }
}

fn show(body: &str) -> Response {
    Response::builder().content_type("text/html; charset=utf-8").body(format!("{HEAD}{body}"))
}

fn button(path: &str, says: &str) -> String {
    format!("<form method=\"post\" action=\"{path}\"><button>{says}</button></form>\n")
}

fn checkout(id: &str, about: &Value) -> String {
    let (plan, back) = (about["plan"].as_str().unwrap_or_default(), about["back"].as_str().unwrap_or_default());
    let cents = prices()
        .as_array()
        .and_then(|prices| prices.iter().find(|price| price["lookup_key"] == plan))
        .and_then(|price| price["unit_amount"].as_i64())
        .unwrap_or_default();
    let what = match about["status"].as_str() {
        Some("open") => button(&format!("/checkout/{id}/pay"), "Pay"),
        status => format!("<p>This page is {}.</p>\n", status.unwrap_or_default()),
    };
    format!(
        "<h1>Pruuf, {plan}: {}.{:02} €</h1>\n{what}<p><a href=\"{back}\">Back without paying</a></p>\n",
        cents / 100,
        cents % 100
    )
}

/// Once a page.
fn pay(kept: &mut Kept, id: &str, about: &Value, now: i64) {
    if about["status"] != "open" {
        return;
    }
    let field = |name: &str| about[name].as_str().unwrap_or_default();
    let subscription = kept.subscribe(field("customer"), field("plan"), about["trial_ends_at"].as_i64(), now);
    if let Some(about) = kept.pages.get_mut(id) {
        about["status"] = "complete".into();
    }
    let session =
        json!({ "id": id, "object": "checkout.session", "customer": about["customer"], "subscription": subscription });
    kept.tell("checkout.session.completed", &session, now);
    kept.tell_of("customer.subscription.created", &subscription, now);
    tell_of_invoice(kept, "invoice.paid", &subscription, now);
}

fn tell_of_invoice(kept: &mut Kept, kind: &str, subscription: &str, now: i64) {
    let invoice = kept.subscriptions.get(subscription).map(|object| object["latest_invoice"].clone());
    kept.tell(kind, &invoice.unwrap_or_default(), now);
}

/// What the customer of a page pays for.
fn running(kept: &Kept, about: &Value) -> Option<String> {
    let is_it = |object: &&Value| object["customer"] == about["customer"] && object["status"] != "canceled";
    kept.subscriptions.values().rfind(is_it).and_then(|object| object["id"].as_str()).map(str::to_owned)
}

fn portal(kept: &Kept, id: &str, about: &Value) -> String {
    let back = about["back"].as_str().unwrap_or_default();
    let Some(object) = running(kept, about).and_then(|id| kept.subscriptions.get(&id)) else {
        return format!("<h1>There is nothing that you pay for</h1>\n<p><a href=\"{back}\">Back</a></p>\n");
    };
    let is_ending = object["cancel_at_period_end"] == true || !object["cancel_at"].is_null();
    let runs = matches!(object["status"].as_str(), Some("active" | "trialing"));
    let buttons: String = [
        ("cancel", "End it with the paid period", !is_ending),
        ("resume", "Go on with it", is_ending),
        ("fail", "Let a payment fail", runs),
        ("pay", "Pay what is open", !runs),
        ("dispute", "Dispute the last payment", true),
        ("end", "End it now", true),
    ]
    .into_iter()
    .filter(|(_, _, is_there)| *is_there)
    .map(|(name, says, _)| button(&format!("/portal/{id}/{name}"), says))
    .collect();
    let plan = object["items"]["data"][0]["price"]["lookup_key"].as_str().unwrap_or_default();
    let status = object["status"].as_str().unwrap_or_default();
    let ends = if is_ending { ", ends with its period" } else { "" };
    format!("<h1>{plan}: {status}{ends}</h1>\n{buttons}<p><a href=\"{back}\">Back</a></p>\n")
}

fn press(kept: &mut Kept, id: &str, button: &str, now: i64) {
    let customer =
        kept.subscriptions.get(id).and_then(|object| object["customer"].as_str()).unwrap_or_default().to_owned();
    if button == "dispute" {
        let invoice = kept.subscriptions.get(id).and_then(|object| object["latest_invoice"]["id"].as_str());
        let charge = format!("ch_of_{}", invoice.unwrap_or_default());
        kept.tell("charge.dispute.created", &json!({ "id": "dp_1", "object": "dispute", "charge": charge }), now);
        return;
    }
    let unpaid = (button == "fail").then(|| kept.invoice(id, &customer, "open", now));
    let Some(object) = kept.subscriptions.get_mut(id) else { return };
    match button {
        // As Stripe's own page does: not `cancel_at_period_end`.
        "cancel" => object["cancel_at"] = object["items"]["data"][0]["current_period_end"].clone(),
        "resume" => {
            object["cancel_at"] = Value::Null;
            object["cancel_at_period_end"] = false.into();
        }
        "fail" => {
            object["status"] = "past_due".into();
            object["latest_invoice"] = unpaid.unwrap_or_default();
        }
        "pay" => {
            object["status"] = "active".into();
            object["latest_invoice"]["status"] = "paid".into();
        }
        "end" => object["status"] = "canceled".into(),
        _ => return,
    }
    match button {
        "fail" => tell_of_invoice(kept, "invoice.payment_failed", id, now),
        "pay" => tell_of_invoice(kept, "invoice.paid", id, now),
        _ => {}
    }
    let kind = if button == "end" { "customer.subscription.deleted" } else { "customer.subscription.updated" };
    kept.tell_of(kind, id, now);
}
