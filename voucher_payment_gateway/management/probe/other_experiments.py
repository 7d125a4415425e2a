"""Experiments about what no setting takes, and an operator should know all the same."""

from voucher_payment_gateway.management.probe.findings import Experiment, Value
from voucher_payment_gateway.management.probe.session import Bench, Refusal

__all__ = ["CURIOSITIES"]

Observation = tuple[Value | None, str]


def hold_replaces_hold(bench: Bench) -> Observation:
    """Hold the whole balance twice."""
    sample = bench.voucher()
    bench.reserve(sample, "1.00")
    second = bench.attempt(lambda: bench.reserve(sample, "1.00"))
    if isinstance(second, Refusal):
        return "no", f"a second reservation of the whole balance was refused ({second}): the first one counts"
    return "yes", "a second reservation of the whole balance was accepted"


def order_number_twice(bench: Bench) -> Observation:
    """Charge two reservations of one voucher under one order number."""
    sample, number = bench.voucher(), bench.number()
    bench.charged(sample, "0.10", number)
    second = bench.reserve(sample, "0.10")
    answer = bench.attempt(lambda: bench.charge(sample, second.id, number))
    if isinstance(answer, Refusal):
        return "refused", f"a second charge with the same order number was refused ({answer})"
    return "booked", "a second charge of another reservation was booked under the same order number"


def equal_refunds(bench: Bench) -> Observation:
    """Send the same refund twice."""
    sample = bench.voucher()
    charge = bench.charged(sample, "0.30")
    first = bench.refund(sample, charge.id, "0.05")
    second = bench.attempt(lambda: bench.refund(sample, charge.id, "0.05"))
    if isinstance(second, Refusal):
        return "refused", f"the second of two equal refunds was refused ({second})"
    if second.id == first.id:
        return "same", "the second of two equal refunds answered the first"
    return "booked", "two equal refunds are two bookings"


def same_id_twice(bench: Bench) -> Observation:
    """Create two vouchers under one id, sent in both spellings."""
    own = f"probe-{bench.number()}"

    def create() -> str:
        with bench.observer.adding(id=own, custom_id=own):
            return bench.create().id

    first = create()
    second = bench.attempt(create)
    if isinstance(second, Refusal):
        return "refused", f"a second voucher with the same id was refused ({second})"
    return (
        "accepted",
        f"a second voucher was created; the ids are {'the same' if first == second else 'different'}",
    )


def long_order_number(bench: Bench) -> Observation:
    """Charge under an order number of 96 characters, the longest that the gateway sends."""
    sample, number = bench.voucher(), bench.number().ljust(96, "x")
    reservation = bench.reserve(sample)
    answer = bench.attempt(lambda: bench.charge(sample, reservation.id, number))
    if isinstance(answer, Refusal):
        return "refused", f"an order number of 96 characters was refused ({answer})"
    return "accepted", "an order number of 96 characters was accepted"


CURIOSITIES: dict[str, Experiment] = {
    "a new hold replaces the old one": hold_replaces_hold,
    "one order number twice": order_number_twice,
    "two equal refunds": equal_refunds,
    "one voucher id twice": same_id_twice,
    "a long order number": long_order_number,
}
