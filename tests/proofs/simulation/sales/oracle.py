"""The oracle of sales: at the end of a day it counts vouchers and cents in the remote's books, in integers.

It shares no code with the package or with the client. Each voucher and each booking of ours names in the books the
operation that made it; the client never sees that.
"""

from collections import Counter, defaultdict
from copy import copy
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from tests.proofs.simulation.oracle import Judgement, judge

__all__ = ["SaleJudgement", "judge_sales"]

ALLOWED = {
    "ordered": ("none",),
    "issued": ("inactive",),
    "active": ("active",),
    "taken_back": ("none", "deleted", "inactive"),
    "failed": ("none",),
}
"""What the voucher of a sale may be at the end."""
LIST_SECONDS = 120
"""Maximum delay until the lists show a booking, and a read of them is answered."""


@dataclass
class SaleJudgement(Judgement):
    """``wrong_vouchers`` counts vouchers that are missing, surplus, valid unpaid, or kept without a reason."""

    wrong_vouchers: int = 0


@dataclass
class Books:
    """All that is compared."""

    vouchers: dict[str, Any]
    sales: list[Any]
    orders: list[Any]
    steps: dict[int, list[Any]]
    rows: dict[int, list[Any]]
    wished: dict[int, int]
    """The cents by which the voucher of each sale was to be topped up."""


def judge_sales(
    vouchers: dict[str, Any],
    payments: Any,
    operations: list[Any],
    sales: list[Any],
    orders: list[Any],
    wished: dict[int, int],
) -> SaleJudgement:
    """Compare the books with the shop's rows, and with what it wanted of each order."""
    given = [_as_refund(vouchers[sale.voucher_id], sale) for sale in sales if _was_given(sale, vouchers)]
    ended = [_as_told(operation, vouchers) for operation in operations]
    payments_judged = judge([*vouchers.values(), *given], payments, ended)
    judgement = SaleJudgement(**vars(payments_judged))
    steps: dict[int, list[Any]] = defaultdict(list)
    for operation in operations:
        steps[operation.sale_pk].append(operation)
    rows: dict[int, list[Any]] = defaultdict(list)
    for voucher in vouchers.values():
        for row in voucher.rows:
            rows[row.by].append(row)
    books = Books(vouchers, sales, orders, steps, rows, wished)
    for sale in sales:
        _judge_sale(judgement, sale, books)
        _judge_top_ups(judgement, sale, books)
    for order in orders:
        _judge_order(judgement, order, books)
        _judge_credits(judgement, order, books)
    _judge_unknown_vouchers(judgement, books)
    for payment in payments:
        _judge_given_back(judgement, payment, operations, books)
    return judgement


def _vouchers_of(sales: list[Any], books: Books) -> list[Any]:
    return [books.vouchers[sale.voucher_id] for sale in sales if sale.voucher_id in books.vouchers]


def _judge_given_back(judgement: SaleJudgement, payment: Any, operations: list[Any], books: Books) -> None:
    """What went back of a payment in whatever way is not more than it was charged: what a clerk refunded by hand counts
    where we gave back more after the lists showed it. What was on a deleted voucher is gone with it."""
    ours = [operation for operation in operations if operation.payment_pk == payment.pk]
    charges = [row for op in ours if op.kind == "charge" for row in books.rows[op.pk]]
    ids = {row.id for row in charges}
    booked = [op for op in ours if op.kind in ("refund", "recharge") and books.rows[op.pk]]
    refunds = {op.pk for op in ours if op.kind == "refund"}
    given = [sale for sale in books.sales if sale.replaces in refunds and _was_given(sale, books.vouchers)]
    issued = [op for sale in given for op in books.steps[sale.pk] if op.kind == "issue"]
    last = max((op.began for op in (*booked, *issued)), default=0.0)
    voucher = books.vouchers[payment.voucher_id]
    by_hand = [
        row.cents
        for row in voucher.rows
        if voucher.status != "deleted"
        and row.by is None
        and row.charge_id in ids
        and row.booked_at < last - LIST_SECONDS
    ]
    back = sum(row.cents for op in booked for row in books.rows[op.pk]) + sum(by_hand)
    surplus = back + sum(sale_voucher.worth for sale_voucher in _vouchers_of(given, books))
    surplus -= sum(row.cents for row in charges)
    if surplus > 0 and not any(op.reviewed or op.state == "manual" for op in ours):
        judgement.wrong_cents += surplus
        judgement.problems.append(f"payment {payment.pk}: {surplus} cents more went back than were charged")


