"""Checks of the Voucher Cloud: its address, our credentials, our rights. Nothing is created and no money moves.

Three rights are proved by a read. No read needs the other four, so each is tried with its least harmful call, on an
id that cannot exist: there is nothing to change, however the API behaves. None of these calls is a charge, a refund
or a reservation.
"""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured

from voucher_payment_gateway.api import VoucherCloud
from voucher_payment_gateway.conf import GatewaySettings
from voucher_payment_gateway.connection import new_client
from voucher_payment_gateway.exceptions import (
    ContractError,
    CredentialsError,
    RefusedError,
    VoucherGatewayError,
)
from voucher_payment_gateway.management.doctor.network import address_finding, clock_finding
from voucher_payment_gateway.management.doctor.report import Finding, State
from voucher_payment_gateway.money import CENT

__all__ = ["RIGHTS", "remote_findings"]


@dataclass(frozen=True)
class Right:
    """A right (scope) of the client group, a call that needs it, and the consequence of its absence."""

    scope: str
    consequence: str
    try_call: Callable[[VoucherCloud, str], object]
    """Takes an id that cannot exist. If it is refused as not found, the right is most likely granted."""
    payments_need_it: bool = True


RIGHTS = (
    Right(
        "read",
        "balances cannot be read: a voucher that holds less than is due is refused instead of paying a part",
        lambda cloud, no_such_id: cloud.get_voucher(no_such_id),
    ),
    Right(
        "read-lists",
        "charges and refunds whose answer was lost cannot be resolved, and no refund is sent at all",
        lambda cloud, _: next(cloud.list_vouchers(per_page=1), None),
    ),
    Right(
        "use",
        "nothing can be reserved, charged, refunded or activated: no voucher can pay",
        lambda cloud, no_such_id: cloud.set_voucher_status(no_such_id, "inactive", "voucher_doctor"),
    ),
    Right(
        "read-secrets",
        "the code of a voucher can be read only in the answer that creates it; payments do not need it",
        lambda cloud, no_such_id: cloud.get_complete_voucher(no_such_id),
        payments_need_it=False,
    ),
    Right(
        "manage",
        "vouchers cannot be created or deleted; payments do not need it",
        lambda cloud, no_such_id: cloud.delete_voucher(no_such_id, "voucher_doctor"),
        payments_need_it=False,
    ),
    Right(
        "update",
        "SKU and batch of vouchers cannot be changed; payments do not need it",
        lambda cloud, no_such_id: cloud.update_voucher(no_such_id, sku="voucher_doctor"),
        payments_need_it=False,
    ),
    Right(
        "recharge",
        "vouchers cannot be topped up; payments do not need it",
        lambda cloud, no_such_id: cloud.recharge_voucher(
            amount=CENT, currency="EUR", order_number=no_such_id, id=no_such_id
        ),
        payments_need_it=False,
    ),
)
"""In this order they are tried: the finding about a later one may depend on an earlier one."""


def remote_findings(settings: GatewaySettings) -> Iterator[Finding]:
    """Yield the findings about the address, the clocks, the credentials and the rights."""
    address, date = address_finding(settings)
    yield address
    if address.state != "ok":
        yield Finding("credentials", "not known", "the address does not answer")
        return
    yield clock_finding(date)
    try:
        cloud = _client(settings)
    except (ImproperlyConfigured, ValueError) as error:
        yield Finding("credentials", "trouble", str(error))
        return
    with cloud:
        credentials = _credentials(cloud)
        yield credentials
        if credentials.state == "ok":
            yield from _rights(cloud)


def _client(settings: GatewaySettings) -> VoucherCloud:
    """Return a client without the shared token, as a fresh one must be granted, and without ``ERROR_MEANINGS``, as a
    403 means a missing right here, whatever its code means elsewhere."""
    return new_client(settings, error_meanings=None)


def _credentials(cloud: VoucherCloud) -> Finding:
    try:
        cloud.authenticate()
    except CredentialsError as error:
        text = (
            f"rejected{_status(error)}: CLIENT_ID and CLIENT_SECRET must belong to this ENVIRONMENT; "
            "voucher_connect gets new ones"
        )
    except ContractError as error:
        text = (
            f"the token address sends an unexpected answer{_status(error)}: is TOKEN_URL or BASE_URL right?"
        )
    except VoucherGatewayError as error:
        if error.code == "client_secret":
            text = "the callable CLIENT_SECRET fails"
        else:
            text = f"no token was granted{_status(error)}: {error}"
    else:
        return Finding("credentials", "ok", "an access token was granted")
    return Finding("credentials", "trouble", text)


def _rights(cloud: VoucherCloud) -> Iterator[Finding]:
    no_such_id, missing = f"voucher-doctor-{secrets.token_hex(16)}", set()
    for right in RIGHTS:
        state, text = _right(cloud, right, no_such_id)
        if state == "trouble" and right.scope == "read-secrets" and "read" in missing:
            state, text = "not known", "its call needs the missing right read as well"
        elif state == "trouble":
            missing.add(right.scope)
            state = "trouble" if right.payments_need_it else "warning"
        yield Finding(f"right {right.scope}", state, text)


def _right(cloud: VoucherCloud, right: Right, no_such_id: str) -> tuple[State, str]:
    try:
        right.try_call(cloud, no_such_id)
    except CredentialsError as error:
        if error.missing_scope:
            return "trouble", f"missing{_status(error)}: {right.consequence}"
        return "not known", f"the call was rejected{_status(error)}"
    except RefusedError as error:
        return (
            "ok",
            f"granted, most likely: its call on an id that cannot exist was let through{_status(error)}",
        )
    except VoucherGatewayError as error:
        return "not known", f"the answer proves nothing{_status(error)}"
    if right.scope == "read-lists":
        return "ok", "granted for certain: vouchers can be listed"
    return "not known", "a call on an id that cannot exist succeeded"


def _status(error: VoucherGatewayError) -> str:
    return f" ({error.http_status})" if error.http_status else ""
