"""Decide what became of an operation in ``manual``: the fitting bookings are read, one is chosen or none.

No money moves. A double click, or two clerks at the same moment, decide once: the second finds nothing to decide.
"""

from typing import Any, ClassVar

from django.core.exceptions import ImproperlyConfigured
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway import gateway
from voucher_payment_gateway.admin.actions.action import (
    Action,
    ActionForm,
    ChoiceForm,
    Choices,
    Preview,
    Told,
)
from voucher_payment_gateway.admin.addresses import APP, admin_address, order_address, statement_address
from voucher_payment_gateway.admin.statement import Entry, problem_text, read_statement
from voucher_payment_gateway.admin.story import operation_line
from voucher_payment_gateway.checkout.wording import amount_text
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.rules.states import MONEY_KINDS, NOT_ENDED

__all__ = ["DECIDE", "Decide"]

NOT_BOOKED = "-"


class DecisionForm(ChoiceForm):
    """How it ended, and why."""

    question: ClassVar[Any] = _("How did it end?")


class Decide(Action):
    """Decides an operation of a payment or of a sale."""

    slug = "decide"
    permission = "change_voucheroperation"
    title: ClassVar[Any] = _("Decide how an operation ended")
    button: ClassVar[Any] = _("Record the decision")
    routes: ClassVar[dict[str, str]] = {"conclude": "operation/<int:pk>/"}
    form: ClassVar[type[ActionForm]] = DecisionForm
    nothing_left: ClassVar[Any] = _("There is nothing to decide (any more).")

    def may_see(self, user: Any, subject: VoucherOperation) -> bool:
        return bool(user.has_perm(f"{APP}.view_{subject.subject._meta.model_name}"))

    def find(self, request: Any, pk: int | None) -> VoucherOperation | None:
        operations = VoucherOperation.current.select_related("payment", "sale", "idempotency_key")
        found: VoucherOperation | None = operations.filter(pk=pk).first()
        return found

    def is_possible(self, subject: VoucherOperation) -> bool:
        return subject.state == "manual"

    def heading(self, subject: VoucherOperation) -> Any:
        return _("Decide operation %(number)s") % {"number": subject.pk}

    def back(self, site: Any, subject: VoucherOperation) -> str:
        if subject.sale is not None and (address := admin_address(site, subject.sale)):
            return address
        return f"{order_address(site, subject.order_number)}#operation-{subject.pk}"

    def links(self, site: Any, subject: VoucherOperation) -> list[tuple[Any, str]]:
        statement = statement_address(site, subject.voucher_id, subject.account)
        return [(_("Statement of this gift voucher"), statement)] if statement else []

    def preview(self, subject: VoucherOperation) -> Choices:
        sentence = _(
            "Your decision moves no money. What was not booked can be asked for again; what was booked counts from "
            "then on."
        )
        payment = subject.payment if subject.payment_id else None
        if payment is not None and payment.cancel_requested_at and payment.status in NOT_ENDED:
            sentence = _(
                "Your decision itself moves no money. But the gift voucher is being taken off the order: once this is "
                "decided, what is charged to it is refunded by itself."
            )
        decisions, problem = _decisions(subject)
        return Choices(sentence, lines=[operation_line(subject)], decisions=decisions, problem=problem)

    def confirm(
        self, subject: VoucherOperation, preview: Preview, given: dict[str, Any], user: Any
    ) -> list[Told]:
        remote_id = "" if given["decision"] == NOT_BOOKED else given["decision"]
        gateway.conclude(subject, remote_id=remote_id, actor=user.get_username(), reason=given["reason"])
        return [Told.success(_("The decision is recorded."))]


DECIDE = Decide()


def _decisions(operation: VoucherOperation) -> tuple[list[tuple[str, Any]], str]:
    """Return the bookings that the operation may have made: of its kind and amount, and of no other operation; and a
    sentence where they cannot be read just now."""
    if operation.kind not in MONEY_KINDS:
        decisions = [(operation.voucher_id, _("The Voucher Cloud shows it: it was done."))]
        return [*decisions, (NOT_BOOKED, _("It was not done, and will not be."))], ""
    try:
        statement = read_statement(operation.voucher_id, operation.account)
    except (VoucherGatewayError, ImproperlyConfigured) as error:
        return [], problem_text(error)
    if statement.problem:
        return [], statement.problem
    fitting = [entry for entry in statement.entries if _fits(entry, operation)]
    booked = [(entry.theirs.id, _text(entry, operation.currency)) for entry in fitting if entry.theirs]
    return [*booked, (NOT_BOOKED, _("None of them: nothing was booked, and nothing will be."))], ""


def _fits(entry: Entry, operation: VoucherOperation) -> bool:
    """Whether it is a booking of the kind and amount, which no operation but this one has."""
    if entry.theirs is None or (entry.ours is not None and entry.ours.pk != operation.pk):
        return False
    return (entry.theirs.type, entry.theirs.amount) == (operation.kind, operation.amount)


def _text(entry: Entry, currency: str) -> str:
    """Return what a clerk chooses between: kind, amount, when, the order number there and the id."""
    booking: Any = entry.theirs
    at = date_format(localtime(booking.created_at), "SHORT_DATETIME_FORMAT") if booking.created_at else "–"
    words = {
        "kind": dict(VoucherOperation.Kind.choices)[booking.type],
        "amount": amount_text(booking.amount, currency),
        "at": at,
        "number": booking.order_number or "–",
        "id": booking.id,
    }
    return (
        _("It is this booking: %(kind)s of %(amount)s, %(at)s, order number %(number)s, id %(id)s.") % words
    )
