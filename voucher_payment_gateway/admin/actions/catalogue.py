"""All actions of a clerk, by the model admin that has their pages."""

from voucher_payment_gateway.admin.actions.action import Action
from voucher_payment_gateway.admin.actions.approve import APPROVE
from voucher_payment_gateway.admin.actions.cancel import Cancel
from voucher_payment_gateway.admin.actions.capture import Capture
from voucher_payment_gateway.admin.actions.decide import DECIDE
from voucher_payment_gateway.admin.actions.money import MoneyAction
from voucher_payment_gateway.admin.actions.refund import Refund
from voucher_payment_gateway.admin.actions.sold import Resend, SaleAction, TakeBack
from voucher_payment_gateway.admin.actions.withdraw import WITHDRAW

__all__ = ["ACTIONS", "MONEY", "OF_PAYMENTS", "OF_SALES"]

MONEY: tuple[MoneyAction, ...] = (Capture(), Refund(), Cancel())
OF_PAYMENTS: tuple[Action, ...] = (*MONEY, DECIDE, APPROVE, WITHDRAW)
OF_SALES: tuple[SaleAction, ...] = (Resend(), TakeBack())
ACTIONS: tuple[Action, ...] = (*OF_PAYMENTS, *OF_SALES)
