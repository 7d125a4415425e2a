"""What happened in a day, counted from its rows."""

from collections import Counter

from tests.proofs.storm.fallback_oracle import chains
from tests.proofs.storm.purpose import purpose_of
from voucher_payment_gateway.models import VoucherDifference, VoucherOperation, VoucherSale

__all__ = ["counted"]


def counted() -> Counter[str]:
    """Count operations and sales by what became of them, the rungs that refunds took, and differences."""
    operations = VoucherOperation.objects.select_related("sale", "idempotency_key")
    recharges = operations.filter(kind="recharge")
    return Counter(
        [
            *(f"{kind} {state}" for kind, state in operations.values_list("kind", "state")),
            *(f"sale {origin} {status}" for origin, status in _sales()),
            *(f"{purpose_of(each)} {each.state}" for each in recharges if each.sale_id),
            *(f"rung {rung}" for chain in chains() for rung in chain.rungs),
            *(f"difference {kind}" for kind in VoucherDifference.objects.values_list("kind", flat=True)),
        ]
    )


def _sales() -> list[tuple[str, str]]:
    return list(VoucherSale.objects.values_list("origin", "status"))
