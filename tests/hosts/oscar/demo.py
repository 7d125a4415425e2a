"""``python -m tests.hosts.oscar.demo``: an Oscar shop and the local Voucher Cloud, with data to try.

``--folder`` keeps the shop's database and mails; without it they are forgotten at the end. Ctrl-C stops both programs.
"""

import argparse
import os
import signal
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import django
from django.core.management import call_command

from voucher_payment_gateway.sandbox import LocalVoucherCloud, serve

STAFF = ("staff@corner-shop.example", "staff")
CUSTOMER = ("ada@corner-shop.example", "ada")
VOUCHERS = {
    "GIFT-2000-TREE": ("20.00", ""),
    "GIFT-3000-LEAF": ("30.00", ""),
    "GIFT-5000-ROOT": ("50.00", "with the PIN 1234"),
    "GIFT-1000-SEED": ("10.00", ""),
}
HOST = "127.0.0.1"


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


def main():
    given = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory() as passing, suppress(KeyboardInterrupt):
        folder = Path(given.folder or passing)
        cloud = LocalVoucherCloud()
        try:
            with serve(cloud, given.cloud_port) as running:
                serve_shop(folder, cloud, running.base_url, given)
        except OSError as error:
            sys.exit(f"A port is taken ({error}): choose others with --port and --cloud-port.")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=8000, help="of the shop (default: 8000)")
    parser.add_argument("--cloud-port", type=int, default=8900, help="of the Voucher Cloud (default: 8900)")
    parser.add_argument(
        "--settle-every", type=float, default=10, metavar="SECONDS", help="pause between sweeps"
    )
    parser.add_argument("--folder", default="", help="for the shop's database and mails")
    return parser.parse_args()


def serve_shop(folder, cloud, cloud_url, given):
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "tests.hosts.oscar.demo_settings",
        "OSCAR_DEMO_FOLDER": str(folder),
        "OSCAR_DEMO_CLOUD": cloud_url,
        "OSCAR_DEMO_URL": f"http://{HOST}:{given.port}",
    }
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    fill_cloud(cloud)
    fill_shop()
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.core.wsgi import get_wsgi_application

    with Server((HOST, given.port), Quiet) as server:
        server.set_app(StaticFilesHandler(get_wsgi_application()))
        threading.Thread(target=sweep, args=(given.settle_every,), daemon=True).start()
        welcome(f"http://{HOST}:{server.server_port}", cloud_url.removesuffix("/v1"), folder)
        server.serve_forever()


def fill_cloud(cloud):
    for code, (amount, about) in VOUCHERS.items():
        cloud.add_voucher(code=code, amount=amount, pin="1234" if about else "")


def fill_shop():
    """Put teas, gift vouchers and people into an empty shop."""
    from django.contrib.auth import get_user_model
    from oscar.core.loading import get_model

    from tests.hosts.oscar.gift_vouchers import gift_voucher
    from tests.hosts.oscar.shop import Shop

    if get_model("catalogue", "Product").objects.exists():
        return
    shop = Shop()
    for title, price in (("Teapot", "60.00"), ("Cup", "12.50"), ("Green tea, 100 g", "9.90")):
        shop.product(price, title)
    gift_voucher("25.00", "Gift voucher 25")
    gift_voucher("50.00", "Gift voucher, your amount", own_amount=True)
    users = get_user_model().objects
    users.create_superuser("staff", *STAFF)
    users.create_user("ada", *CUSTOMER, first_name="Ada", last_name="Miller")


def sweep(pause):
    """Finish what is open, as ``voucher_settle --every`` does on a server."""
    from django.db import close_old_connections

    from voucher_payment_gateway import gateway
    from voucher_payment_gateway.exceptions import VoucherGatewayError

    while not threading.Event().wait(pause):
        with suppress(VoucherGatewayError):
            gateway.settle()
        close_old_connections()


def welcome(shop, cloud, folder):
    lines = [
        "",
        f"  The shop is open:  {shop}/catalogue/",
        f"  A customer:        {shop}/accounts/login/   ({CUSTOMER[0]} / {CUSTOMER[1]})",
        f"  The dashboard:     {shop}/dashboard/orders/   ({STAFF[0]} / {STAFF[1]})",
        f"  The Voucher Cloud: {cloud}/",
        f"  The mails:         {folder / 'mails'}   (with the gift vouchers that you buy)",
        "",
        "  Gift vouchers to pay with:",
        *(f"    {code}   {amount} EUR {about}".rstrip() for code, (amount, about) in VOUCHERS.items()),
        "",
        "  Ctrl-C stops the shop and the Voucher Cloud.",
        "",
    ]
    print("\n".join(lines), flush=True)


if __name__ == "__main__":
    main()
