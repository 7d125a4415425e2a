"""The undocumented behaviour of the remote API as switches: one field each, with the reason why it is unknown.

``DOCUMENTED`` is the plainest reading of the documentation, ``LENIENT`` accepts whatever may be accepted,
``HOSTILE`` sets every switch to the value that costs a careless client money. ``Behaviour.random(seed)`` draws
a combination: a client has to be right under every one of them.
"""

import random
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["DOCUMENTED", "HOSTILE", "LENIENT", "PRESETS", "Behaviour"]


class Behaviour(BaseModel):
    """How the cloud behaves where the documentation is silent; immutable, change it with ``but``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    second_charge: Literal["refuse", "same", "book_again"] = Field(
        default="refuse", description="Charging one reservation twice is not documented."
    )
    open_reservation_lowers_balance: bool = Field(
        default=False, description="Whether an open hold lowers remaining_amount is not documented."
    )
    reserve_checks: Literal["balance", "balance_minus_hold"] = Field(
        default="balance",
        description="A new reservation replaces the old: before or after the balance check?",
    )
    refused_reserve_kills_hold: bool = Field(
        default=False,
        description='The old hold ends "when a new one is requested": also when that one is refused?',
    )
    order_number_filter: Literal["exact", "prefix", "ignored"] = Field(
        default="exact",
        description="The sentence about filter[order_number] is cut off after its first words.",
    )
    list_lag_seconds: float = Field(
        default=0, ge=0, description="How soon a new booking appears in the lists is not documented."
    )
    refund_limit: Literal["up_to", "less_than"] = Field(
        default="up_to",
        description='The reference says "less than the charge amount"; since 1.7 all of it (changelog).',
    )
    refund_limit_shrinks: bool = Field(
        default=True,
        description="Whether earlier refunds of a charge lower the limit of the next is not documented.",
    )
    refund_carries_order_number: bool = Field(
        default=True, description="A refund sends no order number, yet the example of its answer shows one."
    )
    refund_to_unusable_voucher: Literal["accept", "refuse"] = Field(
        default="accept",
        description="A refund to an expired or inactive voucher is not documented.",
    )
    refund_by_other_client: Literal["accept", "refuse"] = Field(
        default="accept",
        description="Whether the shop may refund what the till charged is not documented.",
    )
    recharge_of_unusable_voucher: Literal["accept", "refuse"] = Field(
        default="accept",
        description="A recharge of an expired or inactive voucher is not documented.",
    )
    cancel_reservation: Literal["absent", "not_allowed", "works"] = Field(
        default="absent",
        description='The scope "use" covers cancelling, but no call is documented: 404, 405, or it works.',
    )
    create_id_field: Literal["id", "custom_id", "both"] = Field(
        default="id", description="The schema of create says id, its validation codes say custom_id."
    )
    connect_fields: Literal["reference", "guide", "both"] = Field(
        default="reference",
        description="The reference answers id and secret, the guide client_id and client_secret.",
    )
    connect_rotates_secret: bool = Field(
        default=False, description="Whether connecting again invalidates the old secret is not documented."
    )
    post_status: Literal[200, 201] = Field(
        default=200, description='The answers to POST are titled "OK"; their status is not shown.'
    )
    order_number_unique: bool = Field(
        default=False, description="Whether a voucher accepts an order number twice is not documented."
    )
    accepts_zero: bool = Field(
        default=False,
        description='Create accepts "0.00", refund does not; for reserve and recharge it is not documented.',
    )
    error_codes: Literal["documented", "opaque"] = Field(
        default="documented",
        description="The codes of business errors are not documented: one vague code, or varying ones.",
    )
    code_names: dict[str, str] = Field(
        default_factory=dict,
        description="Codes to send instead of the vague one, by reason: for an operator who has learned some.",
    )
    refusal_status: Literal[400, 403, 404, 409, 422] = Field(
        default=422, description="The HTTP status of business errors is not documented."
    )
    forgets_closed_reservations: bool = Field(
        default=False, description="An expired or replaced reservation: refused as closed, or unknown (404)?"
    )
    code_case_sensitive: bool = Field(
        default=True, description="Whether codes are case-sensitive is not documented."
    )
    wrong_pins_until_locked: int = Field(
        default=0, ge=0, description="Whether wrong PINs lock a voucher is not documented; 0 never locks."
    )
    repeated_status: Literal["accept", "refuse"] = Field(
        default="accept", description="Activating an active voucher: no change, or an error?"
    )
    reactivation_restarts_validity: bool = Field(
        default=False, description="Whether activating again restarts the validity is not documented."
    )
    status_comment_required: bool = Field(
        default=False,
        description="The text about the status call's comment is cut off; the guide sends none.",
    )
    list_order: Literal["oldest_first", "newest_first"] = Field(
        default="oldest_first", description="The order of lists is not documented."
    )
    largest_page: int = Field(
        default=100,
        ge=1,
        description="The maximum of per_page is not documented; larger values are reduced to this.",
    )
    clock_offset_seconds: float = Field(
        default=0,
        description="The server's clock may differ from ours: its timestamps are off by this.",
    )
    late_charge_after_replace_seconds: float = Field(
        default=0,
        ge=0,
        description="A charge received before a newer reservation may be booked up to this long after it.",
    )
    lapse_lag_seconds: float = Field(
        default=0,
        ge=0,
        description="An expired hold may be accepted until a cleanup job of the server removes it.",
    )
    delete_of_active_voucher: Literal["refuse", "accept"] = Field(
        default="refuse",
        description="The reference refuses only vouchers with charges; since 1.4 active ones too (changelog).",
    )
    charge_of_inactive_voucher: Literal["refuse", "accept"] = Field(
        default="refuse",
        description="Whether a hold of a voucher that was set inactive can still be charged is not documented.",
    )

    def but(self, **changes: Any) -> Self:
        """Return a copy with some switches changed. Raises ValidationError for an unknown switch or value."""
        return type(self).model_validate({**self.model_dump(), **changes})

    @classmethod
    def random(cls, seed: int) -> Self:
        """Return the combination of ``seed``: each switch is drawn independently."""
        draw = random.Random(seed)  # noqa: S311  drawn for tests, nothing secret
        return cls.model_validate({name: draw.choice(values) for name, values in _DRAWN.items()})


_DRAWN: dict[str, tuple[object, ...]] = {
    "second_charge": ("refuse", "same", "book_again"),
    "open_reservation_lowers_balance": (False, True),
    "reserve_checks": ("balance", "balance_minus_hold"),
    "refused_reserve_kills_hold": (False, True),
    "order_number_filter": ("exact", "prefix", "ignored"),
    "list_lag_seconds": (0, 5, 55),
    "refund_limit": ("up_to", "up_to", "up_to", "less_than"),
    "refund_limit_shrinks": (True, False),
    "refund_carries_order_number": (True, False),
    "refund_to_unusable_voucher": ("accept", "refuse"),
    "refund_by_other_client": ("accept", "refuse"),
    "recharge_of_unusable_voucher": ("accept", "refuse"),
    "cancel_reservation": ("absent", "not_allowed", "works"),
    "create_id_field": ("id", "custom_id", "both"),
    "connect_fields": ("reference", "guide", "both"),
    "connect_rotates_secret": (False, True),
    "post_status": (200, 201),
    "order_number_unique": (False, False, True),
    "accepts_zero": (False, True),
    "error_codes": ("documented", "opaque"),
    "refusal_status": (400, 403, 404, 409, 422),
    "forgets_closed_reservations": (False, True),
    "code_case_sensitive": (True, False),
    "repeated_status": ("accept", "refuse"),
    "reactivation_restarts_validity": (False, True),
    "status_comment_required": (False, True),
    "list_order": ("oldest_first", "newest_first"),
    "largest_page": (2, 25, 100),
    "clock_offset_seconds": (0, -40, 40, -7200, 7200),
    "late_charge_after_replace_seconds": (0, 0, 5),
    "lapse_lag_seconds": (0, 240),
    "delete_of_active_voucher": ("refuse", "refuse", "accept"),
    "charge_of_inactive_voucher": ("refuse", "accept"),
}
"""The values drawn, weighted by repetition. A new switch goes last: each seed keeps its other draws.

