"""Keep ``Payment`` rows in step with the gateway: after each of its facts, and after each save by the host.

The host saves whole rows that it read before the money moved. So a save is looked at too, or two refunds at the same
moment would leave the older figure.
"""

from typing import Any

from django.db import transaction
from django.db.models.signals import post_save
from payments import get_payment_model

from voucher_payment_gateway import signals
from voucher_payment_gateway.hosts.django_payments import rows

__all__ = ["connect"]

FACTS = (
    signals.payment_authorized,
    signals.payment_captured,
    signals.payment_refunded,
    signals.payment_cancelled,
    signals.payment_lapsed,
    signals.payment_failed,
)
UID = "voucher_payment_gateway.hosts.django_payments"


def connect() -> None:
    """Connect to the signals of the gateway and to saved rows of ``PAYMENT_MODEL``."""
    for signal in FACTS:
        signal.connect(_follow_fact, dispatch_uid=UID)
    post_save.connect(_follow_save, sender=get_payment_model(), dispatch_uid=UID)


def _follow_fact(order_number: str, **_: Any) -> None:
    row = rows.find(order_number)
    if row is not None:
        rows.bring_into_step(row)


def _follow_save(instance: Any, created: bool, raw: bool, using: str, **_: Any) -> None:
    if not created and not raw:
        model, pk = type(instance), instance.pk
        transaction.on_commit(lambda: _follow_stored(model, pk, using), using=using, robust=True)


def _follow_stored(model: Any, pk: Any, using: str) -> None:
    """The instance that was saved is the host's, which goes on working with it: a row of our own is compared."""
    row = model._base_manager.using(using).filter(pk=pk).first()
    if row is not None:
        rows.bring_into_step(row)
