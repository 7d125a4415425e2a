"""A visitor with the parts of a request that the throttle reads."""

from types import SimpleNamespace

import pytest

from voucher_payment_gateway import throttle
from voucher_payment_gateway.exceptions import ThrottledError, VoucherUnusableError


@pytest.fixture
def limits(gateway_settings):
    """Set only these limits; a refusal does not wait."""
    none = dict.fromkeys(("session", "account", "address", "everyone", "holds"))

    def limit(**given):
        gateway_settings(THROTTLE={**none, "refusal_seconds": 0, **given})

    return limit


def visitor(session="s-1", account=None, address="93.184.216.34"):
    user = SimpleNamespace(pk=account, is_authenticated=account is not None)
    return SimpleNamespace(
        session=SimpleNamespace(session_key=session), user=user, META={"REMOTE_ADDR": address}
    )


def guess(request, error=VoucherUnusableError):
    """Make an attempt that fails with ``error``; return the class of the error that the visitor gets."""
    try:
        with throttle.attempt(request):
            if error is not None:
                raise error
    except Exception as raised:
        return type(raised)
    return None


def failures_until_throttled(requests):
    """Return the number of guesses before the first throttled one."""
    for number, request in enumerate(requests):
        if guess(request) is ThrottledError:
            return number
    return None
