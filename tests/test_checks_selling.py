"""The checks of a shop that sells gift vouchers."""

import pytest

from tests.mail_settings import mail_settings
from tests.shop import signals
from tests.test_checks import EVENTS, GOOD, given  # noqa: F401  a fixture
from tests.test_checks_driving import STATUSES, told
from voucher_payment_gateway.checks import check_deployment
from voucher_payment_gateway.signals import voucher_activated

SELLING = {
    "SOLD_VOUCHERS": "tests.shop.sold.vouchers",
    "EVENTS": {**EVENTS, "activate": EVENTS["authorize"]},
}


def sells_async():
    """Stands for what a path may name."""


async def later(order):
    return []


not_callable = 5


def test_a_shop_that_sells_vouchers_has_nothing_to_hear(given):  # noqa: F811
    more = {
        "ORDER_IS_PAID": "tests.shop.sold.is_paid",
        "CUSTOMER_ORDERS": "tests.shop.checkout.current_order",
    }
    assert given({**SELLING, **more}) == []


@pytest.mark.parametrize("key", ["SOLD_VOUCHERS", "ORDER_IS_PAID", "CUSTOMER_ORDERS"])
@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("nowhere.sold", "is not a callable that can be imported: there is no module 'nowhere'"),
        ("sold", "is not a callable that can be imported: there is no dot in it"),
        ("tests.shop.sold.vouchrs", "has no 'vouchrs'; did you mean 'vouchers'?"),
        (f"{__name__}.not_callable", "is not a callable that can be imported: it is an int"),
        (f"{__name__}.sells_async", "takes other arguments."),
        ("tests.shop.checkout.two_arguments", "takes other arguments."),
        (f"{__name__}.later", "is a coroutine function: write it without async."),
        ("tests.shop.models.Order", "is a class: it returns itself, and no "),
    ],
)
def test_a_callable_that_cannot_be_asked_is_an_error(given, key, path, problem):  # noqa: F811
    ((number, text),) = told(given({**SELLING, key: path}))
    assert number == "E052"
    assert text.startswith(f"{key}: {path!r} ")
    assert problem in text


@pytest.mark.parametrize("value", [5, None, ["tests.shop.sold.vouchers"]])
@pytest.mark.parametrize("key", ["SOLD_VOUCHERS", "ORDER_IS_PAID", "CUSTOMER_ORDERS"])
def test_a_callable_is_named_by_its_path(given, key, value):  # noqa: F811
    assert told(given({**SELLING, key: value})) == [("E052", f"{key}: must be text")]


def test_codes_of_sold_vouchers_need_a_key(given):  # noqa: F811
    assert [number for number, _ in told(given({**SELLING, "SEALING_KEYS": []}))] == ["E053"]


@pytest.mark.parametrize(
    ("driven", "keys"),
    [
        ({"EVENTS": EVENTS}, "EVENTS"),
        ({"EVENTS": {}, "ON_STATUS": STATUSES}, "ON_STATUS"),
        ({"EVENTS": {**EVENTS, "activate": []}, "ON_STATUS": STATUSES}, "EVENTS and ON_STATUS"),
    ],
)
def test_vouchers_that_nothing_activates_are_told(given, driven, keys):  # noqa: F811
    text = f"{keys}: nothing drives activate: no sold voucher becomes valid."
    assert told(given({**SELLING, **driven})) == [("W054", text)]
    assert given({**driven}) == []


def test_a_status_may_activate_as_well(given):  # noqa: F811
    assert given({**SELLING, "EVENTS": {}, "ON_STATUS": {**STATUSES, "activate": ["paid"]}}) == []


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"VOUCHER_DELIVERY": "post"}, "VOUCHER_DELIVERY: must be 'mail', 'signal' or 'page'"),
        ({"VOUCHERS_PAY_FOR_VOUCHERS": "never"}, "VOUCHERS_PAY_FOR_VOUCHERS: must be True or False"),
        ({"BALANCE_CHECK": 5}, "BALANCE_CHECK: must be True or False"),
        ({"UNPAID_SALE_DAYS": 0}, "UNPAID_SALE_DAYS: must be above 0"),
        ({"UNPAID_SALE_DAYS": 367}, "UNPAID_SALE_DAYS: must be at most 366"),
        ({"UNPAID_SALE_DAYS": float("nan")}, "UNPAID_SALE_DAYS: must be at most 366"),
        ({"UNPAID_SALE_DAYS": "two weeks"}, "UNPAID_SALE_DAYS: must be a number"),
        ({"REMIND_DAYS": -1}, "REMIND_DAYS: must be at least 0"),
        ({"REMIND_DAYS": 367}, "REMIND_DAYS: must be at most 366"),
        ({"REMIND_DAYS": 1.5}, "REMIND_DAYS: must be a whole number"),
        ({"REFUND_FALLBACK": "manual"}, "REFUND_FALLBACK: must be a list"),
        ({"REFUND_FALLBACK": ["cash"]}, "REFUND_FALLBACK.0: must be 'recharge', 'new_voucher' or 'manual'"),
        ({"REFUND_FALLBACK": ["recharge", "recharge"]}, "REFUND_FALLBACK: names a step twice"),
        ({"REFUND_FALLBACK": ["manual", "recharge"]}, 'REFUND_FALLBACK: "manual" must be the last step'),
        ({"SHOP_URL": "shop.example"}, 'SHOP_URL: must begin with "https://"'),
        ({"MAIL_FROM": 5}, "MAIL_FROM: must be text"),
    ],
)
def test_a_wrong_value_is_told_in_words(given, wrong, sentence):  # noqa: F811
    assert told(given({**SELLING, **wrong})) == [("E055", sentence)]


