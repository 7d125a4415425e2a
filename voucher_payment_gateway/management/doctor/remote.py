"""Checks of the Voucher Cloud: its address, our credentials, our rights. Nothing is created and no money moves: none of
the calls is a charge, a refund or a reservation.
"""

import secrets
from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus

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
from voucher_payment_gateway.management.doctor.rights import RIGHTS, Right, needed_for_selling, rights_of

__all__ = ["remote_findings"]


NO_SUCH_ADDRESS = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.GONE)
VERSION_MISSING = "BASE_URL needs the API's own address with its version, such as https://host.example/v1"


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
            yield from _rights(cloud, settings)


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


def _rights(cloud: VoucherCloud, settings: GatewaySettings) -> Iterator[Finding]:
    """Yield a finding for each right, or that the API is not at this address: then nothing else is called there."""
    listing = _outcome(lambda: next(cloud.list_vouchers(per_page=1), None))
    if problem := _elsewhere(listing):
        yield Finding("API", "trouble", f"{settings.base_url} {problem}")
        yield from (Finding(f"right {right.scope}", "not known", "the API is not there") for right in RIGHTS)
        return
    no_such_id, missing, states = f"voucher-doctor-{secrets.token_hex(16)}", set(), dict[str, State]()
    for right in rights_of(settings):
        call = partial(right.try_call, cloud, no_such_id) if right.try_call else lambda: listing
        state, text = _right(right, _outcome(call))
        if state == "trouble" and right.scope == "read-secrets" and "read" in missing:
            state, text = "not known", "its call needs the missing right read as well"
        elif state == "trouble":
            missing.add(right.scope)
            state = "trouble" if right.is_needed else "warning"
        states[right.scope] = state
        yield Finding(f"right {right.scope}", state, text)
    if settings.SOLD_VOUCHERS:
        yield _selling(states, list(needed_for_selling(settings)))


def _selling(states: dict[str, State], needed: list[str]) -> Finding:
    """Return whether the client has every right that selling needs, as far as its calls tell."""
    missing = [scope for scope in needed if states[scope] == "trouble"]
    open_ones = [scope for scope in needed if states[scope] == "not known"]
    if missing:
        return Finding("selling", "trouble", f"the client lacks {', '.join(missing)}")
    if open_ones:
        return Finding(
            "selling", "not known", f"it is not known whether the client has {', '.join(open_ones)}"
        )
    return Finding("selling", "ok", f"the client has the rights that selling needs: {', '.join(needed)}")


def _outcome(call: Callable[[], object]) -> VoucherGatewayError | None:
    """Return the error of a call, or None where it succeeded."""
    try:
        outcome = call()
    except VoucherGatewayError as error:
        return error
    return outcome if isinstance(outcome, VoucherGatewayError) else None


def _elsewhere(listing: VoucherGatewayError | None) -> str:
    """Return why something else than the API answered, or an empty text. A list of vouchers is always there: where it
    is not found, or an answer is not of the API's form, the address is wrong, whatever rights we have."""
    status = listing.http_status if listing is not None else None
    if isinstance(listing, RefusedError) and status in NO_SUCH_ADDRESS:
        return f"has no list of vouchers{_status(listing)}: {VERSION_MISSING}"
    if isinstance(listing, ContractError):
        return f"does not answer as the API does{_status(listing)}: {VERSION_MISSING}"
    return ""


def _right(right: Right, error: VoucherGatewayError | None) -> tuple[State, str]:
    match error:
        case None if right.scope == "read-lists":
            return "ok", "granted for certain: vouchers can be listed"
        case None:
            return "not known", "a call on an id that cannot exist succeeded"
        case CredentialsError() if error.missing_scope and error.api_code:
            return "trouble", f"missing{_status(error)}: {right.consequence}"
        case CredentialsError() if error.missing_scope:
            return (
                "trouble",
                f"missing{_status(error)}, or refused by something before the API: {right.consequence}",
            )
        case CredentialsError():
            return "not known", f"the call was rejected{_status(error)}"
        case RefusedError() if right.scope == "read-lists":
            return "not known", f"the list was refused{_status(error)}"
        case RefusedError():
            text = "granted, most likely: its call on an id that cannot exist was let through"
            return "ok", f"{text}{_status(error)}"
    return "not known", f"the answer proves nothing{_status(error)}"


def _status(error: VoucherGatewayError) -> str:
    return f" ({error.http_status})" if error.http_status else ""
