"""What a customer sends for one gift voucher: its code never exists as a text that a log or a report could show."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from oscarapicheckout.methods import PaymentMethodSerializer, serializers

from voucher_payment_gateway.checkout.problems import CODE_MISSING, UNUSABLE
from voucher_payment_gateway.codes import is_blank, tidy
from voucher_payment_gateway.exceptions import VoucherUnusableError
from voucher_payment_gateway.gateway.holds.codes import clean_code
from voucher_payment_gateway.opaque import Opaque
from voucher_payment_gateway.sealing import fingerprints

__all__ = ["VoucherSerializer", "entered_codes"]

SECRETS = ("code", "pin")


class SecretField(serializers.Field):
    """A code or PIN, opaque from here on."""

    default_error_messages = {"invalid": UNUSABLE.sentence}  # noqa: RUF012  as in every field of the framework

    def to_internal_value(self, data: Any) -> Opaque:
        if not isinstance(data, str | Opaque):
            self.fail("invalid")
        return Opaque(data)

    def to_representation(self, value: Any) -> str:
        return ""


class VoucherSerializer(PaymentMethodSerializer):
    """One entry of the host's ``payment``: ``{"method_type": "gift-voucher", "enabled": true, "code": …}``."""

    code = SecretField(write_only=True, required=False, default=Opaque())
    pin = SecretField(write_only=True, required=False, default=Opaque())

    def to_internal_value(self, data: Any) -> Any:
        """Also make what the request keeps opaque: the host's views hold it in their frames."""
        if isinstance(data, dict):
            data.update({name: Opaque(data[name]) for name in SECRETS if isinstance(data.get(name), str)})
        return super().to_internal_value(data)

    def validate(self, data: Any) -> Any:
        data = super().validate(data)
        if not data["enabled"]:
            return data
        if is_blank(data["code"]):
            raise serializers.ValidationError({"code": CODE_MISSING.sentence})
        if self._is_named_by(data["code"]):
            raise serializers.ValidationError(
                _(
                    "Give a gift voucher another key than its code: keys are stored. Nothing was taken from it."
                )
            )
        if self._is_entered_twice(data["code"]):
            raise serializers.ValidationError(
                {"code": _("This gift voucher is entered twice. Nothing was taken from it.")}
            )
        return data

    def _is_named_by(self, code: Opaque) -> bool:
        """Return whether the client named an entry by the code: the host keeps these names in the session."""
        names = _entries(self.context["request"])
        return any(tidy(code.reveal()).casefold() in tidy(str(name)).casefold() for name in names)

    def _is_entered_twice(self, code: Opaque) -> bool:
        own = _fingerprints(code)
        entered = entered_codes(self.context["request"])
        return sum(not own.isdisjoint(codes) for codes in entered.values()) > 1


def entered_codes(request: Any) -> dict[str, set[str]]:
    """Return the fingerprints of the codes that the request pays with, by the key that the client gave to each."""
    return {
        str(key): _fingerprints(entry["code"])
        for key, entry in _entries(request).items()
        if isinstance(entry, dict) and entry.get("enabled") and isinstance(entry.get("code"), str | Opaque)
    }


def _entries(request: Any) -> dict[Any, Any]:
    payment = request.data.get("payment")
    return payment if isinstance(payment, dict) else {}


def _fingerprints(code: str | Opaque) -> set[str]:
    try:
        return set(fingerprints(clean_code(code, "").code))
    except VoucherUnusableError:
        return set()
