"""``python manage.py demo``: start the local Voucher Cloud, the shop and its sweep, with data to try."""

import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

import httpx
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import connections

from shop.demo import HOST, DemoError, is_taken, running, wait_while_all_run
from shop.seed import STAFF_NAME, STAFF_PASSWORD, VOUCHERS, seed_shop

ROOT = Path(settings.BASE_DIR).parent
MANAGE = str(Path(settings.BASE_DIR) / "manage.py")
CLOUD = "voucher_payment_gateway.sandbox"
CANNOT_START = 2


class Command(BaseCommand):
    help = "Start the shop, its sweep and a local Voucher Cloud together, with teas, gift vouchers and a staff login."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="of the shop (default: 8000)")
        parser.add_argument(
            "--cloud-port", type=int, default=8900, help="of the Voucher Cloud (default: 8900)"
        )
        parser.add_argument(
            "--settle-every", type=float, default=10, metavar="SECONDS", help="the pause between two sweeps"
        )
        parser.add_argument("--fresh", action="store_true", help="forget all earlier orders and vouchers")

    def handle(self, *, port: int, cloud_port: int, settle_every: float, fresh: bool, **_: Any) -> None:
        self._refuse_taken_ports(port, cloud_port)
        signal.signal(signal.SIGTERM, _interrupt)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # shells ignore it for background jobs
        try:
            self._run(port, cloud_port, settle_every, fresh)
        except KeyboardInterrupt:
            self.stdout.write("\nAll are stopped. Good-bye!")
        except DemoError as error:
            self._fail(str(error), 1)

    def _refuse_taken_ports(self, port: int, cloud_port: int) -> None:
        if port == cloud_port:
            self._fail("The shop and the Voucher Cloud need two different ports.", CANNOT_START)
        for option, number in (("--port", port), ("--cloud-port", cloud_port)):
            if not 1 <= number <= 65535:
                self._fail(f"{option} must be a number from 1 to 65535.", CANNOT_START)
            if is_taken(number):
                self._fail(f"Port {number} is taken; choose another one with {option}.", CANNOT_START)

    def _run(self, port: int, cloud_port: int, settle_every: float, fresh: bool) -> None:
        cloud_url, shop_url = f"http://{HOST}:{cloud_port}", f"http://{HOST}:{port}"
        folder = Path(settings.VAR_DIR).resolve()
        state = folder / "cloud.state.json"
        self._prepare(folder, state, fresh)
        cloud_command = ["-m", CLOUD, "--port", str(cloud_port), "--state", str(state)]
        shop_command = [MANAGE, "runserver", "--noreload", f"{HOST}:{port}"]
        settle_command = [MANAGE, "voucher_settle", "--every", str(settle_every)]
        address = {"VOUCHER_CLOUD_URL": f"{cloud_url}/v1", "EXAMPLE_SHOP_URL": shop_url}
        with running("The Voucher Cloud", cloud_command, folder / "cloud.log", ROOT) as cloud:
            cloud.wait_until_it_answers(f"{cloud_url}/sandbox/state")
            seed_vouchers(cloud_url)
            with running("The shop", shop_command, folder / "shop.log", ROOT, **address) as shop:
                shop.wait_until_it_answers(f"{shop_url}/")
                with running("The sweep", settle_command, folder / "settle.log", ROOT, **address) as sweep:
                    self._welcome(shop_url, cloud_url)
                    wait_while_all_run(cloud, shop, sweep)

    def _prepare(self, folder: Path, state: Path, fresh: bool) -> None:
        """Migrate and seed the database; ``fresh`` first deletes it and the state of the Voucher Cloud."""
        if fresh:
            connections.close_all()  # a check may have opened the file that is deleted
            for path in (state, *folder.glob("shop.sqlite3*"), *folder.glob("mails/*.log")):
                path.unlink(missing_ok=True)
        call_command("migrate", verbosity=0, interactive=False)
        seed_shop()

    def _welcome(self, shop_url: str, cloud_url: str) -> None:
        lines = [
            "",
            f"  The shop is open:  {shop_url}/",
            f"  For the staff:     {shop_url}/staff/   ({STAFF_NAME} / {STAFF_PASSWORD})",
            f"  The admin:         {shop_url}/admin/   (the same login)",
            f"  The Voucher Cloud: {cloud_url}/   (create, activate and top up vouchers, move its clock)",
            f"  The mails:         {settings.VAR_DIR / 'mails'}/   (with the gift vouchers that you buy)",
            "",
            "  Gift vouchers to try, as they started out:",
            *(f"    {voucher.code}   {voucher.about}" for voucher in VOUCHERS),
            "",
            '  Ctrl-C stops the shop and the Voucher Cloud. `make demo ARGS="--fresh"` starts over.',
            "",
        ]
        self.stdout.write("\n".join(lines))
        self.stdout.flush()

    def _fail(self, sentence: str, exit_code: int) -> NoReturn:
        self.stderr.write(self.style.ERROR(sentence))
        sys.exit(exit_code)


def seed_vouchers(cloud_url: str) -> None:
    """Create the demo's gift vouchers in the local Voucher Cloud, if they are missing."""
    with httpx.Client(base_url=cloud_url, timeout=5, trust_env=False) as client:
        known = {voucher["code"] for voucher in client.get("/sandbox/state").json()["vouchers"]}
        for voucher in VOUCHERS:
            if voucher.code not in known:
                fields = {**voucher._asdict(), "currency": settings.SHOP_CURRENCY}
                del fields["about"]
                client.post("/sandbox/vouchers", json=fields).raise_for_status()


def _interrupt(*_: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt
