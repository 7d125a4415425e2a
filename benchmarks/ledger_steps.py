"""What ``ledger.py`` does in each ledger: every verb, and every list and page of a clerk, a customer and a monitoring.

A step is measured under the name that the page about performance has for it.
"""

from datetime import timedelta
from decimal import Decimal

TEN = Decimal("10.00")
FOLDER = "/admin/voucher_payment_gateway/"
CLERKS_PAGES = {"needs attention": ("attention/", {}), "order page": ("order/", {"number": "L-77"})}
STATUSES = {
    "field": "status",
    "authorize": ["confirmed"],
    "capture": ["shipped"],
    "refund": ["returned"],
    "cancel": ["cancelled"],
}
SETTINGS = {
    "SOLD_VOUCHERS": "tests.shop.sold.vouchers",
    "VOUCHER_DELIVERY": "page",
    "CUSTOMER_ORDERS": "benchmarks.ledger_steps.customer_orders",
    "ON_STATUS": STATUSES,
    "EVENTS": {},
}
"""What the test shop needs besides."""


def customer_orders(request):
    """Return the one order of the customer."""
    from tests.shop.models import Order

    return list(Order.objects.filter(number=request.headers["order"]))


def pay(shop):
    """One order that is paid, partly refunded and shown at the checkout."""
    from voucher_payment_gateway import gateway
    from voucher_payment_gateway.checkout.summary import summarise

    order, code = shop.order()
    with shop.watch.on("authorize"):
        gateway.authorize(order, code)
    with shop.watch.on("capture"):
        gateway.capture(order)
    with shop.watch.on("refund"):
        gateway.refund(order, Decimal("5.00"))
    with shop.watch.on("checkout block"):
        summarise(order)
    return order


def pay_by_status(shop):
    """One order whose status alone is saved, and whose voucher was selected before."""
    from voucher_payment_gateway import gateway

    order, code = shop.order()
    with shop.watch.on("select"):
        gateway.select(order, code)
    for status, name in (("confirmed", "authorize"), ("shipped", "capture"), ("cancelled", "cancel")):
        order.status = status
        with shop.watch.on(f"save that means {name}"):
            order.save()
    if order.voucher_refunded != TEN:
        raise RuntimeError(order.voucher_refunded)


def let_go(shop):
    """One order that is cancelled before it is charged, and one whose selected voucher is confirmed."""
    from voucher_payment_gateway import gateway

    order, code = shop.order()
    gateway.authorize(order, code)
    with shop.watch.on("cancel"):
        gateway.cancel(order)
    order, code = shop.order()
    gateway.select(order, code)
    with shop.watch.on("authorize_selected"):
        gateway.authorize_selected(order)


def sell(shop):
    """Two orders that sell a voucher each: one gets a top-up, the other is returned."""
    from voucher_payment_gateway import gateway

    order, returned = (shop.order(note="a=10.00")[0] for _ in range(2))
    with shop.watch.on("issue"):
        gateway.issue(order)
    with shop.watch.on("activate"):
        (sale,) = gateway.activate(order)
    with shop.watch.on("top_up"):
        gateway.top_up(sale, TEN, key=order.number)
    gateway.activate(returned)
    with shop.watch.on("take_back"):
        gateway.take_back(returned)
    with shop.watch.on("credit"):
        gateway.credit(shop.order()[0], TEN, key=order.number)
    return order


def look(shop, paid, sold):
    """Every list and page of a clerk; what a customer sees of the vouchers that were bought."""
    from django.contrib import admin

    from voucher_payment_gateway.models import VoucherPayment

    voucher = VoucherPayment.objects.get(order_number=paid.number).voucher_id
    pages = {name: (f"{FOLDER}voucherpayment/{path}", query) for name, (path, query) in CLERKS_PAGES.items()}
    pages["statement"] = (f"{FOLDER}voucherpayment/statement/", {"voucher": voucher})
    for model in admin.site._registry:
        if model._meta.app_label == "voucher_payment_gateway":
            pages[f"list of {model._meta.model_name}"] = (f"{FOLDER}{model._meta.model_name}/", {})
    pages["customer's vouchers"] = ("/vouchers/mine/", {})
    for name, (path, query) in pages.items():
        with shop.watch.on(name):
            answer = shop.client.get(path, query, headers={"order": sold.number})
        if answer.status_code != 200:
            raise RuntimeError(f"{path}: {answer.status_code}")
    with shop.watch.on("search by a code"):
        shop.client.post(f"{FOLDER}voucherpayment/search/", {"code": f"CODE-{paid.number}"})


def monitor(until):
    """Return what a monitoring and an accountant read, by name."""
    from django.test import RequestFactory

    from voucher_payment_gateway.books.ledger import booking_rows
    from voucher_payment_gateway.health import views
    from voucher_payment_gateway.management.doctor.facts import facts
    from voucher_payment_gateway.management.doctor.local import database_findings

    return {
        "health": lambda: views.health(RequestFactory().get("/")),
        "doctor: database": lambda: list(database_findings()),
        "doctor: figures": facts,
        "books of 30 minutes": lambda: list(booking_rows(until - timedelta(minutes=30), until)),
    }


def round_of(shop):
    """Do all of it once."""
    paid = pay(shop)
    pay_by_status(shop)
    let_go(shop)
    sold = sell(shop)
    look(shop, paid, sold)
    for name, act in monitor(shop.until).items():
        with shop.watch.on(name):
            act()
