"""The oracle of sales: one voucher for each, as the shop wants it, and its code handed over. Shares no code."""

from collections.abc import Iterator
from typing import Any

from tests.proofs.crash.handed_over import lines_of_codes, mails
from tests.proofs.crash.scenario import Scenario
from tests.proofs.crash.shop import BATCH, NUMBER
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.sandbox import LocalVoucherCloud
from voucher_payment_gateway.sealing import unseal

__all__ = ["sale_problems", "sale_problems_once_settled"]

DELIVERED_NOT_NOTED, REMINDED_NOT_NOTED = "K24", "K26"
"""The only crash points after which a code may be mailed twice, and a reminder."""
IS_THERE = {"active": ("active", False), "issued": ("inactive", False), "taken_back": ("inactive", True)}
"""The status of a voucher at the Voucher Cloud, and whether it is deleted, by the status of its sale."""


def sale_problems_once_settled(scenario: Scenario, *, to_its_end: bool) -> Iterator[str]:
    """Return what is wrong with our rows once nothing is open."""
    sales = list(VoucherSale.objects.order_by("pk"))
    for sale in sales:
        as_wanted = sale.status == (scenario.sold if scenario.sold == "failed" else sale.target)
        if not as_wanted or sale.due_at or sale.deliver_due_at:
            yield f"sale {sale.pk} is {sale.status}, wanted is {sale.target}, due {sale.due_at}"
        if to_its_end and sale.delivery == "none" and sale.delivered_at is None:
            yield f"the code of sale {sale.pk} was to be in the file"
    statuses = [sale.status for sale in sales if sale.end_reason != "replaced"]
    if to_its_end and scenario.sold and statuses != [scenario.sold] * scenario.vouchers:
        yield f"the sales are {statuses}, {scenario.sold} was to be"
    added = [f"{sale.amount_topped_up:.2f}" for sale in sales]
    if to_its_end and added != [scenario.topped_up] * len(sales):
        yield f"{added} was added to the vouchers, {scenario.topped_up} was to be"


def sale_problems(cloud: LocalVoucherCloud, scenario: Scenario, crashed_at: str) -> Iterator[str]:
    """Return what is wrong at the Voucher Cloud and with what was handed over, a month later."""
    sales = {sale.voucher_id: sale for sale in VoucherSale.objects.all()}
    vouchers = cloud.store.state.vouchers.values()
    created = {each.id: each for each in vouchers if each.order_number in (NUMBER, BATCH)}
    for voucher_id in created.keys() - sales.keys():
        yield f"the voucher {voucher_id} was created for no sale"
    for voucher_id, sale in sales.items():
        voucher = created.get(voucher_id)
        if voucher is not None:
            yield from _of_sale(sale, voucher)
            yield from _of_code(sale, voucher.code, crashed_at)
        elif sale.status not in ("taken_back", "failed"):
            yield f"sale {sale.pk} is {sale.status}, and its voucher does not exist"
    codes = [voucher.code for voucher in created.values()]
    reminders = sum(not any(code in mail for code in codes) for mail in mails())
    at_most = scenario.reminded + (crashed_at == REMINDED_NOT_NOTED)
    if not scenario.reminded <= reminders <= at_most:
        yield f"{reminders} reminders were sent, {scenario.reminded} was to be"


def _of_sale(sale: VoucherSale, voucher: Any) -> Iterator[str]:
    if (voucher.status, voucher.deleted) != IS_THERE.get(sale.status):
        yield f"sale {sale.pk} is {sale.status}, its voucher {voucher.status}, deleted {voucher.deleted}"
    if (voucher.amount_cents, voucher.currency) != (round(sale.amount * 100), sale.currency):
        yield f"sale {sale.pk} of {sale.amount} has a voucher of {voucher.amount_cents} cents"
    worth = round((sale.amount + sale.amount_topped_up) * 100)
    if sale.status == "active" and voucher.balance_cents != worth:
        yield f"sale {sale.pk} is worth {worth} cents, its voucher {voucher.balance_cents}"


def _of_code(sale: VoucherSale, code: str, crashed_at: str) -> Iterator[str]:
    """The code is handed over once, in one way; it is stored until then, and no longer."""
    is_kept = sale.delivery in ("page", "none") and sale.delivered_at is None
    if sale.sealed_code and (sale.status == "taken_back" or (sale.status == "active" and not is_kept)):
        yield f"the code of sale {sale.pk} ({sale.status}) is still stored"
    if sale.status == "active" and is_kept and not _is_stored(sale, code):
        yield f"the code of sale {sale.pk} is neither stored nor handed over"
    mailed = sum(code in mail for mail in mails())
    at_least = int(sale.status == "active" and sale.delivery == "mail")
    at_most = 0 if sale.delivery != "mail" else 2 if crashed_at == DELIVERED_NOT_NOTED else 1
    if not at_least <= mailed <= at_most:
        yield f"the code of sale {sale.pk} ({sale.status}) was mailed {mailed} times"
    in_file = sum(line["code"] == code for line in lines_of_codes())
    if sale.delivery == "none" and not int(sale.delivered_at is not None) <= in_file <= 1:
        yield f"the code of sale {sale.pk} stands {in_file} times in the file"


def _is_stored(sale: VoucherSale, code: str) -> bool:
    secret = unseal(sale.sealed_code)
    return secret is not None and secret.code.reveal() == code
