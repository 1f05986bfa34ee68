"""Stripe's official library, for tests/http/stripe.rs.

  library.py sign SECRET TIMESTAMP     the header for the body on standard input
  library.py construct SECRET HEADER   what the event on standard input is about, or why it is refused
  library.py talk URL KEY CUSTOMER     asks a server that says it is Stripe, as a shop would
"""

import json
import sys

import stripe

command, *words = sys.argv[1:]
if command == "sign":
    secret, timestamp = words
    print(stripe.WebhookSignature.generate_signature_header(sys.stdin.read(), secret, int(timestamp)))
elif command == "construct":
    secret, header = words
    try:
        event = stripe.Webhook.construct_event(sys.stdin.read(), header, secret)
        print(event.type, event.data.object.id)
    except stripe.SignatureVerificationError:
        print("refused")
elif command == "talk":
    url, key, customer = words
    shop = stripe.StripeClient(key, base_addresses={"api": url.rstrip("/")}, max_network_retries=0)
    prices = shop.v1.prices.list({"lookup_keys": ["monthly", "annual"], "active": True}).data
    [subscription] = shop.v1.subscriptions.list({"customer": customer, "status": "all", "expand": ["data.latest_invoice"]}).data
    item = subscription["items"]["data"][0].id
    plain = shop.v1.subscriptions.retrieve(subscription.id)
    switched = shop.v1.subscriptions.update(
        subscription.id, {"items": [{"id": item, "price": prices[1].id}], "cancel_at_period_end": True, "expand": ["default_payment_method"]},
        {"idempotency_key": "once"},
    )
    try:
        shop.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": False}, {"idempotency_key": "once"})
        again = "taken"
    except stripe.StripeError as error:
        again = error.http_status
    ended = shop.v1.subscriptions.cancel(subscription.id)
    try:
        shop.v1.subscriptions.cancel(subscription.id)
        gone = "taken"
    except stripe.InvalidRequestError as error:
        gone = error.code
    print(json.dumps({
        "prices": [price.lookup_key for price in prices], "invoice": subscription.latest_invoice.status, "plain": plain.latest_invoice,
        "plan": switched["items"]["data"][0].price.lookup_key, "ending": switched.cancel_at_period_end,
        "card": switched.default_payment_method.card.exp_year, "again": again, "ended": ended.status, "gone": gone,
    }))
