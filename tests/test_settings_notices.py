"""The settings of notices to staff keep their secrets to themselves, and plain HTTP to development."""

import pytest

from tests.test_checks import GOOD
from voucher_payment_gateway.conf import GatewaySettings, StaffNotices, problems

SECRET = "canary-of-staff-" * 3
WEBHOOK = "https://hooks.example/canary-in-the-path"


def with_notices(environment="production", **notices):
    return {
        **GOOD,
        "ENVIRONMENT": environment,
        "SHOP_URL": "https://shop.example",
        "STAFF_NOTICES": notices,
    }


def test_no_secret_is_in_a_repr_or_a_message():
    given = GatewaySettings.model_validate(with_notices(webhook=WEBHOOK, webhook_secret=SECRET))
    assert given.STAFF_NOTICES.channels == ["webhook"]
    assert "canary" not in repr(given)
    assert "canary" not in repr(given.STAFF_NOTICES)
    wrong = with_notices(webhook=f"ftp://{WEBHOOK}", webhook_secret=f"{SECRET}ü", emails=["canary"])
    assert "canary" not in str(problems(wrong))
    assert len(problems(wrong)) == 2


@pytest.mark.parametrize(("environment", "is_allowed"), [("local", True), ("production", False)])
def test_plain_http_is_for_this_machine_in_development(settings, environment, is_allowed):
    settings.DEBUG = False
    given = with_notices(environment, webhook="http://127.0.0.1:9000/hook", webhook_secret=SECRET)
    assert (problems(given) == []) == is_allowed
    elsewhere = with_notices(environment, webhook="http://hooks.example", webhook_secret=SECRET)
    assert [key for key, _ in problems(elsewhere)] == ["STAFF_NOTICES"]


def test_a_misspelt_key_is_told_with_the_right_one():
    ((_, sentence),) = problems(with_notices(email=["ben@shop.example"]))
    assert "STAFF_NOTICES.emails?" in sentence


def test_both_ways_are_used_where_both_are_set():
    told = StaffNotices(emails=["ben@shop.example"], webhook=WEBHOOK, webhook_secret=SECRET)
    assert told.channels == ["mail", "webhook"]
