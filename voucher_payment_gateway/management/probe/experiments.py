"""One experiment for each key of ``API_BEHAVIOUR``; ``post_status`` is observed in all of them."""

from decimal import Decimal

from voucher_payment_gateway.exceptions import RefusedError
from voucher_payment_gateway.management.probe.findings import Experiment, Value
from voucher_payment_gateway.management.probe.session import Refusal, Session
from voucher_payment_gateway.management.probe.vouchers import ProbeVoucher

__all__ = ["EXPERIMENTS"]

Observation = tuple[Value | None, str]

HELD = Decimal("0.40")
WHOLE = Decimal("1.00")


def second_charge(session: Session) -> Observation:
    """Charge one reservation twice with the same order number; if that is refused, with another one."""
    voucher = session.new_voucher()
    reservation, number = session.reserve(voucher), session.new_order_number()
    first = session.charge(voucher, reservation.id, number)
    second = session.attempt(lambda: session.charge(voucher, reservation.id, number))
    if not isinstance(second, Refusal):
        if second.id == first.id:
            return "same", "the second call answered the charge of the first"
        return "book_again", "the second call booked a second charge"
    other = session.attempt(lambda: session.charge(voucher, reservation.id, session.new_order_number()))
    if isinstance(other, Refusal):
        return "refuse", f"the second call was refused ({second})"
    if other.id == first.id:
        return (
            None,
            f"refused with the same order number ({second}), with another one the first charge was answered",
        )
    return "book_again", "the second call booked a second charge, though only with another order number"


def open_reservation_lowers_balance(session: Session) -> Observation:
    """Hold 0.40 of 1.00 and read the balance."""
    voucher = session.new_voucher()
    session.reserve(voucher, str(HELD))
    left = session.call(lambda: session.cloud.get_voucher(voucher.id)).remaining_amount
    text = f"with {HELD} of {WHOLE} held, remaining_amount is {left}"
    return {WHOLE: False, WHOLE - HELD: True}.get(left or Decimal(0)), text


def order_number_filter(session: Session) -> Observation:
    """Charge under four numbers and filter by one of them; two others contain it, at the start or inside."""
    voucher, number = session.new_voucher(), session.new_order_number()
    numbers = {
        "itself": number,
        "longer": f"{number}-A",
        "inner": f"A-{number}-A",
        "other": session.new_order_number(),
    }
    ids = {name: session.reserve_and_charge(voucher, "0.05", each).id for name, each in numbers.items()}
    if session.seconds_until_listed(voucher, *ids.values()) is None:
        return None, "the charges did not appear in the list within two minutes"
    rows = {row.id for row in session.bookings(voucher, number)}
    shown = [name for name, booked in ids.items() if booked in rows]
    value = {
        ("itself",): "exact",
        ("itself", "longer"): "prefix",
        ("itself", "longer", "inner", "other"): "ignored",
    }.get(tuple(shown))
    return value, f"of 4 charges, the filter showed: {', '.join(shown) or 'none'}"


def list_lag_seconds(session: Session) -> Observation:
    """Charge, then read the list each second until it shows the charge."""
    voucher = session.new_voucher()
    seconds = session.seconds_until_listed(voucher, session.reserve_and_charge(voucher).id)
    if seconds is None:
        return None, "the charge did not appear in the list within two minutes"
    if seconds == 0:
        return 0.0, "the charge stood in the list at the first read"
    return float(seconds), f"the charge appeared in the list within {seconds} s; one read is one sample"


def refund_limit(session: Session) -> Observation:
    """Refund a charge of 0.10 in full; if that is refused, all but a cent."""
    voucher = session.new_voucher()
    charge = session.reserve_and_charge(voucher, "0.10")
    whole = session.attempt(lambda: session.refund(voucher, charge.id, "0.10"))
    if not isinstance(whole, Refusal):
        return "up_to", "0.10 of 0.10 were refunded"
    less = session.attempt(lambda: session.refund(voucher, charge.id, "0.09"))
    if isinstance(less, Refusal):
        return None, f"neither 0.10 nor 0.09 of 0.10 were refunded ({whole})"
    return "less_than", f"0.10 of 0.10 were refused ({whole}), 0.09 were refunded"


