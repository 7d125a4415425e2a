"""The checks of ``EVENTS`` and ``ON_STATUS``: what would drive nothing, the wrong thing, or both ways at once."""

import pytest
from django.db import models
from django.db.models.signals import post_save
from django.dispatch import Signal

from tests.shop import signals
from tests.shop.models import Order
from tests.test_checks import EVENTS, given  # noqa: F401  a fixture
from voucher_payment_gateway import events

STATUSES = {
    "field": "status",
    "authorize": ["confirmed"],
    "capture": ["shipped"],
    "refund": ["returned"],
    "cancel": ["cancelled"],
}


class Status(models.TextChoices):
    NEW = "new", "New"
    CONFIRMED = "confirmed", "Confirmed"
    SHIPPED = "shipped", "On its way"
    RETURNED = "returned", "Returned"
    CANCELLED = "cancelled", "Cancelled"


@pytest.fixture
def choices(monkeypatch):
    """Give the status field of the order these choices."""

    def give(values):
        monkeypatch.setattr(Order._meta.get_field("status"), "choices", values)

    return give


def told(messages):
    return [(message.id[-4:], message.msg.removeprefix("VOUCHER_PAYMENT_GATEWAY: ")) for message in messages]


# statuses


@pytest.mark.parametrize(
    "values", [Status.choices, [("Open", Status.choices[:2]), ("Closed", Status.choices[2:])], Status]
)
def test_a_status_that_the_field_does_not_have_is_told_with_the_one_that_was_meant(given, choices, values):  # noqa: F811
    choices(values)
    assert given({"ON_STATUS": STATUSES}) == []
    wrong = {"ON_STATUS": {**STATUSES, "capture": ["shiped"], "refund": ["gone"]}}
    assert told(given(wrong)) == [
        ("E011", "ON_STATUS.capture: 'status' of shop.Order never is 'shiped'; did you mean 'shipped'?"),
        ("E011", "ON_STATUS.refund: 'status' of shop.Order never is 'gone'."),
    ]


def test_a_field_without_choices_may_have_any_status(given):  # noqa: F811
    assert given({"ON_STATUS": {**STATUSES, "capture": ["whatever"]}}) == []


def test_statuses_of_whole_numbers_are_compared_as_they_are_written(given, choices):  # noqa: F811
    choices([(1, "New"), (2, "Shipped")])
    wrong = {"field": "status", "authorize": ["1"], "capture": ["2"], "cancel": ["3"]}
    assert told(given({"ON_STATUS": wrong})) == [
        ("E011", "ON_STATUS.cancel: 'status' of shop.Order never is '3'.")
    ]


# both ways at once


@pytest.mark.parametrize("taking", ["authorize", "capture"])
@pytest.mark.parametrize("giving", ["refund", "cancel"])
def test_one_status_that_takes_and_gives_back_is_an_error(given, taking, giving):  # noqa: F811
    both = {**STATUSES, taking: [*STATUSES[taking], "done"], giving: ["done", *STATUSES[giving]]}
    assert told(given({"ON_STATUS": both})) == [
        (
            "E027",
            f"ON_STATUS: 'done' stands under {taking} and under {giving}: it would take the money and give it back.",
        )
    ]


@pytest.mark.parametrize("alias", ["tests.shop.signals.shipped", "tests.test_checks_driving.same_as_shipped"])
def test_one_signal_that_takes_and_gives_back_is_an_error_under_any_path(given, alias):  # noqa: F811
    both = {**EVENTS, "cancel": [EVENTS["cancel"], alias]}
    assert [number for number, _ in told(given({"EVENTS": both}))] == ["E027"]


same_as_shipped = signals.shipped
renamed_post_save = post_save


@pytest.mark.parametrize("key", ["EVENTS", "ON_STATUS"])
def test_one_side_may_be_driven_twice(given, key):  # noqa: F811
    drive = {"EVENTS": EVENTS, "ON_STATUS": STATUSES}[key]
    same = {**drive, "authorize": drive["capture"], "refund": drive["cancel"]}
    assert given({"EVENTS": {}, key: same}) == []


def test_paths_that_name_nothing_are_reported_as_that_alone(given):  # noqa: F811
    nowhere = {**EVENTS, "capture": "nowhere.shipped", "cancel": "nowhere.shipped"}
    assert [number for number, _ in told(given({"EVENTS": nowhere}))] == ["E010", "E010"]


# what nothing drives


@pytest.mark.parametrize(
    "changes", [{"EVENTS": {}}, {"EVENTS": {"capture": []}}, {"EVENTS": {}, "ON_STATUS": {"field": "status"}}]
)
def test_where_nothing_drives_the_payments_it_is_told(given, changes):  # noqa: F811
    assert [number for number, _ in told(given(changes))] == ["W034"]


@pytest.mark.parametrize(
    ("verbs", "capture", "missing"),
    [
        ("capture", "manual", ["authorize", "cancel"]),
        ("capture", "immediate", ["authorize", "cancel"]),
        ("authorize", "manual", ["capture", "cancel"]),
        ("authorize", "immediate", ["cancel"]),
        ("authorize cancel", "immediate", []),
        ("cancel", "immediate", ["authorize", "capture"]),
        ("authorize capture", "manual", ["cancel"]),
        ("authorize capture cancel", "manual", []),
    ],
)
@pytest.mark.parametrize("key", ["EVENTS", "ON_STATUS"])
def test_a_verb_that_nothing_drives_is_told(given, key, verbs, capture, missing):  # noqa: F811
    drive = {"EVENTS": EVENTS, "ON_STATUS": STATUSES}[key]
    some = {name: value for name, value in drive.items() if name in ("field", *verbs.split())}
    messages = told(given({"EVENTS": {}, key: some, "CAPTURE": capture}))
    assert [number for number, _ in messages] == ["W035"] * len(missing)
    for (_, text), verb in zip(messages, missing, strict=True):
        assert text.startswith(f"{key}: nothing drives {verb}: ")


def test_signals_and_statuses_may_share_the_verbs(given):  # noqa: F811
    assert given({"EVENTS": {"authorize": EVENTS["authorize"]}, "ON_STATUS": STATUSES}) == []


# signals that name no order


FOREIGN = [
    "django.db.models.signals.post_save",
    "django.contrib.auth.signals.user_logged_in",
    "django.core.signals.request_started",
    "django.test.signals.template_rendered",
    "voucher_payment_gateway.signals.payment_captured",
    f"{__name__}.renamed_post_save",
]


@pytest.mark.parametrize("path", FOREIGN)
def test_a_signal_that_names_no_order_is_an_error_and_drives_nothing(given, path):  # noqa: F811
    (message,) = given({"EVENTS": {**EVENTS, "capture": path}})
    assert (message.id[-4:], path in message.msg) == ("E010", True)
    assert all(isinstance(signal, Signal) and "capture" not in uid for signal, uid in events._connected)


@pytest.mark.django_db
def test_with_such_a_signal_a_user_is_created_all_the_same(given, django_user_model):  # noqa: F811
    given({"EVENTS": {"capture": "django.db.models.signals.post_save"}})
    assert django_user_model.objects.create(username="someone").pk
