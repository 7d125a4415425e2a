"""The type of the settings dict ``VOUCHER_PAYMENT_GATEWAY``. ``conf`` imports it when the settings are read: pydantic,
the client's addresses and the sealing keys are loaded then, not when Django starts."""

from functools import cache
from typing import Annotated, Any, Literal, Self

from django.utils.module_loading import import_string
from pydantic import (
    Field,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)

from voucher_payment_gateway.api import PRODUCTION, SANDBOX
from voucher_payment_gateway.rules.verbs import Verb
from voucher_payment_gateway.sealing_keys import key_problem
from voucher_payment_gateway.settings_accounts import (
    NO_DEFAULT_ACCOUNT,
    Account,
    AccountName,
    changed_by,
    checked_account,
    checked_url,
    refuse_same_client,
    with_default_account,
)
from voucher_payment_gateway.settings_books import BooksSettings
from voucher_payment_gateway.settings_notices import NoticeSettings
from voucher_payment_gateway.settings_sections import ApiBehaviour, OrderFieldNames, ThrottleSettings
from voucher_payment_gateway.settings_selling import SellingSettings
from voucher_payment_gateway.settings_staff import StaffSettings
from voucher_payment_gateway.settings_types import (
    Calls,
    CallSeconds,
    ClientId,
    ClientSecret,
    ClientType,
    Days,
    Hours,
    Meaning,
    Minutes,
    ModelLabel,
    Pattern,
    ProxyUrl,
    Seconds,
)
from voucher_payment_gateway.unpicklable import Unpicklable

__all__ = ["GatewaySettings"]

LOCAL = "http://127.0.0.1:8900/v1"

StatusKey = Literal["field", "authorize", "capture", "refund", "cancel", "issue", "activate", "take_back"]


