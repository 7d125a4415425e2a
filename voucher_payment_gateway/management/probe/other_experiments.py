"""Experiments whose result is no setting, but worth knowing for an operator."""

from voucher_payment_gateway.management.probe.findings import Experiment, Value
from voucher_payment_gateway.management.probe.session import Refusal, Session

__all__ = ["OTHER_EXPERIMENTS"]

Observation = tuple[Value | None, str]


def hold_replaces_hold(session: Session) -> Observation:
    """Reserve the whole balance twice."""
    voucher = session.new_voucher()
    session.reserve(voucher, "1.00")
    second = session.attempt(lambda: session.reserve(voucher, "1.00"))
    if isinstance(second, Refusal):
        return "no", f"a second reservation of the whole balance was refused ({second}): the first one counts"
    return "yes", "a second reservation of the whole balance was accepted"


def order_number_twice(session: Session) -> Observation:
    """Charge two reservations of one voucher under one order number."""
    voucher, number = session.new_voucher(), session.new_order_number()
    session.reserve_and_charge(voucher, "0.10", number)
    second = session.reserve(voucher, "0.10")
    answer = session.attempt(lambda: session.charge(voucher, second.id, number))
    if isinstance(answer, Refusal):
        return "refused", f"a second charge with the same order number was refused ({answer})"
    return "booked", "a second charge of another reservation was booked under the same order number"


def equal_refunds(session: Session) -> Observation:
    """Send the same refund twice."""
    voucher = session.new_voucher()
    charge = session.reserve_and_charge(voucher, "0.30")
    first = session.refund(voucher, charge.id, "0.05")
    second = session.attempt(lambda: session.refund(voucher, charge.id, "0.05"))
    if isinstance(second, Refusal):
        return "refused", f"the second of two equal refunds was refused ({second})"
    if second.id == first.id:
        return "same", "the second of two equal refunds answered the first"
    return "booked", "two equal refunds are two bookings"


def same_id_twice(session: Session) -> Observation:
    """Create two vouchers with the same id, sent under both field names."""
    own = f"probe-{session.new_order_number()}"

    def create() -> str:
        with session.recorder.adding(id=own, custom_id=own):
            return session.create_voucher().id

    first = create()
    second = session.attempt(create)
    if isinstance(second, Refusal):
        return "refused", f"a second voucher with the same id was refused ({second})"
    return (
        "accepted",
        f"a second voucher was created; the ids are {'the same' if first == second else 'different'}",
    )


def long_order_number(session: Session) -> Observation:
    """Charge under an order number of 96 characters, the longest that the gateway sends."""
    voucher, number = session.new_voucher(), session.new_order_number().ljust(96, "x")
    reservation = session.reserve(voucher)
    answer = session.attempt(lambda: session.charge(voucher, reservation.id, number))
    if isinstance(answer, Refusal):
        return "refused", f"an order number of 96 characters was refused ({answer})"
    return "accepted", "an order number of 96 characters was accepted"


OTHER_EXPERIMENTS: dict[str, Experiment] = {
    "a new hold replaces the old one": hold_replaces_hold,
    "one order number twice": order_number_twice,
    "two equal refunds": equal_refunds,
    "one voucher id twice": same_id_twice,
    "a long order number": long_order_number,
}
