"""localstripe, and before it what it lacks: it speaks an API of 2017, and Pruuf one of today.

localstripe answers what it speaks, unchanged: customers, subscriptions (made, read, listed, cancelled at once or with their
period, resumed, given another plan), invoices, payment methods, and webhooks with Stripe's signature. What it does not speak:

  GET prices                       here: its plans; the lookup key is the id of the plan
  price of a subscription's item   here: its plan, in both directions
  expand default_payment_method    here: the card of the customer's settings
  checkout and portal sessions     here: an address that nobody opens; the test subscribes in localstripe itself
  customer.subscription.updated    never sent: what changed there is found by the daily comparison
  Idempotency-Key, charges of disputes, test clocks    only our own fake has these: src/dev/fakes/stripe.rs

Prints the addresses of localstripe and of the bridge, and runs until its standard input ends.
"""

import asyncio
import sys

import aiohttp
from aiohttp import web
from localstripe.server import app as localstripe

HEADERS = ("authorization", "content-type")


async def listen(app):
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return "http://127.0.0.1:%d" % site._server.sockets[0].getsockname()[1]


def price_of(plan):
    return {
        "id": "price_" + plan["id"], "object": "price", "lookup_key": plan["id"], "active": plan["active"], "currency": plan["currency"],
        "unit_amount": plan["amount"], "recurring": {"interval": plan["interval"]},
    }


async def ask(request, path, **more):
    headers = {name: request.headers[name] for name in HEADERS if name in request.headers}
    async with request.app["http"].request(more.pop("method", "GET"), request.app["to"] + path, headers=headers, **more) as answer:
        return answer.status, await answer.json(content_type=None)


async def prices(request):
    status, plans = await ask(request, "/v1/plans")
    keys = [value for name, value in request.query.items() if name.startswith("lookup_keys[")]
    return web.json_response({"data": [price_of(plan) for plan in plans["data"] if plan["id"] in keys]}, status=status)


async def session(request):
    return web.json_response({"id": "cs_bridge", "url": "https://nobody.example/opens-it"})


async def no_sessions(_request):
    return web.json_response({"data": []})


async def complete(request, subscription):
    """What it would have in an answer of today."""
    for item in subscription["items"]["data"]:
        item["price"] = price_of(item.pop("plan"))
    _, customer = await ask(request, "/v1/customers/" + subscription["customer"])
    method = customer["invoice_settings"]["default_payment_method"]
    if method is not None:
        _, subscription["default_payment_method"] = await ask(request, "/v1/payment_methods/" + method)
    return subscription


async def subscriptions(request):
    def told(pairs):
        for name, value in pairs:
            if value.endswith("default_payment_method"):
                continue
            yield name.replace("[price]", "[plan]"), value.removeprefix("price_")

    query, form = list(told(request.query.items())), list(told((await request.post()).items()))
    status, answer = await ask(request, request.path, method=request.method, params=query, data=form or None)
    if status == 200 and answer["object"] == "list":
        answer["data"] = [await complete(request, one) for one in answer["data"]]
    elif status == 200:
        answer = await complete(request, answer)
    return web.json_response(answer, status=status)


async def passed_on(request):
    status, answer = await ask(request, request.path_qs, method=request.method, data=await request.read() or None)
    return web.json_response(answer, status=status)


async def main():
    bridge = web.Application()
    bridge.add_routes([
        web.get("/v1/prices", prices),
        web.get("/v1/checkout/sessions", no_sessions),
        web.post("/v1/checkout/sessions", session),
        web.post("/v1/billing_portal/sessions", session),
        web.route("*", "/v1/subscriptions{rest:.*}", subscriptions),
        web.route("*", "/{rest:.*}", passed_on),
    ])
    bridge["http"] = aiohttp.ClientSession()
    bridge["to"] = await listen(localstripe)
    print(bridge["to"], await listen(bridge), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await bridge["http"].close()


asyncio.run(main())
