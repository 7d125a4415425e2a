"""``manage.py voucher_review``: list the operations that need a person, and record the decision."""

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from voucher_payment_gateway import gateway
from voucher_payment_gateway.books.days import local
from voucher_payment_gateway.currencies import with_code
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.models import VoucherOperation


class Command(BaseCommand):
    """Lists the operations in ``manual``, or concludes one of them."""

    help = "List the gift voucher operations that need a person, or record the outcome of one of them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("operation", type=int, nargs="?", help="the id of the operation to decide")
        decision = parser.add_mutually_exclusive_group()
        decision.add_argument(
            "--booked",
            metavar="ID",
            help="it is the booking with this id at the Voucher Cloud; of what books nothing, the voucher's id",
        )
        decision.add_argument(
            "--not-booked", action="store_true", help="nothing was booked and nothing will be"
        )
        parser.add_argument("--reason", default="", help="the reason, stored with the operation")
        parser.add_argument(
            "--actor", default="", help="the person who decides; by default the user who runs the command"
        )

    def handle(
        self,
        *,
        operation: int | None,
        booked: str | None,
        not_booked: bool,
        reason: str,
        actor: str,
        **_: Any,
    ) -> None:
        if operation is None:
            if booked or not_booked:
                raise CommandError("name the operation that is decided: its id stands in the list")
            self._list()
        elif not booked and not not_booked:
            raise CommandError("say how it ended: --booked ID or --not-booked")
        else:
            self._conclude(operation, booked or "", reason, actor or getpass.getuser())

    def _list(self) -> None:
        waiting = (
            VoucherOperation.current.filter(state="manual").select_related("payment", "sale").order_by("pk")
        )
        for row in waiting:
            merchant = f" of account {row.account}" if row.account else ""
            sale = f" of sale {row.sale_id}" if row.sale_id else ""
            since = f"{local(row.settled_at):%Y-%m-%d %H:%M}"
            number = f"number sent {row.reference}, " if row.reference or not row.sale_id else ""
            self.stdout.write(
                f"{row.pk}: order {row.order_number}, {row.kind} of {with_code(row.amount, row.currency)} on voucher "
                f"{row.voucher_id}{sale}{merchant}, {number}{row.error_code}, since {since}"
            )
        self.stdout.write(f"{len(waiting)} gift voucher operations need a person")

    def _conclude(self, pk: int, remote_id: str, reason: str, actor: str) -> None:
        found = VoucherOperation.current.filter(pk=pk).first()
        if found is None:
            raise CommandError(f"there is no operation {pk}")
        try:
            done = gateway.conclude(found, remote_id=remote_id, actor=actor, reason=reason)
        except VoucherGatewayError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"operation {pk} is {done.state} now")
