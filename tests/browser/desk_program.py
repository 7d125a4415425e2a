"""``python -m tests.browser.desk_program``: a shop with a day's work on the clerk's pages.

It prints a line of JSON with its address, the session of a clerk and what the pages are about, and serves until it is
ended.
"""

import json
import os
from datetime import timedelta
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import django
from django.core.management import call_command

from voucher_payment_gateway.sandbox import LocalVoucherCloud, serve

CODE = "GIFT-2000-ABCD"


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


def main():
    cloud = LocalVoucherCloud()
    with serve(cloud) as running:
        os.environ |= {
            "DESK_CLOUD": running.base_url,
            "DJANGO_SETTINGS_MODULE": "tests.browser.desk_settings",
        }
        django.setup()
        call_command("migrate", run_syncdb=True, verbosity=0)
        known = fill(cloud)
        from django.contrib.staticfiles.handlers import StaticFilesHandler
        from django.core.wsgi import get_wsgi_application

        with Server(("127.0.0.1", 0), Quiet) as server:
            server.set_app(StaticFilesHandler(get_wsgi_application()))
            print(json.dumps({"url": f"http://127.0.0.1:{server.server_port}", **known}), flush=True)
            server.serve_forever()


def fill(cloud):
    """Sell, charge, refund; leave a refund to a person; and close a month."""
    from django.utils import timezone

    from tests.conftest import Shop
    from voucher_payment_gateway import gateway
    from voucher_payment_gateway.models import VoucherClosedPeriod, VoucherLiability, VoucherOperation

    shop = Shop(cloud)
    voucher = shop.voucher("60.00", code=CODE)
    order = shop.order("90.00", note="multi=50.00")
    gateway.activate(order)
    gateway.authorize(order, CODE)
    gateway.capture(order, actor="Kasse 3")
    for amount in ("7.35", "2.00"):
        gateway.refund(order, amount, actor="mia", reason="Teekanne zerbrochen", key=f"Retoure {amount}")
    till = cloud.add_client(name="Kasse").id
    cloud.charge(cloud.reserve(CODE, "2.00", client_id=till), "KASSE-1", client_id=till)
    last = VoucherOperation.objects.filter(kind="refund").order_by("-pk")[:1]
    VoucherOperation.objects.filter(pk__in=[row.pk for row in last]).update(state="manual", remote_id="")
    today = timezone.localdate()
    for days in range(60, 0, -1):
        if days not in (20, 21, 22):
            amounts = {
                "outstanding": 2000 + 40 * (60 - days) % 700,
                "breakage": 200 + days,
                "sold": 40,
                "redeemed": 15,
            }
            VoucherLiability(day=today - timedelta(days=days), currency="EUR", **amounts).save()
    begin = timezone.localtime().replace(
        year=today.year - 1, month=1, day=1, hour=0, minute=0, second=0, microsecond=0
    )
    figures = {"sale EUR": {"count": 12, "sum": "600.00"}, "charge EUR": {"count": 31, "sum": "812.40"}}
    VoucherClosedPeriod(
        since=begin,
        until=begin + timedelta(days=31),
        figures=figures,
        digest="",
        closed_at=timezone.now(),
        closed_by="Anna Berg",
        changed_at=timezone.now(),
        changed_figures={**figures, "charge EUR": {"count": 32, "sum": "842.40"}},
    ).save()
    return {
        "session": session_of_a_clerk(),
        "voucher": voucher.id,
        "order": order.number,
        "operation": last[0].pk,
        "payment": order.voucher_payments.get().pk,
        "sale": order.voucher_sales.get().pk,
    }


def session_of_a_clerk():
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client()
    client.force_login(User.objects.create_superuser("mia", "mia@example.org"))
    return client.session.session_key


if __name__ == "__main__":
    main()
