"""The settings by which staff is told of cases that need a person."""

from typing import Annotated, Self

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from pydantic import AfterValidator, Field, model_validator

from voucher_payment_gateway.settings_accounts import checked_url
from voucher_payment_gateway.settings_sections import Section
from voucher_payment_gateway.unpicklable import Unpicklable

__all__ = ["NoticeSettings", "StaffNotices"]

MIN_SECRET_LENGTH, MAX_SECRET_LENGTH = 32, 255

MAX_RECIPIENTS = 20


def _mail_address(text: str) -> str:
    try:
        validate_email(text)
    except ValidationError:
        raise ValueError("must be an e-mail address") from None
    return text


def _secret(text: str) -> str:
    if not (text.isascii() and text.isprintable() and MIN_SECRET_LENGTH <= len(text) <= MAX_SECRET_LENGTH):
        raise ValueError(f"must have {MIN_SECRET_LENGTH} to {MAX_SECRET_LENGTH} ASCII characters")
    return text


MailAddress = Annotated[str, AfterValidator(_mail_address)]
WebhookSecret = Annotated[str, AfterValidator(_secret)]


class StaffNotices(Unpicklable, Section):
    """Where staff is told of cases that need a person: by mail, by a webhook, or both."""

    emails: Annotated[list[MailAddress], Field(max_length=MAX_RECIPIENTS)] = Field(
        [], description="the addresses that get a mail"
    )
    webhook: str = Field("", repr=False, description="the address that gets a POST")
    webhook_secret: WebhookSecret | None = Field(
        None, repr=False, description="the secret that signs each POST"
    )

    @model_validator(mode="after")
    def _reach_a_person(self) -> Self:
        if not self.emails and not self.webhook:
            raise ValueError("needs emails or a webhook")
        if bool(self.webhook) != bool(self.webhook_secret):
            raise ValueError("needs both of webhook and webhook_secret, or none")
        return self

    @property
    def channels(self) -> list[str]:
        """The names of the ways by which staff is told."""
        return ["mail"] * bool(self.emails) + ["webhook"] * bool(self.webhook)


class NoticeSettings(Section):
    """The key of ``VOUCHER_PAYMENT_GATEWAY`` that is about notices to staff."""

    STAFF_NOTICES: StaffNotices | None = Field(
        None, description="Where staff is told, once, of each case that needs a person."
    )

    @model_validator(mode="after")
    def _notices_can_be_sent(self) -> Self:
        if self.STAFF_NOTICES is None:
            return self
        if not getattr(self, "SHOP_URL", ""):
            raise ValueError("STAFF_NOTICES: needs SHOP_URL, for the links to the cases")
        try:
            checked_url(self.STAFF_NOTICES.webhook, getattr(self, "ENVIRONMENT", None))
        except ValueError as error:
            raise ValueError(f"STAFF_NOTICES.webhook: {error}") from None
        return self
