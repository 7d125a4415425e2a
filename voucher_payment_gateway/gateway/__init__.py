"""The verbs of the package, and the only code that moves money.

The gateway speaks the shop's words, ``api`` the remote API's:

    =================== ========================== ======================================
    the shop            kind of operation          the Voucher Cloud
    =================== ========================== ======================================
    authorize           reserve                    ``POST /reservations``
    capture             charge                     ``POST /reservations/{id}/charge``
    refund (a return)   refund                     ``POST /charges/{id}/refund``
    cancel (an abort)   cancel, or refund          ``DELETE /reservations/{id}``, or a refund
    =================== ========================== ======================================

Each verb has an async form with the prefix ``a``. A call without an amount, or with an idempotency key, is safe to
repeat.
"""

from asgiref.sync import sync_to_async

from voucher_payment_gateway.gateway.reconciliation.differences import explain
from voucher_payment_gateway.gateway.reconciliation.reconcile import reconcile
from voucher_payment_gateway.gateway.recovery.conclude import conclude
from voucher_payment_gateway.gateway.recovery.settle import SettleReport, settle
from voucher_payment_gateway.gateway.verbs.asynchronous import code_to_async
from voucher_payment_gateway.gateway.verbs.authorize import authorize
from voucher_payment_gateway.gateway.verbs.authorize_selected import authorize_selected
from voucher_payment_gateway.gateway.verbs.cancel import cancel
from voucher_payment_gateway.gateway.verbs.capture import capture
from voucher_payment_gateway.gateway.verbs.cover import Cover, cover
from voucher_payment_gateway.gateway.verbs.refund import refund
from voucher_payment_gateway.gateway.verbs.select import select

__all__ = [
    "Cover",
    "SettleReport",
    "aauthorize",
    "aauthorize_selected",
    "acancel",
    "acapture",
    "aconclude",
    "acover",
    "aexplain",
    "areconcile",
    "arefund",
    "aselect",
    "asettle",
    "authorize",
    "authorize_selected",
    "cancel",
    "capture",
    "conclude",
    "cover",
    "explain",
    "reconcile",
    "refund",
    "select",
    "settle",
]

aauthorize = code_to_async(authorize)
aauthorize_selected = sync_to_async(authorize_selected)
acancel = sync_to_async(cancel)
acapture = sync_to_async(capture)
aconclude = sync_to_async(conclude)
acover = sync_to_async(cover)
aexplain = sync_to_async(explain)
areconcile = sync_to_async(reconcile)
arefund = sync_to_async(refund)
aselect = code_to_async(select)
asettle = sync_to_async(settle)
