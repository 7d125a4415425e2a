"""The wire models: tolerant of what is new, never of what is wrong."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from tests.api.doubles import CHARGE, COMPLETE, RESERVATION, VOUCHER
from voucher_payment_gateway.api import Charge, ClientCredentials, CompleteVoucher, Reservation, Voucher

MODELS = [(Voucher, VOUCHER), (CompleteVoucher, COMPLETE), (Reservation, RESERVATION), (Charge, CHARGE)]
RELIED_ON = [
    (Voucher, VOUCHER, ("id", "currency", "status")),
    (Reservation, RESERVATION, ("id", "voucher_id", "amount")),
    (Charge, CHARGE, ("id", "type", "amount")),
]
AMOUNTS_THAT_ARE_NONE = [
    10.0, 10, "10", "10.0", "10.000", "10,00", "-1.00", "+1.00", "1e2", "NaN", "", " 10.00", "10.00\n",
    "١٠.٠٠", float("nan"), True, [], Decimal("NaN"), Decimal("1.001"), Decimal("-1"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "answer"), MODELS)
def test_unknown_fields_are_ignored(model, answer):
    assert model.model_validate({**answer, "brand_new": [1.5]}) == model.model_validate(answer)


@pytest.mark.parametrize(("model", "answer", "fields"), RELIED_ON)
def test_a_field_that_the_gateway_relies_on_must_be_there_and_be_right(model, answer, fields):
    for field in fields:
        for wrong in ({k: v for k, v in answer.items() if k != field}, {**answer, field: None}):
            with pytest.raises(ValidationError):
                model.model_validate(wrong)
        for value in (7, 1.5, True, [], {}, ""):
            with pytest.raises(ValidationError):
                model.model_validate({**answer, field: value})


@pytest.mark.parametrize("amount", AMOUNTS_THAT_ARE_NONE)
def test_an_amount_is_a_string_with_two_decimals(amount):
    for model, answer, field in (
        (Reservation, RESERVATION, "amount"),
        (Charge, CHARGE, "amount"),
        (Voucher, VOUCHER, "remaining_amount"),
    ):
        with pytest.raises(ValidationError):
            model.model_validate({**answer, field: amount})


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("valid_until", "2025-07-21T17:32:28"),
        ("valid_until", "soon"),
        ("valid_until", 1753119148),
        ("created_at", ""),
        ("tax_rate", 19),
        ("tax_rate", 19.5),
        ("tax_rate", "19%"),
        ("tax_rate", "NaN"),
        ("taxable", "true"),
        ("taxable", 1),
        ("data", {"foo": "bar"}),
        ("validity_value", "24"),
        ("validity_value", True),
        ("sku", 7),
        ("currency", "EURO"),
        ("currency", "E1R"),
    ],
)
def test_a_wrong_type_is_never_taken(field, wrong):
    with pytest.raises(ValidationError):
        Voucher.model_validate({**VOUCHER, field: wrong})


def test_the_example_of_the_documentation_is_read():
    voucher = Voucher.model_validate(
        {
            "id": "4ZH83T0ACUUC14CW",
            "client_id": "da39a3ee5eb28b7392ef5",
            "sku": "AJHS8675FG",
            "batch": "Winter Campaign",
            "amount": "10.53",
            "currency": "EUR",
            "valid_until": "2025-07-21T17:32:28+00:00",
            "validity_value": 24,
            "validity_interval": "months",
            "status": "active",
            "type": "digital",
            "taxable": True,
            "tax_rate": "19",
            "order_number": "Order 66",
            "data": '{"foo": "bar"}',
            "created_at": "2017-07-21T17:32:28Z",
            "updated_at": "2017-07-21T17:32:28Z",
            "remaining_amount": "5.50",
            "deletable": True,
        }
    )
    assert (voucher.amount, voucher.remaining_amount, voucher.tax_rate) == (
        Decimal("10.53"),
        Decimal("5.50"),
        Decimal("19"),
    )
    assert voucher.data == '{"foo": "bar"}'


@pytest.mark.parametrize(
    "answer",
    [
        {"id": "i", "secret": "s"},
        {"client_id": "i", "client_secret": "s"},
        {"client_id": "i", "id": "other", "client_secret": "s", "secret": "other"},
        {"client_id": None, "id": "i", "client_secret": None, "secret": "s"},
    ],
)
def test_credentials_are_read_in_either_spelling(answer):
    credentials = ClientCredentials.model_validate({**answer, "scopes": [], "type": "pos"})
    assert (credentials.id, credentials.secret, credentials.scopes) == ("i", "s", ())


def test_models_are_frozen():
    with pytest.raises(ValidationError):
        Charge.model_validate(CHARGE).amount = Decimal("1.00")


@pytest.mark.parametrize("model", [*(model for model, _ in MODELS), ClientCredentials])
def test_every_field_is_described(model):
    assert [name for name, field in model.model_fields.items() if not field.description] == []


@pytest.mark.parametrize("not_an_object", [None, [], "text", 7])
def test_only_an_object_is_an_answer(not_an_object):
    for model in (Voucher, ClientCredentials, Charge):
        with pytest.raises(ValidationError):
            model.model_validate(not_an_object)


@pytest.mark.parametrize("instant", ["9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+05:00"])
def test_an_instant_at_the_edge_of_time_breaks_the_contract_and_nothing_else(instant):
    from pydantic import ValidationError

    from voucher_payment_gateway.api import Charge

    with pytest.raises(ValidationError):
        Charge.model_validate({"id": "b1", "type": "charge", "amount": "5.00", "created_at": instant})


@pytest.mark.parametrize(
    ("written", "second"),
    [("2026-11-25t12:00:00z", 0), ("2026-12-31T23:59:60Z", 59), ("2026-12-31T23:59:60.5+00:00", 59)],
)
def test_instants_are_understood_in_every_form_that_rfc_3339_allows(written, second):
    from voucher_payment_gateway.api import Charge

    charge = Charge.model_validate({"id": "b1", "type": "charge", "amount": "5.00", "created_at": written})
    assert charge.created_at.second == second


@pytest.mark.parametrize("id", [".", "..", "a\nb", "a\0b", "a\ud800"])
def test_an_id_that_can_never_stand_in_a_path_is_no_answer(id):
    with pytest.raises(ValidationError):
        Charge.model_validate({"id": id, "type": "charge", "amount": "5.00"})
