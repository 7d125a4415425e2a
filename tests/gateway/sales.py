"""Orders that sell vouchers, as the tests judge them: at the Voucher Cloud, in our rows, and in the mail."""

from contextlib import suppress
from datetime import timedelta

from django.core import mail
from django.utils import timezone

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.models import VoucherOperation, VoucherSale

__all__ = [
    "attempt",
    "check",
    "mailed",
    "remote",
    "remote_of",
    "repeating",
    "settle_all",
    "status_by_key",
    "worth",
]

OPEN = ("due", "sending", "unknown")
LEASE_SECONDS = 120
MAX_SWEEPS = 60


def attempt(verb, *arguments):
    """Call a verb of the shop, which may meet a fault."""
    with suppress(VoucherGatewayError):
        return verb(*arguments)


def settle_all(shop):
    """Run the sweep whenever something is due, until nothing is open; then once more after late requests arrived."""
    for _ in range(MAX_SWEEPS):
        wait = _until_next()
        if wait is None:
            break
        shop.later(seconds=max(wait, 1))
        gateway.settle()
    shop.later(hours=3)
    gateway.settle()


def _until_next():
    """Return the seconds until the next step of an operation or a sale; None where nothing is left to do."""
    now, due = timezone.now(), []
    for operation in VoucherOperation.objects.filter(state__in=OPEN):
        due.append(
            now + timedelta(seconds=LEASE_SECONDS) if operation.state == "sending" else operation.due_at
        )
    for sale in VoucherSale.objects.all():
        is_at_work = sale.operations.filter(state__in=OPEN).exists()
        due += [sale.due_at] if sale.due_at and not is_at_work else []
        due += [sale.deliver_due_at] if sale.deliver_due_at and sale.target == "active" else []
    return min((at - now).total_seconds() for at in due) if due else None


def remote(shop, sale):
    """Return the voucher as the Voucher Cloud has it, deleted or not."""
    return shop.cloud.store.state.vouchers[sale.voucher_id]


def remote_of(shop, number):
    """Return the vouchers at the Voucher Cloud that were created for the order."""
    return [each for each in shop.cloud.store.state.vouchers.values() if each.order_number == number]


def worth(shop, number="A-1001"):
    """Return what the order's vouchers at the Voucher Cloud are worth in cents, the deleted ones left out."""
    return sum(each.amount_cents for each in remote_of(shop, number) if not each.deleted)


def mailed(code):
    """Return how often a code was mailed."""
    return sum(message.body.count(code) for message in mail.outbox)


def check(shop, sale, status):
    """The sale has one voucher, which is what its status says, and whose code was mailed once if it was ever due."""
    sale.refresh_from_db()
    assert (sale.status, sale.due_at) == (status, None)
    assert not sale.operations.filter(state__in=(*OPEN, "manual")).exists()
    (voucher,) = remote_of(shop, sale.order_number)
    assert voucher.id == sale.voucher_id
    assert voucher.amount_cents == sale.amount * 100
    is_there = {"issued": ("inactive", False), "active": ("active", False), "taken_back": ("inactive", True)}
    assert (voucher.status, voucher.deleted) == is_there[status]
    if status == "active":
        assert (mailed(voucher.code), bool(sale.delivered_at), sale.sealed_code) == (1, True, "")
    if status == "taken_back":
        assert not sale.sealed_code
    shop.cloud.ledger.check()


def status_by_key(order):
    """Return the status of each sale of the order that stands, by key."""
    return {sale.key: sale.status for sale in order.voucher_sales.standing()}


def repeating(shop, monkeypatch, method, path_end):
    """An intermediary sends each such request twice, and shows the answer to the repetition."""
    answer = shop.cloud.answer

    def answer_twice(request):
        first = answer(request)
        is_repeated = request.method == method and request.path.endswith(path_end)
        return answer(request) if is_repeated else first

    monkeypatch.setattr(shop.cloud, "answer", answer_twice)