def test_a_signal_that_nobody_hears_is_told(given, monkeypatch):  # noqa: F811
    monkeypatch.setattr(voucher_activated, "receivers", [])
    by_signal = {**SELLING, "VOUCHER_DELIVERY": "signal"}
    assert [number for number, _ in told(given(by_signal))] == ["W056"]
    assert given({**by_signal, "SOLD_VOUCHERS": ""}) == []

    def hear(**_):
        pass

    voucher_activated.connect(hear)
    try:
        assert given(by_signal) == []
    finally:
        voucher_activated.disconnect(hear)


@pytest.mark.parametrize(
    ("backend", "is_told"),
    [
        *(
            (f"django.core.mail.backends.{kind}.EmailBackend", True)
            for kind in ("console", "dummy", "locmem")
        ),
        ("django.core.mail.backends.filebased.EmailBackend", True),
        ("django.core.mail.backends.smtp.EmailBackend", False),
        ("anymail.backends.console.EmailBackend", False),
    ],
)
def test_a_mail_backend_that_sends_nothing_is_told_before_a_deployment(settings, backend, is_told):
    del settings.MAILERS
    for name, value in mail_settings(backend).items():
        setattr(settings, name, value)
    settings.VOUCHER_PAYMENT_GATEWAY = {**GOOD, **SELLING}
    assert ("W057" in [number for number, _ in told(check_deployment())]) == is_told
    for other in ({"SOLD_VOUCHERS": ""}, {"VOUCHER_DELIVERY": "signal"}):
        settings.VOUCHER_PAYMENT_GATEWAY = {**GOOD, **SELLING, **other}
        assert "W057" not in [number for number, _ in told(check_deployment())]


# what drives a sale


@pytest.mark.parametrize(
    ("verbs", "would"),
    [
        (("issue", "take_back"), "sell the gift vouchers and take them back"),
        (("activate", "take_back"), "sell the gift vouchers and take them back"),
        (("capture", "take_back"), "take the money and take back the gift vouchers that it pays for"),
    ],
)
def test_one_status_or_signal_that_sells_and_takes_back_is_an_error(given, verbs, would):  # noqa: F811
    first, second = verbs
    by_status = {**STATUSES, first: ["done"], second: ["gone", "done"]}
    text = f"'done' stands under {first} and under {second}: it would {would}."
    assert told(given({"EVENTS": {}, "ON_STATUS": by_status})) == [("E027", f"ON_STATUS: {text}")]
    path = EVENTS["authorize"]
    by_signal = {**EVENTS, first: path, second: f"{__name__}.same_as_confirmed"}
    assert [number for number, _ in told(given({"EVENTS": by_signal}))] == ["E027"]


same_as_confirmed = signals.confirmed


def test_a_status_may_sell_and_take_the_money_or_return_both(given):  # noqa: F811
    drive = {
        **STATUSES,
        "issue": ["confirmed"],
        "activate": ["confirmed", "shipped"],
        "take_back": ["returned"],
    }
    assert given({"EVENTS": {}, "ON_STATUS": drive}) == []


@pytest.mark.parametrize(
    ("wrong", "meant"), [("issues", "issue"), ("activat", "activate"), ("takeback", "take_back")]
)
def test_a_misspelt_verb_is_told_with_the_one_that_was_meant(given, wrong, meant):  # noqa: F811
    for number, key, value in (("E010", "EVENTS", EVENTS["capture"]), ("E011", "ON_STATUS", ["done"])):
        drive = {"EVENTS": EVENTS, "ON_STATUS": STATUSES}[key]
        ((told_number, text),) = told(given({key: {**drive, wrong: value}}))
        assert (told_number, text.endswith(f"; did you mean {key}.{meant}?")) == (number, True)
