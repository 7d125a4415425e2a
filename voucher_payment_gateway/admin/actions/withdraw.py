"""Withdraw a request for a refund: by the person who made it alone, as long as it waits. Nothing moves."""

from typing import Any, ClassVar

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway.admin.actions.action import Action, Preview, Told
from voucher_payment_gateway.admin.addresses import order_address
from voucher_payment_gateway.checkout.wording import amount_text
from voucher_payment_gateway.gateway.records.conflicts import ConflictError
from voucher_payment_gateway.models import VoucherApproval

__all__ = ["WITHDRAW", "Withdraw"]


class Withdraw(Action):
    """Ends a request of one's own. It is stored as a rejection by the person who asked."""

    slug = "withdraw"
    permission = "view_voucherpayment"
    title: ClassVar[Any] = _("Withdraw your request for a refund")
    button: ClassVar[Any] = _("Withdraw it")
    routes: ClassVar[dict[str, str]] = {"withdraw": "approval/<int:pk>/withdraw/"}

    def may_see(self, user: Any, subject: VoucherApproval) -> bool:
        return super().may_see(user, subject) and str(user.pk) == subject.requester_id

    def find(self, request: Any, pk: int | None) -> VoucherApproval | None:
        found: VoucherApproval | None = VoucherApproval.current.filter(pk=pk).first()
        return found

    def is_possible(self, subject: VoucherApproval) -> bool:
        return subject.is_waiting

    def heading(self, subject: VoucherApproval) -> Any:
        return _("Withdraw your request to refund %(amount)s") % {
            "amount": amount_text(subject.amount, subject.currency)
        }

    def back(self, site: Any, subject: VoucherApproval) -> str:
        return order_address(site, subject.order_number)

    def preview(self, subject: VoucherApproval) -> Preview:
        asked_at = date_format(localtime(subject.requested_at), "SHORT_DATETIME_FORMAT")
        return Preview(
            _("Nothing is refunded by your request then. The refund can be asked for again."),
            facts=[
                (_("order number"), subject.order_number),
                (_("reason"), subject.reason),
                (_("asked at"), asked_at),
            ],
        )

    def confirm(
        self, subject: VoucherApproval, preview: Preview, given: dict[str, Any], user: Any
    ) -> list[Told]:
        waiting = VoucherApproval.current.waiting().filter(pk=subject.pk)
        withdrawn = {"outcome": "rejected", "decided_by": subject.requested_by, "decided_at": timezone.now()}
        if waiting.update(**withdrawn, conclusion=given["reason"]) != 1:
            raise ConflictError
        return [Told.success(_("Your request is withdrawn; nothing is refunded."))]


WITHDRAW = Withdraw()
