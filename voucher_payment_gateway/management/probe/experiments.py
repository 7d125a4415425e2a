"""One experiment for each key of ``API_BEHAVIOUR``; ``post_status`` is read off all of them."""

from decimal import Decimal

from voucher_payment_gateway.exceptions import RefusedError
from voucher_payment_gateway.management.probe.findings import Experiment, Value
from voucher_payment_gateway.management.probe.session import Bench, Refusal
from voucher_payment_gateway.management.probe.vouchers import Sample

__all__ = ["BEHAVIOURS"]

Observation = tuple[Value | None, str]

HELD = Decimal("0.40")
WHOLE = Decimal("1.00")


def second_charge(bench: Bench) -> Observation:
    """Charge one reservation twice: with the same order number, and if that is refused with another one."""
    sample = bench.voucher()
    reservation, number = bench.reserve(sample), bench.number()
    first = bench.charge(sample, reservation.id, number)
    second = bench.attempt(lambda: bench.charge(sample, reservation.id, number))
    if not isinstance(second, Refusal):
        if second.id == first.id:
            return "same", "the second call answered the charge of the first"
        return "book_again", "the second call booked a second charge"
    other = bench.attempt(lambda: bench.charge(sample, reservation.id, bench.number()))
    if isinstance(other, Refusal):
        return "refuse", f"the second call was refused ({second})"
    if other.id == first.id:
        return (
            None,
            f"refused with the same order number ({second}), with another one the first charge was answered",
        )
    return "book_again", "the second call booked a second charge, though only with another order number"


def open_reservation_lowers_balance(bench: Bench) -> Observation:
    """Hold 0.40 of 1.00 and read the balance."""
    sample = bench.voucher()
    bench.reserve(sample, str(HELD))
    left = bench.ask(lambda: bench.cloud.get_voucher(sample.id)).remaining_amount
    text = f"with {HELD} of {WHOLE} held, remaining_amount is {left}"
    return {WHOLE: False, WHOLE - HELD: True}.get(left or Decimal(0)), text


def order_number_filter(bench: Bench) -> Observation:
    """Book under four numbers and ask for one of them, which the others contain in different places."""
    sample, number = bench.voucher(), bench.number()
    numbers = {"itself": number, "longer": f"{number}-A", "inner": f"A-{number}-A", "other": bench.number()}
    ids = {name: bench.charged(sample, "0.05", each).id for name, each in numbers.items()}
    if bench.seconds_until_listed(sample, *ids.values()) is None:
        return None, "the charges did not appear in the list within two minutes"
    rows = {row.id for row in bench.rows(sample, number)}
    shown = [name for name, booked in ids.items() if booked in rows]
    value = {
        ("itself",): "exact",
        ("itself", "longer"): "prefix",
        ("itself", "longer", "inner", "other"): "ignored",
    }.get(tuple(shown))
    return value, f"of 4 charges, the filter showed: {', '.join(shown) or 'none'}"


def list_lag_seconds(bench: Bench) -> Observation:
    """Charge, and look at the list each second until the charge stands there."""
    sample = bench.voucher()
    seconds = bench.seconds_until_listed(sample, bench.charged(sample).id)
    if seconds is None:
        return None, "the charge did not appear in the list within two minutes"
    if seconds == 0:
        return 0.0, "the charge stood in the list at the first look"
    return float(seconds), f"the charge appeared in the list within {seconds} s; one look is one sample"


def refund_limit(bench: Bench) -> Observation:
    """Refund a charge of 0.10 in full, and if that is refused all but a cent."""
    sample = bench.voucher()
    charge = bench.charged(sample, "0.10")
    whole = bench.attempt(lambda: bench.refund(sample, charge.id, "0.10"))
    if not isinstance(whole, Refusal):
        return "up_to", "0.10 of 0.10 were refunded"
    less = bench.attempt(lambda: bench.refund(sample, charge.id, "0.09"))
    if isinstance(less, Refusal):
        return None, f"neither 0.10 nor 0.09 of 0.10 were refunded ({whole})"
    return "less_than", f"0.10 of 0.10 were refused ({whole}), 0.09 were refunded"