def refund_limit_shrinks(session: Session) -> Observation:
    """Refund 0.06 of 0.10, then 0.05; if that is refused, 0.03, which is within the charge."""
    voucher = session.new_voucher()
    charge = session.reserve_and_charge(voucher, "0.10")
    session.refund(voucher, charge.id, "0.06")
    over = session.attempt(lambda: session.refund(voucher, charge.id, "0.05"))
    if not isinstance(over, Refusal):
        return False, "0.06 and 0.05 of 0.10 were refunded, one after the other: more than was charged"
    fitting = session.attempt(lambda: session.refund(voucher, charge.id, "0.03"))
    if isinstance(fitting, Refusal):
        return None, f"after 0.06 of 0.10, neither 0.05 ({over}) nor 0.03 ({fitting}) were refunded"
    return True, f"after 0.06 of 0.10, 0.05 were refused ({over}) and 0.03 refunded"


def refund_carries_order_number(session: Session) -> Observation:
    """Refund, then read the order number from the list, as the resolution of unknown outcomes does."""
    voucher, number = session.new_voucher(), session.new_order_number()
    refund = session.refund(voucher, session.reserve_and_charge(voucher, "0.10", number).id, "0.05")
    if session.seconds_until_listed(voucher, refund.id) is None:
        return None, "the refund did not appear in the list within two minutes"
    listed = next(row.order_number for row in session.bookings(voucher) if row.id == refund.id)
    if listed not in (None, "", number):
        return None, "the refund stands in the list with an order number that was not sent"
    return (
        listed == number,
        f"the refund stands in the list {'with' if listed else 'without'} the charge's number",
    )


def refund_to_unusable_voucher(session: Session) -> Observation:
    """Refund to an inactive voucher; if that is refused, activate it and try again."""
    voucher = session.new_voucher()
    charge = session.reserve_and_charge(voucher, "0.10")
    session.deactivate(voucher)
    refund = session.attempt(lambda: session.refund(voucher, charge.id, "0.05"))
    if not isinstance(refund, Refusal):
        return "accept", "0.05 were refunded to an inactive voucher; an expired one was not tried"
    session.activate(voucher)
    again = session.attempt(lambda: session.refund(voucher, charge.id, "0.05"))
    if isinstance(again, Refusal):
        return None, f"refused, but also when the voucher was active again ({again})"
    return (
        "refuse",
        f"refused to an inactive voucher ({refund}), not to an active one; an expired one was not tried",
    )


def cancel_reservation(session: Session) -> Observation:
    """Cancel a reservation, then try to charge it: only a charge shows whether it still exists."""
    voucher = session.new_voucher()
    reservation = session.reserve(voucher)
    answer = session.attempt(lambda: session.cloud.cancel_reservation(reservation.id))
    charge = session.attempt(lambda: session.charge(voucher, reservation.id, session.new_order_number()))
    still_open = not isinstance(charge, Refusal)
    if not isinstance(answer, Refusal):
        if still_open:
            return None, "the call succeeds, yet the reservation could still be charged"
        voucher.reservation_id = ""
        return "works", "the call succeeds, and the reservation could not be charged any more"
    if still_open and answer.status in (404, 405):
        return "absent", f"there is no such call ({answer}); the reservation could still be charged"
    return None, f"the call is refused ({answer}); whether it can work is not known"


def create_id_field(session: Session) -> Observation:
    """Create a voucher with each of the two field names alone, and read its id."""
    taken = [name for name in ("id", "custom_id") if _takes(session, name)[1]]
    value = {("id",): "id", ("custom_id",): "custom_id", ("id", "custom_id"): "both"}.get(tuple(taken))
    return value, f"of id and custom_id, sent alone, the voucher took: {' and '.join(taken) or 'neither'}"


def _takes(session: Session, name: str) -> tuple[ProbeVoucher, bool]:
    own = f"probe-{session.new_order_number()}"
    with session.recorder.adding(**{name: own}):
        try:
            voucher = session.create_voucher()
        except RefusedError as error:
            raise ValueError(f"a voucher with {name} alone was refused ({error.http_status})") from None
    found = session.call(lambda: session.cloud.get_voucher(voucher.id))
    return voucher, own in (voucher.id, found.id, found.custom_id)


EXPERIMENTS: dict[str, Experiment] = {
    each.__name__: each
    for each in (
        second_charge,
        open_reservation_lowers_balance,
        order_number_filter,
        list_lag_seconds,
        refund_limit,
        refund_limit_shrinks,
        refund_carries_order_number,
        refund_to_unusable_voucher,
        cancel_reservation,
        create_id_field,
    )
}