Not drawn: ``code_names``, and PIN locks, which make a voucher unusable.
"""

DOCUMENTED = Behaviour()

LENIENT = Behaviour(
    second_charge="same",
    refund_limit_shrinks=False,
    cancel_reservation="works",
    create_id_field="both",
    connect_fields="both",
    accepts_zero=True,
    code_case_sensitive=False,
    reactivation_restarts_validity=True,
    delete_of_active_voucher="accept",
)

HOSTILE = Behaviour(
    second_charge="book_again",
    open_reservation_lowers_balance=True,
    reserve_checks="balance_minus_hold",
    refused_reserve_kills_hold=True,
    order_number_filter="ignored",
    list_lag_seconds=55,
    refund_limit="less_than",
    refund_limit_shrinks=False,
    refund_carries_order_number=False,
    refund_to_unusable_voucher="refuse",
    refund_by_other_client="refuse",
    recharge_of_unusable_voucher="refuse",
    cancel_reservation="absent",
    create_id_field="custom_id",
    connect_fields="guide",
    connect_rotates_secret=True,
    post_status=201,
    error_codes="opaque",
    refusal_status=409,
    forgets_closed_reservations=True,
    wrong_pins_until_locked=5,
    repeated_status="refuse",
    status_comment_required=True,
    list_order="newest_first",
    largest_page=2,
    clock_offset_seconds=-7200,
    late_charge_after_replace_seconds=5,
    lapse_lag_seconds=240,
    charge_of_inactive_voucher="accept",
)

PRESETS = {"documented": DOCUMENTED, "lenient": LENIENT, "hostile": HOSTILE}
