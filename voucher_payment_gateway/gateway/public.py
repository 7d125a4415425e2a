"""What ``gateway`` offers: every verb with its async form, and what they return. ``gateway`` imports this module when
one of them is used for the first time."""

from voucher_payment_gateway.gateway.reconciliation.differences import explain
from voucher_payment_gateway.gateway.reconciliation.reconcile import reconcile
from voucher_payment_gateway.gateway.recovery.conclude import conclude
from voucher_payment_gateway.gateway.recovery.settle import SettleReport, settle
from voucher_payment_gateway.gateway.verbs.asynchronous import code_to_async, verb_to_async
from voucher_payment_gateway.gateway.verbs.authorize import authorize
from voucher_payment_gateway.gateway.verbs.authorize_selected import authorize_selected
from voucher_payment_gateway.gateway.verbs.cancel import cancel
from voucher_payment_gateway.gateway.verbs.capture import capture
from voucher_payment_gateway.gateway.verbs.cover import Cover, cover
from voucher_payment_gateway.gateway.verbs.credit import credit
from voucher_payment_gateway.gateway.verbs.erase_people import erase_people
from voucher_payment_gateway.gateway.verbs.refund import refund
from voucher_payment_gateway.gateway.verbs.resend import resend
from voucher_payment_gateway.gateway.verbs.select import select
from voucher_payment_gateway.gateway.verbs.sell import activate, issue
from voucher_payment_gateway.gateway.verbs.take_back import take_back
from voucher_payment_gateway.gateway.verbs.top_up import top_up

__all__ = [
    "Cover",
    "SettleReport",
    "aactivate",
    "aauthorize",
    "aauthorize_selected",
    "acancel",
    "acapture",
    "aconclude",
    "acover",
    "acredit",
    "activate",
    "aerase_people",
    "aexplain",
    "aissue",
    "areconcile",
    "arefund",
    "aresend",
    "aselect",
    "asettle",
    "atake_back",
    "atop_up",
    "authorize",
    "authorize_selected",
    "cancel",
    "capture",
    "conclude",
    "cover",
    "credit",
    "erase_people",
    "explain",
    "issue",
    "reconcile",
    "refund",
    "resend",
    "select",
    "settle",
    "take_back",
    "top_up",
]

aactivate = verb_to_async(activate)
aauthorize = code_to_async(authorize)
aauthorize_selected = verb_to_async(authorize_selected)
acancel = verb_to_async(cancel)
acapture = verb_to_async(capture)
aconclude = verb_to_async(conclude)
acover = verb_to_async(cover)
acredit = verb_to_async(credit)
aerase_people = verb_to_async(erase_people)
aexplain = verb_to_async(explain)
aissue = verb_to_async(issue)
areconcile = verb_to_async(reconcile)
arefund = verb_to_async(refund)
aresend = verb_to_async(resend)
aselect = code_to_async(select)
asettle = verb_to_async(settle)
atake_back = verb_to_async(take_back)
atop_up = code_to_async(top_up)