def _was_given(sale: Any, vouchers: dict[str, Any]) -> bool:
    voucher = vouchers.get(sale.voucher_id)
    return bool(sale.replaces and voucher is not None and voucher.activated_at)


def _as_told(operation: Any, vouchers: dict[str, Any]) -> Any:
    """Return an operation as the oracle of payments knows it: one that stays unknown, because its voucher was deleted,
    is left to a person; a recharge in place of a refund gives back as one does."""
    told = copy(operation)
    voucher = vouchers.get(operation.voucher_id)
    is_unreadable = voucher is not None and voucher.status == "deleted"
    if operation.state == "unknown" and operation.reviewed and is_unreadable:
        told.state = "manual"
    if operation.kind == "recharge" and told.state == "manual":
        told.kind = "refund"
    return told


def _as_refund(voucher: Any, sale: Any) -> Any:
    """Return the books of a voucher in place of a refund as if that refund had been booked."""
    row = SimpleNamespace(
        id=voucher.id, type="refund", cents=voucher.worth, by=sale.replaces, booked_at=voucher.activated_at[0]
    )
    return SimpleNamespace(id=voucher.id, balance=0, rows=[row])


def _judge_sale(judgement: SaleJudgement, sale: Any, books: Books) -> None:
    voucher, steps = books.vouchers.get(sale.voucher_id), books.steps[sale.pk]
    is_manual = any(step.state == "manual" for step in steps)
    if any(step.state == "manual" and step.kind in ("issue", "activate") for step in steps):
        _wrong(judgement, f"{_name(sale)}: a person is asked, though it is safe to repeat it")
    status = voucher.status if voucher else "none"
    spent = _spent(voucher)
    if status not in ALLOWED[sale.status] and not is_manual:
        _wrong(judgement, f"{_name(sale)}: its voucher is {status}")
    if sale.status == "taken_back" and spent:
        judgement.wrong_cents += spent
        judgement.problems.append(f"{_name(sale)}: {spent} cents of it were spent")
    if sale.status == "taken_back" and status == "inactive" and not voucher.rows:
        _wrong(judgement, f"{_name(sale)}: its voucher was not deleted")
    if sale.status in ("issued", "active") and voucher and sale.code != voucher.code:
        _wrong(judgement, f"{_name(sale)}: its code is lost")
    fell_back = sale.status == "failed" and bool(sale.replaces)
    is_told = is_manual or fell_back or any(step.reviewed for step in steps)
    if sale.status != sale.target and not is_told:
        judgement.stuck += 1
        judgement.problems.append(f"{_name(sale)} does not become {sale.target}")
    if sum(step.kind == "deactivate" and step.state == "succeeded" for step in steps) > 1:
        _wrong(judgement, f"{_name(sale)} was taken back twice")


def _judge_top_ups(judgement: SaleJudgement, sale: Any, books: Books) -> None:
    """Compare the recharges that our operations booked with the rows, and with what was wanted."""
    steps = [step for step in books.steps[sale.pk] if step.kind == "recharge"]
    booked = sum(row.cents for step in steps for row in books.rows[step.pk])
    differences = {booked - _cents(sale.topped_up)}
    for step in steps:
        if step.state == "manual":
            differences |= {difference - _cents(step.amount) for difference in differences}
    off = min(differences, key=abs)
    if off:
        judgement.wrong_cents += abs(off)
        judgement.problems.append(f"{_name(sale)} is topped up by {off} cents more than its row says")
    if booked > books.wished.get(sale.pk, 0):
        surplus = booked - books.wished.get(sale.pk, 0)
        judgement.wrong_cents += surplus
        judgement.problems.append(f"{_name(sale)} was topped up by {surplus} cents that were not asked for")


