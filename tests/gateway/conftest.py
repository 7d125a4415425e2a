"""What the shop hears, for the tests of the verbs."""

import pytest

from voucher_payment_gateway.signals import payment_needs_review


@pytest.fixture
def reviews():
    """The amounts that a person was asked to look at, in order."""
    asked = []

    def hear(payment, amount, **_):
        asked.append(amount)

    payment_needs_review.connect(hear, weak=False)
    yield asked
    payment_needs_review.disconnect(hear)