class GatewaySettings(Unpicklable, SellingSettings, BooksSettings, StaffSettings, NoticeSettings):
    """Every key of ``VOUCHER_PAYMENT_GATEWAY`` with its type and default."""

    ENVIRONMENT: Literal["production", "sandbox", "local"] = Field(
        description="Where calls go: the Voucher Cloud, its vendor's sandbox host, or the local Voucher Cloud."
    )
    BASE_URL: str = Field(
        "", description="Address of the API, with its version, in place of the environment's."
    )
    TOKEN_URL: str = Field("", description="Address of the token call.")
    ACCOUNTS: dict[AccountName, Account] = Field(
        {}, repr=False, description="Your merchant accounts by name, where you have several."
    )
    CLIENT_ID: ClientId = Field(description="Id of the shop's client in your merchant account.")
    CLIENT_SECRET: ClientSecret = Field(repr=False, description="The client's secret.")
    CLIENT_TYPE: ClientType = Field(
        "", description="Sent with the token request, for the vendor's statistics only."
    )
    CA_FILE: str = Field("", description="Certificate authorities to trust in place of the usual ones.")
    PROXY_URL: ProxyUrl = Field(
        "", repr=False, description="Forward proxy through which every call to the Voucher Cloud leaves."
    )
    TIMEOUT_SECONDS: CallSeconds = Field(5.0, description="Timeout of one wait for the network, in seconds.")
    DEADLINE_SECONDS: CallSeconds = Field(
        15.0, description="Timeout of a whole call, token request and retries included, in seconds."
    )
    SLOW_CALLS: Calls | None = Field(
        None,
        description="How many requests of one process may wait for a slow answer of the Voucher Cloud.",
    )
    REQUESTS_PER_SECOND: Calls | None = Field(
        None, description="Maximum number of calls in one second, of all processes together."
    )
    ORDER_MODEL: ModelLabel = Field(description="Model of your orders, in the same database as the payments.")
    ORDER_FIELDS: OrderFieldNames = Field(
        OrderFieldNames(), description="Attributes of the order that hold its number, total and currency."
    )
    ORDER_ADAPTER: str = Field(
        "voucher_payment_gateway.orders.OrderAdapter",
        description="A subclass of OrderAdapter, for an order that needs code.",
    )
    ACCOUNT_OF_ORDER: str = Field(
        "", description="Takes an order and returns the name of the account whose vouchers pay it."
    )
    EVENTS: dict[Verb, str | list[str]] = Field({}, description="Your signals, by the verb that they drive.")
    ON_STATUS: dict[StatusKey, str | list[str]] = Field(
        {}, description="Statuses of the order, by the verb that they drive when the order is saved."
    )
    CHECKOUT_ORDER: str = Field(
        "", description="Takes the request and returns the order that this visitor may pay, or None."
    )
    SHOW_BALANCE: bool = Field(
        False,
        description="Whether the checkout shows what is left on a held voucher, and until when it is valid.",
    )
    CAPTURE: Literal["manual", "immediate"] = Field(
        "manual", description="Whether the event or status authorize also captures."
    )
    REFUND_ORDER: Literal["last-first", "first-first", "pro-rata"] = Field(
        "last-first", description="How a refund is divided among the payments of an order."
    )
    TAXABLE_VOUCHERS: Literal["accept", "refuse"] = Field(
        "accept", description="Whether vouchers are accepted whose VAT was paid at their sale."
    )
    SEALING_KEYS: list[str] = Field([], repr=False, description="Keys that encrypt stored codes and PINs.")
    THROTTLE: ThrottleSettings | None = Field(ThrottleSettings(), description="Limits on guessing codes.")
    CODE_PATTERN: Pattern = Field("", description="Pattern that a whole code must match.")
    CODE_NORMALISER: str = Field("", description="Takes the code as typed and returns the one to send.")
    VOUCHERS_PER_ORDER: Annotated[int, Field(ge=1, le=100)] = Field(
        20, description="Maximum number of gift vouchers on one order at the same time."
    )
    ASYNC_THREADS: Annotated[int, Field(ge=1, le=1000)] = Field(
        64, description="Maximum number of threads on which the async verbs of one process run."
    )
    SELECTED_HOURS: Hours = Field(
        24, description="How long a code is stored while nothing is held with it, in hours."
    )
    CONFIRMED_DAYS: Days = Field(
        30,
        description="How long the code of a confirmed payment is stored, and its amount relied on, in days.",
    )
    RENEW_HOLDS: bool = Field(
        False, description="Whether settle renews a hold that has less than 10 minutes left."
    )
    TOTAL_AFTER_RETURN: Literal["stays", "lowered"] = Field(
        "stays",
        description="Whether your shop lowers the total of an order when something of it is returned.",
    )
    INSTANCE: Annotated[str, Field(max_length=100)] = Field(
        "",
        description="The name of this installation: a copy of its database sends nothing that moves money.",
    )
    REFUND_GRACE_SECONDS: Seconds = Field(
        900, description="How long a refund may still arrive after it was sent, in seconds."
    )
    LIST_LAG_SECONDS: Seconds = Field(
        60, description="Maximum delay until a booking appears in the Voucher Cloud's lists, in seconds."
    )
    SETTLE_LATE_MINUTES: Minutes = Field(
        15, description="How long after its last complete run settle is reported as late, in minutes."
    )
    SETTLE_THREADS: Annotated[int, Field(ge=1, le=100)] = Field(
        16, description="How many operations one settle works on at the same time."
    )
    CANCEL_RESERVATION_CALL: bool = Field(
        True, description="Whether the Voucher Cloud is asked to end reservations."
    )
    ERROR_MEANINGS: dict[str, Meaning] = Field(
        {}, description="Meanings of the API's error codes, as far as you know them."
    )
    API_BEHAVIOUR: ApiBehaviour = Field(
        ApiBehaviour(), description="Undocumented behaviour of the API, as far as you know it."
    )

    @property
    def base_url(self) -> str:
        """The address of the API: ``BASE_URL``, else that of the environment."""
        return (
            self.BASE_URL or {"production": PRODUCTION, "sandbox": SANDBOX, "local": LOCAL}[self.ENVIRONMENT]
        )

    @property
    def account_names(self) -> list[str]:
        """The names of all accounts, sorted; first the empty one of the default account, where it has credentials."""
        return sorted(self.ACCOUNTS.keys() | ({""} if self.CLIENT_ID else set()))

    def of_account(self, name: str) -> "GatewaySettings":
        """Return these settings with credentials and address of an account. Raises KeyError for an unknown name."""
        if not name and self.CLIENT_ID:
            return self
        return self.model_copy(update=changed_by(self.ACCOUNTS[name], self))

    @property
    def order_adapter(self) -> Any:
        """The instance of ``ORDER_ADAPTER`` that reads the shop's orders."""
        return _instance(self.ORDER_ADAPTER)

    @property
    def events(self) -> dict[Verb, list[str]]:
        """``EVENTS`` with each value as a list of dotted paths of signals."""
        return {verb: [paths] if isinstance(paths, str) else paths for verb, paths in self.EVENTS.items()}

    @field_validator("BASE_URL", "TOKEN_URL")
    @classmethod
    def _encrypted(cls, url: str, info: ValidationInfo) -> str:
        return checked_url(url, info.data.get("ENVIRONMENT"))

    @field_validator("ACCOUNTS")
    @classmethod
    def _as_those_of_the_shop(cls, accounts: dict[str, Account], info: ValidationInfo) -> dict[str, Account]:
        """Check addresses and secrets of the accounts by the rules for the shop's own."""
        return {name: checked_account(name, account, info.data) for name, account in accounts.items()}

    @model_validator(mode="before")
    @classmethod
    def _need_no_default_account(cls, raw: Any) -> Any:
        return with_default_account(raw)

    @field_validator("CLIENT_ID", "CLIENT_SECRET", mode="wrap")
    @classmethod
    def _of_the_default_account(cls, value: Any, check: ValidatorFunctionWrapHandler) -> Any:
        return "" if value is NO_DEFAULT_ACCOUNT else check(value)

    @model_validator(mode="after")
    def _accounts_and_their_orders(self) -> Self:
        for missing, given in (("ACCOUNT_OF_ORDER", "ACCOUNTS"), ("ACCOUNTS", "ACCOUNT_OF_ORDER")):
            if getattr(self, given) and not getattr(self, missing):
                raise ValueError(f"{missing}: is missing, although {given} is set")
        refuse_same_client({name: self.of_account(name) for name in self.account_names})
        return self

    @field_validator("SEALING_KEYS")
    @classmethod
    def _fernet_keys(cls, keys: list[str], info: ValidationInfo) -> list[str]:
        keys, is_local = [key.strip() for key in keys], info.data.get("ENVIRONMENT") == "local"
        for position, key in enumerate(keys):
            if problem := key_problem(key, is_local=is_local):
                raise ValueError(f"key {position + 1} {problem}")
        return keys

    @model_validator(mode="after")
    def _status_needs_a_field(self) -> Self:
        if self.ON_STATUS and not isinstance(self.ON_STATUS.get("field"), str):
            raise ValueError('ON_STATUS: needs "field", the name of the status field')
        for verb, values in self.ON_STATUS.items():
            if verb != "field" and not isinstance(values, list):
                raise ValueError(f'ON_STATUS: "{verb}" must be a list of statuses')
        return self

    @model_validator(mode="after")
    def _deadline_covers_the_timeout(self) -> Self:
        if self.DEADLINE_SECONDS < self.TIMEOUT_SECONDS:
            raise ValueError("DEADLINE_SECONDS: must be at least TIMEOUT_SECONDS")
        return self


@cache
def _instance(path: str) -> Any:
    return import_string(path)()