def _judge_order(judgement: SaleJudgement, order: Any, books: Books) -> None:
    """Count the vouchers of an order: those that it sells where it was paid, none where it was not."""
    sales = [s for s in books.sales if s.order_number == order.number and s.origin == "sold"]
    vouchers = _vouchers_of(sales, books)
    is_told = any(step.reviewed or step.state == "manual" for s in sales for step in books.steps[s.pk])
    for voucher in vouchers:
        if voucher.activated_at and (order.paid_at is None or voucher.activated_at[0] < order.paid_at):
            _wrong(judgement, f"order {order.number}: {voucher.id} became valid before it was paid")
    wanted = Counter(order.sold().values()) if order.paid_at is not None else Counter[int]()
    active = Counter(voucher.worth for voucher in vouchers if voucher.status == "active")
    if active - wanted:
        _wrong(judgement, f"order {order.number} has vouchers that it does not sell: {active - wanted}")
    if order.returned_at is None and wanted - active and not is_told:
        _wrong(judgement, f"order {order.number} is paid and lacks vouchers: {wanted - active}")
    if order.paid_at is None and not is_told:
        for voucher in vouchers:
            if voucher.status != "deleted":
                _wrong(judgement, f"order {order.number} was never paid: {voucher.id} is left")
    if order.returned_at is not None:
        _judge_return(judgement, order, sales, books)


def _judge_return(judgement: SaleJudgement, order: Any, sales: list[Any], books: Books) -> None:
    """A returned voucher is gone, or the shop was told why it is not; what it was told must be true."""
    for sale in sales:
        voucher = books.vouchers.get(sale.voucher_id)
        is_told = bool(sale.refusals) or any(step.reviewed for step in books.steps[sale.pk])
        if voucher is not None and voucher.status == "active" and not is_told:
            _wrong(judgement, f"{_name(sale)} of a returned order is valid, and no one was told")
        for asked_at, why in sale.refusals:
            if why == "voucher_spent" and not _was_spent(voucher, asked_at):
                _wrong(judgement, f"{_name(sale)} was not taken back as spent, and was not spent")


def _judge_credits(judgement: SaleJudgement, order: Any, books: Books) -> None:
    for key, cents in order.credits.items():
        sales = [s for s in books.sales if (s.order_number, s.key) == (order.number, f"credit:{key}")]
        worth = [voucher.worth for voucher in _vouchers_of(sales, books) if voucher.status == "active"]
        if len(sales) > 1 or sum(worth) > cents:
            _wrong(judgement, f"order {order.number}: the credit {key} was given {len(sales)} times")


def _judge_unknown_vouchers(judgement: SaleJudgement, books: Books) -> None:
    known = {sale.voucher_id: sale.pk for sale in books.sales}
    for voucher in books.vouchers.values():
        if voucher.by is not None and voucher.id not in known:
            _wrong(judgement, f"{voucher.id} was created, and no sale knows it")


def _was_spent(voucher: Any, instant: float) -> bool:
    """Return whether something was spent at an instant, or shortly before or after, as the lists may have shown it."""
    recent = [row for row in voucher.rows if abs(row.booked_at - instant) < LIST_SECONDS]
    return bool(recent) or _spent(voucher, instant) > 0


def _spent(voucher: Any, instant: float = float("inf")) -> int:
    """Return the cents that were charged and not refunded."""
    signs = {"charge": 1, "refund": -1}
    rows = voucher.rows if voucher else ()
    return sum(signs.get(row.type, 0) * row.cents for row in rows if row.booked_at <= instant)


def _wrong(judgement: SaleJudgement, problem: str) -> None:
    judgement.wrong_vouchers += 1
    judgement.problems.append(problem)


def _name(sale: Any) -> str:
    return f"sale {sale.pk} ({sale.status}) of order {sale.order_number}"


def _cents(amount: Any) -> int:
    euros, _, cents = f"{amount:.2f}".partition(".")
    return int(euros) * 100 + int(cents)
