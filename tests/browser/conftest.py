"""The running demo: the shop, the local Voucher Cloud, and a headless Chromium."""

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import uuid
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
MANAGE = ROOT / "example_project" / "manage.py"
IMAGES = ROOT / "docs" / "images"
HEADLESS = "chromium-headless-shell"
"""Chromium's engine without its windows: the same pages for less than half of the processor time."""
CHROMIUM = next(filter(None, map(shutil.which, (HEADLESS, "chromium", "chromium-browser"))), None)
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = {"viewport": {"width": 1200, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "java_script_enabled": False}
TIMEOUT_MS = 30_000
TAUGHT_CURRENCY = "TAUGHT.CURRENCY"
THROTTLE = {"session": "5/1d", "address": "10000/1h", "holds": "10000/1h", "refusal_seconds": 0.1}
"""All customers have one address. The window of a day keeps five failures counted for the whole run."""
DEMO = {
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "VOUCHER_TIMEOUT_SECONDS": "2",
    "EXAMPLE_APPROVAL_ABOVE": "10.00",
    "EXAMPLE_THROTTLE": json.dumps(THROTTLE),
    "EXAMPLE_ERROR_MEANINGS": json.dumps({TAUGHT_CURRENCY: "currency_mismatch"}),
}


def free_ports(count):
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


NO_SWEEP = ("--settle-every", "3600")
"""A sweep in between would end what a test has left open."""


@contextmanager
def demo_program(folder, port, cloud_port, *options):
    """Run ``manage.py demo`` with its own files; its processes are always stopped."""
    process = subprocess.Popen(
        [
            sys.executable,
            MANAGE,
            "demo",
            "--port",
            str(port),
            "--cloud-port",
            str(cloud_port),
            *NO_SWEEP,
            *options,
        ],
        env={**os.environ, **DEMO, "EXAMPLE_VAR_DIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)


def wait_for_welcome(process):
    """Return the output up to the last line of the welcome. A demo that cannot start exits by itself."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "Ctrl-C" in line:
            return "".join(lines)
    raise AssertionError(process.stderr.read())


class Cloud:
    """The local Voucher Cloud: add vouchers, inject faults, read balances."""

    def __init__(self, url):
        self.http = httpx.Client(base_url=url, timeout=5, trust_env=False)
        self.codes = []

    def voucher(self, amount, **fields):
        """Add a voucher and return its unique code, which ends with the amount."""
        code = f"GIFT-{uuid.uuid4().hex[:8].upper()}-{amount.replace('.', ''):0>4}"
        body = {"code": code, "amount": amount, "currency": "EUR", **fields}
        self.http.post("/sandbox/vouchers", json=body).raise_for_status()
        self.codes.append(code)
        return code

    def figures(self, code):
        """Return the balance of a voucher and its bookings, oldest first."""
        state = self.http.get("/sandbox/state").json()
        voucher = next(each for each in state["vouchers"] if each["code"] == code)
        bookings = [
            (each["type"], each["amount"])
            for each in state["bookings"]
            if each["voucher_id"] == voucher["id"]
        ]
        return voucher["remaining_amount"], bookings

    def spend(self, code, amount):
        """Charge a voucher at another till."""
        form = {
            "grant_type": "client_credentials",
            "client_id": "local-shop",
            "client_secret": "local-shop-secret",
        }
        token = self.http.post("/oauth/token", data=form).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        body = {"code": code, "amount": amount, "currency": "EUR"}
        held = self.http.post("/v1/reservations", json=body, headers=headers).json()["id"]
        booked = self.http.post(
            f"/v1/reservations/{held}/charge", json={"order_number": "TILL-1"}, headers=headers
        )
        booked.raise_for_status()

    def trouble(self, fault, **more):
        """Inject a fault into the next matching requests; an empty fault ends all injection."""
        body = {"fault": fault, **more} if fault else {}
        self.http.post("/sandbox/faults", json=body).raise_for_status()

    def behave(self, **switches):
        self.http.post("/sandbox/behaviour", json=switches).raise_for_status()

    def reservations(self, code):
        """Return all reservations of a voucher, past ones too."""
        state = self.http.get("/sandbox/state").json()
        voucher = next(each for each in state["vouchers"] if each["code"] == code)
        return [each for each in state["reservations"] if each["voucher_id"] == voucher["id"]]

    def held(self, code):
        state = self.http.get("/sandbox/state").json()
        return next(each["held_amount"] for each in state["vouchers"] if each["code"] == code)


class Demo:
    """A running demo."""

    def __init__(self, url, cloud, folder):
        self.url = url
        self.cloud = cloud
        self.folder = folder

    def holds_end_in(self, seconds):
        """Set the end of every hold, as if the customer had been reading for half an hour."""
        until = (datetime.now(UTC) + timedelta(seconds=seconds)).replace(tzinfo=None)
        with closing(sqlite3.connect(self.folder / "shop.sqlite3", timeout=20)) as database, database:
            database.execute(
                "UPDATE voucher_payment_gateway_voucherpayment SET reserved_until = ? WHERE status = 'authorized'",
                [until.isoformat(sep=" ")],
            )

    def kept(self):
        """Return all files of the shop: its database (with the session store) and its logs; not the mails it sent."""
        return b"".join(
            path.read_bytes()
            for path in self.folder.iterdir()
            if path.is_file() and path.name != "cloud.state.json"
        )

    def mail_to(self, address):
        """Return the one mail that the shop has sent to an address."""
        written = b"".join(path.read_bytes() for path in (self.folder / "mails").iterdir())
        mails = map(message_from_bytes, re.split(rb"^-{79}\n", written, flags=re.MULTILINE))
        (mail,) = [mail for mail in mails if mail["To"] == address]
        return mail


@pytest.fixture(scope="package")
def demo(tmp_path_factory):
    port, cloud_port = free_ports(2)
    folder = tmp_path_factory.mktemp("demo")
    with demo_program(folder, port, cloud_port) as process:
        wait_for_welcome(process)
        cloud = Cloud(f"http://127.0.0.1:{cloud_port}")
        with cloud.http:
            yield Demo(f"http://127.0.0.1:{port}", cloud, folder)


@contextmanager
def launched():
    """Yield a browser. It must be closed before other tests use the database."""
    if not CHROMIUM:
        pytest.skip("no chromium on this machine")
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    playwright.expect.set_options(timeout=TIMEOUT_MS)
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def chromium():
    """One browser for all of these tests."""
    with launched() as browser:
        yield browser


@contextmanager
def door(chromium, demo):
    """Yield a function that opens the shop in a new browser profile."""
    with ExitStack() as stack:

        def arrive(look=DESKTOP):
            options = {"locale": "en-GB", **look}
            context = stack.enter_context(chromium.new_context(base_url=demo.url, **options))
            context.set_default_timeout(TIMEOUT_MS)
            return context.new_page()

        yield arrive


@pytest.fixture
def visitor(chromium, demo):
    """Open the shop as a new visitor: call it with DESKTOP or PHONE for a page."""
    with door(chromium, demo) as arrive:
        yield arrive


@pytest.fixture
def voucher(demo):
    """Add a voucher: call it with an amount. Faults that a test injects end with the test."""
    yield demo.cloud.voucher
    demo.cloud.trouble("")


@pytest.fixture
def picture():
    """Save a screenshot for the documentation, if ``SCREENSHOTS=1`` is set."""

    def take(page, name, *, full_page=True):
        if os.environ.get("SCREENSHOTS") == "1":
            IMAGES.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=IMAGES / f"{name}.png", full_page=full_page)

    return take
