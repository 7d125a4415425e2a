"""Oscar's records in one line each."""

__all__ = ["sources", "steps"]


def sources(order, name="Gift voucher"):
    """Return what each payment source has allocated, debited and refunded."""
    return [
        (source.amount_allocated, source.amount_debited, source.amount_refunded)
        for source in order.sources.filter(source_type__name=name).order_by("pk")
    ]


def steps(order, name="Gift voucher"):
    """Return the transactions, oldest first."""
    return [
        (step.txn_type, step.amount)
        for source in order.sources.filter(source_type__name=name).order_by("pk")
        for step in source.transactions.order_by("pk")
    ]
