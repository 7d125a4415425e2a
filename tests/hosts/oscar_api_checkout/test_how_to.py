"""The page about django-oscar-api-checkout says what this project does."""

import json
from io import StringIO

from django.conf import settings
from django.core.management import call_command

from tests.docs.pages import DOCS, blocks, page

PAGE = DOCS / "how-to/use-oscar-api-checkout.md"
TEXT = page("how-to/use-oscar-api-checkout.md")


def documented(start, names):
    """Run an example of the page, with the name of this project in place of the shop's; return what it defines."""
    (block,) = [block for block in blocks(PAGE) if start in block.text]
    exec(block.text.replace('"shop.', '"tests.hosts.oscar_api_checkout.'), names)
    return names


def test_the_settings_are_complete_and_those_of_this_project(monkeypatch):
    monkeypatch.setenv("VOUCHER_SEALING_KEY", settings.VOUCHER_PAYMENT_GATEWAY["SEALING_KEYS"][0])
    names = documented("INSTALLED_APPS", {})
    ours, theirs = names["VOUCHER_PAYMENT_GATEWAY"], settings.VOUCHER_PAYMENT_GATEWAY

    assert set(names["INSTALLED_APPS"]) <= {*settings.INSTALLED_APPS}
    own = [method["method"] for method in settings.API_ENABLED_PAYMENT_METHODS]
    assert [method["method"] for method in names["API_ENABLED_PAYMENT_METHODS"]] == own[:2]
    for name in ("ORDER_AUTHORIZED_AMOUNT_CALCULATOR", "SILENCED_SYSTEM_CHECKS"):
        assert names[name] == getattr(settings, name)
    computed = {"ENVIRONMENT", "CLIENT_ID", "CLIENT_SECRET"}
    assert {key: theirs[key] for key in ours.keys() - computed} == {
        key: ours[key] for key in ours.keys() - computed
    }
    assert theirs.keys() - ours.keys() == {"THROTTLE"}


def test_the_addresses_are_those_of_this_project():
    from tests.hosts.oscar_api_checkout import urls

    shown = documented("PaymentStatesView", {})["urlpatterns"]

    present = [str(each.pattern) for each in urls.urlpatterns]
    assert [present.index(str(each.pattern)) for each in shown] == [2, 3]


def test_the_checks_have_nothing_to_say(db, settings):
    settings.DEBUG = True  # the local Voucher Cloud is warned of without it
    errors = StringIO()
    call_command("check", "voucher_payment_gateway", fail_level="WARNING", stdout=StringIO(), stderr=errors)
    assert errors.getvalue() == ""


def test_the_request_of_the_page_pays_an_order(api_shop):
    (block,) = [block for block in blocks(PAGE) if '"method_type"' in block.text]
    api_shop.voucher("12.00", code="GIFT-2000-ABCD", pin="2468")
    buyer = api_shop.buyer("30.00")

    buyer.checkout(**json.loads(block.text)["payment"])

    assert buyer.states() == (
        "Authorized",
        {"voucher-1": ("Consumed", "12.00"), "cash": ("Consumed", "18.00")},
    )
