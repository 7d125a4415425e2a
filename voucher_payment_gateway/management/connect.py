"""Exchange a connect PIN for credentials. A PIN works once, so everything that can fail is tried before it is sent."""

import errno
import json
import os
import re
import secrets
import shlex
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings

from voucher_payment_gateway.api import ClientCredentials, VoucherCloud
from voucher_payment_gateway.conf import NAME, GatewaySettings, problems
from voucher_payment_gateway.exceptions import (
    CredentialsError,
    OutcomeUnknownError,
    RefusedError,
    VoucherGatewayError,
)
from voucher_payment_gateway.settings_accounts import checked_name

__all__ = [
    "ConnectError",
    "address_of",
    "as_environment",
    "as_settings",
    "exchange",
    "new_file",
]

ADDRESS_KEYS = ("ENVIRONMENT", "BASE_URL", "CA_FILE", "PROXY_URL", "TIMEOUT_SECONDS", "DEADLINE_SECONDS")
NOT_KNOWN_YET = {"CLIENT_ID": "-", "CLIENT_SECRET": "-", "ORDER_MODEL": "shop.Order"}
UNUSED = "The PIN was not used."


class ConnectError(Exception):
    """The exchange failed; the message is for the operator and says whether the PIN is still good."""


def address_of(environment: str, account: str = "") -> GatewaySettings:
    """Return settings with a valid address; the rest of them may be placeholders.

    That of an account is the one it has in ``ACCOUNTS``, else the shop's; a new one need not be there yet.
    ``environment`` overrides the one of the settings; ``BASE_URL`` is then used only if both are equal.
    """
    raw = getattr(settings, NAME, None)
    known = {key: raw[key] for key in ADDRESS_KEYS if key in raw} if isinstance(raw, dict) else {}
    if account and isinstance(raw, dict):
        known |= _own_address(raw.get("ACCOUNTS"), account)
    if environment and known.get("ENVIRONMENT") != environment:
        known = {**known, "ENVIRONMENT": environment, "BASE_URL": ""}
    if "ENVIRONMENT" not in known:
        raise ConnectError(f"Say which Voucher Cloud: --environment production, sandbox or local. {UNUSED}")
    found = problems({**NOT_KNOWN_YET, **known})
    if found:
        raise ConnectError(f"{NAME}: {'; '.join(sentence for _, sentence in found)}. {UNUSED}")
    return GatewaySettings.model_validate({**NOT_KNOWN_YET, **known})


def _own_address(accounts: object, name: str) -> dict[str, object]:
    try:
        checked_name(name)
    except ValueError as error:
        raise ConnectError(f"--account: {error}. {UNUSED}") from None
    own = accounts.get(name) if isinstance(accounts, dict) else None
    if not isinstance(own, dict):
        return {}
    given = {key: own[key] for key in ("ENVIRONMENT", "BASE_URL") if own.get(key)}
    return {"BASE_URL": "", **given} if "ENVIRONMENT" in given else given


def exchange(pin: str, address: GatewaySettings) -> ClientCredentials:
    """Exchange the PIN. Raises ConnectError."""
    with _client(address) as cloud:
        try:
            return cloud.connect(pin)
        except Exception as error:  # an unexpected error must say too whether the PIN is still good
            raise ConnectError(_sentence(error)) from None


def _client(address: GatewaySettings) -> VoucherCloud:
    try:
        return VoucherCloud.unconnected(
            base_url=address.base_url,
            timeout_seconds=address.TIMEOUT_SECONDS,
            deadline_seconds=address.DEADLINE_SECONDS,
            ca_file=address.CA_FILE or None,
            proxy_url=address.PROXY_URL or None,
        )
    except ValueError as error:
        key, _, objection = str(error).partition(": ")
        raise ConnectError(f"{NAME}: {key.upper()}: {objection}. {UNUSED}") from None


def as_settings(credentials: ClientCredentials, address: GatewaySettings, account: str = "") -> str:
    """Return the lines for ``VOUCHER_PAYMENT_GATEWAY``, or for an account in its ``ACCOUNTS``."""
    if account:
        own = {
            "ENVIRONMENT": address.ENVIRONMENT,
            "CLIENT_ID": credentials.id,
            "CLIENT_SECRET": credentials.secret,
        }
        return f"    {json.dumps(account, ensure_ascii=False)}: {json.dumps(own, ensure_ascii=False)},"
    values = [
        ("ENVIRONMENT", address.ENVIRONMENT),
        ("CLIENT_ID", credentials.id),
        ("CLIENT_SECRET", credentials.secret),
    ]
    return "\n".join(f'    "{key}": {json.dumps(value, ensure_ascii=False)},' for key, value in values)


def as_environment(credentials: ClientCredentials, address: GatewaySettings, account: str = "") -> str:
    """Return the lines of a file of environment variables; those of an account have its name in theirs."""
    prefix = "VOUCHER_CLOUD" + (f"_{re.sub('[^A-Z0-9]', '_', account.upper())}" if account else "")
    values = [
        (f"{prefix}_ENVIRONMENT", address.ENVIRONMENT),
        (f"{prefix}_CLIENT_ID", credentials.id),
        (f"{prefix}_CLIENT_SECRET", credentials.secret),
    ]
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values)


class NewFile:
    """A file that has mode 0600 when it is created, so that no other user can ever read it."""

    def __init__(self, target: Path) -> None:
        self._target = target
        is_there = os.path.lexists(target)
        self._draft = target.with_name(f".{target.name}.{secrets.token_hex(8)}") if is_there else target
        self._descriptor = os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._is_complete = False

    def write(self, text: str) -> None:
        """Write the whole file, replacing an older one. Raises OSError, and then the older one is unchanged."""
        content = text.encode()
        if os.write(self._descriptor, content) != len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(self._descriptor)
        self._draft.replace(self._target)
        self._is_complete = True

    def close(self) -> None:
        """Remove a file that is not complete."""
        os.close(self._descriptor)
        if not self._is_complete:
            with suppress(OSError):
                self._draft.unlink()


@contextmanager
def new_file(target: Path, *, replace: bool) -> Iterator[NewFile]:
    """Open a file that becomes ``target`` once it is written.

    Raises ConnectError where ``target`` exists and ``replace`` is false, or cannot be written.
    """
    if os.path.lexists(target) and not replace:
        raise ConnectError(f"{target} exists already: give --force to replace it. {UNUSED}")
    if target.is_dir():
        raise ConnectError(f"{target} is a folder. {UNUSED}")
    try:
        file = NewFile(target)
    except OSError as error:
        raise ConnectError(f"{target} cannot be written ({error.strerror}). {UNUSED}") from None
    try:
        yield file
    finally:
        file.close()


def _sentence(error: Exception) -> str:
    match error:
        case ValueError():
            return "This is no PIN: it has 1 to 255 printable characters. Nothing was sent."
        case RefusedError() | CredentialsError():
            return (
                "The Voucher Cloud does not accept this PIN: it is wrong, older than 30 minutes, used already, or of "
                "another environment. Take a new one in its admin interface."
            )
        case OutcomeUnknownError():
            return "No clear answer came, and the PIN may be spent: take a new one in the admin interface."
        case VoucherGatewayError():
            return f"The Voucher Cloud cannot be reached just now. {UNUSED} Try again within its 30 minutes."
    kind = type(error).__name__
    return (
        f"It failed ({kind}), and the PIN may be spent: mend that and take a new one in the admin interface."
    )
