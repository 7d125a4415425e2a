"""The oracle of sales: one voucher for each, as the shop wants it, and its code handed over. Shares no code."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings

from tests.proofs.crash.scenario import Scenario
from tests.proofs.crash.shop import NUMBER
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.sandbox import LocalVoucherCloud

__all__ = ["empty_mailbox", "sale_problems", "sale_problems_once_settled"]

DELIVERED_NOT_NOTED = "K24"
"""The only crash point after which a code may be mailed twice."""
BETWEEN_MAILS = "-" * 79
IS_THERE = {"active": ("active", False), "issued": ("inactive", False), "taken_back": ("inactive", True)}
"""The status of a voucher at the Voucher Cloud, and whether it is deleted, by the status of its sale."""


def sale_problems_once_settled(scenario: Scenario, *, to_its_end: bool) -> Iterator[str]:
    """Return what is wrong with our rows once nothing is open."""
    sales = list(VoucherSale.objects.all())
    for sale in sales:
        if sale.status != sale.target or sale.due_at or sale.deliver_due_at:
            yield f"sale {sale.pk} is {sale.status}, wanted is {sale.target}, due {sale.due_at}"
    statuses = [sale.status for sale in sales]
    if to_its_end and scenario.sold and statuses != [scenario.sold]:
        yield f"the sales are {statuses}, {scenario.sold} was to be"
    added = [f"{sale.amount_topped_up:.2f}" for sale in sales]
    if to_its_end and added != [scenario.topped_up] * len(sales):
        yield f"{added} was added to the vouchers, {scenario.topped_up} was to be"


def sale_problems(cloud: LocalVoucherCloud, crashed_at: str) -> Iterator[str]:
    """Return what is wrong at the Voucher Cloud and in the mailbox a month later."""
    sales = {sale.voucher_id: sale for sale in VoucherSale.objects.all()}
    created = {each.id: each for each in cloud.store.state.vouchers.values() if each.order_number == NUMBER}
    for voucher_id in created.keys() - sales.keys():
        yield f"the voucher {voucher_id} was created for no sale"
    for voucher_id, sale in sales.items():
        voucher = created.get(voucher_id)
        if voucher is not None:
            yield from _of_sale(sale, voucher, crashed_at)
        elif sale.status != "taken_back":
            yield f"sale {sale.pk} is {sale.status}, and its voucher does not exist"


def _of_sale(sale: VoucherSale, voucher: Any, crashed_at: str) -> Iterator[str]:
    if (voucher.status, voucher.deleted) != IS_THERE[sale.status]:
        yield f"sale {sale.pk} is {sale.status}, its voucher {voucher.status}, deleted {voucher.deleted}"
    if (voucher.amount_cents, voucher.currency) != (round(sale.amount * 100), sale.currency):
        yield f"sale {sale.pk} of {sale.amount} has a voucher of {voucher.amount_cents} cents"
    worth = round((sale.amount + sale.amount_topped_up) * 100)
    if sale.status == "active" and voucher.balance_cents != worth:
        yield f"sale {sale.pk} is worth {worth} cents, its voucher {voucher.balance_cents}"
    if sale.status in ("active", "taken_back") and sale.sealed_code:
        yield f"the code of sale {sale.pk} ({sale.status}) is still stored"
    mails = sum(voucher.code in mail for mail in _mails())
    at_least, at_most = int(sale.status == "active"), 2 if crashed_at == DELIVERED_NOT_NOTED else 1
    if not at_least <= mails <= at_most:
        yield f"the code of sale {sale.pk} ({sale.status}) was mailed {mails} times"


def _mailbox() -> Iterator[Path]:
    return Path(settings.EMAIL_FILE_PATH).iterdir()


def _mails() -> list[str]:
    return [mail for file in _mailbox() for mail in file.read_text().split(BETWEEN_MAILS)]


def empty_mailbox() -> None:
    for file in _mailbox():
        file.unlink()