def refund_limit_shrinks(bench: Bench) -> Observation:
    """Refund 0.06 of 0.10, then 0.05; and if that is refused 0.03, which would fit."""
    sample = bench.voucher()
    charge = bench.charged(sample, "0.10")
    bench.refund(sample, charge.id, "0.06")
    over = bench.attempt(lambda: bench.refund(sample, charge.id, "0.05"))
    if not isinstance(over, Refusal):
        return False, "0.06 and 0.05 of 0.10 were refunded, one after the other: more than was charged"
    fitting = bench.attempt(lambda: bench.refund(sample, charge.id, "0.03"))
    if isinstance(fitting, Refusal):
        return None, f"after 0.06 of 0.10, neither 0.05 ({over}) nor 0.03 ({fitting}) were refunded"
    return True, f"after 0.06 of 0.10, 0.05 were refused ({over}) and 0.03 refunded"


def refund_carries_order_number(bench: Bench) -> Observation:
    """Refund, and look for the order number in the list: that is what evidence is taken from."""
    sample, number = bench.voucher(), bench.number()
    refund = bench.refund(sample, bench.charged(sample, "0.10", number).id, "0.05")
    if bench.seconds_until_listed(sample, refund.id) is None:
        return None, "the refund did not appear in the list within two minutes"
    listed = next(row.order_number for row in bench.rows(sample) if row.id == refund.id)
    if listed not in (None, "", number):
        return None, "the refund stands in the list with an order number that nobody sent"
    return (
        listed == number,
        f"the refund stands in the list {'with' if listed else 'without'} the charge's number",
    )


def refund_to_unusable_voucher(bench: Bench) -> Observation:
    """Refund to an inactive voucher, and if that is refused once more when it is active again."""
    sample = bench.voucher()
    charge = bench.charged(sample, "0.10")
    bench.deactivate(sample)
    refund = bench.attempt(lambda: bench.refund(sample, charge.id, "0.05"))
    if not isinstance(refund, Refusal):
        return "accept", "0.05 were refunded to an inactive voucher; an expired one was not tried"
    bench.activate(sample)
    again = bench.attempt(lambda: bench.refund(sample, charge.id, "0.05"))
    if isinstance(again, Refusal):
        return None, f"refused, but also when the voucher was active again ({again})"
    return (
        "refuse",
        f"refused to an inactive voucher ({refund}), not to an active one; an expired one was not tried",
    )


def cancel_reservation(bench: Bench) -> Observation:
    """Cancel a reservation, then try to charge it: only that shows what became of it."""
    sample = bench.voucher()
    reservation = bench.reserve(sample)
    answer = bench.attempt(lambda: bench.cloud.cancel_reservation(reservation.id))
    charge = bench.attempt(lambda: bench.charge(sample, reservation.id, bench.number()))
    still_open = not isinstance(charge, Refusal)
    if not isinstance(answer, Refusal):
        if still_open:
            return None, "the call succeeds, yet the reservation could still be charged"
        sample.hold = ""
        return "works", "the call succeeds, and the reservation could not be charged any more"
    if still_open and answer.status in (404, 405):
        return "absent", f"there is no such call ({answer}); the reservation could still be charged"
    return None, f"the call is refused ({answer}); whether it can work is not known"


def create_id_field(bench: Bench) -> Observation:
    """Create a voucher with each of the two spellings alone, and see which id it gets."""
    taken = [name for name in ("id", "custom_id") if _takes(bench, name)[1]]
    value = {("id",): "id", ("custom_id",): "custom_id", ("id", "custom_id"): "both"}.get(tuple(taken))
    return value, f"of id and custom_id, sent alone, the voucher took: {' and '.join(taken) or 'neither'}"


def _takes(bench: Bench, name: str) -> tuple[Sample, bool]:
    own = f"probe-{bench.number()}"
    with bench.observer.adding(**{name: own}):
        try:
            sample = bench.create()
        except RefusedError as error:
            raise ValueError(f"a voucher with {name} alone was refused ({error.http_status})") from None
    found = bench.ask(lambda: bench.cloud.get_voucher(sample.id))
    return sample, own in (sample.id, found.id, found.custom_id)


BEHAVIOURS: dict[str, Experiment] = {
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
