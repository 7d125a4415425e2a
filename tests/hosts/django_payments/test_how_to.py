"""The page about django-payments says what this project does."""

import inspect
import re
from io import StringIO

from django.conf import settings
from django.core.management import call_command

from tests.docs.pages import DOCS, blocks, page, section, words
from tests.docs.pages import rows as table_rows
from tests.hosts.django_payments import views
from tests.hosts.django_payments.models import Order
from voucher_payment_gateway.hosts.django_payments import VoucherProvider

PAGE = DOCS / "how-to/use-django-payments.md"
TEXT = page("how-to/use-django-payments.md")


def documented_settings():
    """Run the settings of the page, with the name of this project in place of the shop's."""
    (block,) = [block for block in blocks(PAGE) if block.text.startswith("INSTALLED_APPS")]
    names = {}
    own = block.text.replace('"shop.Payment"', '"django_payments.Payment"')
    exec(own.replace('"shop"', '"tests.hosts.django_payments"'), names)
    return {name: value for name, value in names.items() if name.isupper()}


def test_the_settings_are_complete_and_those_of_this_project():
    documented = documented_settings()
    gateway = documented.pop("VOUCHER_PAYMENT_GATEWAY")
    variants = documented.pop("PAYMENT_VARIANTS")
    assert {name: getattr(settings, name) for name in documented} == documented
    assert {key: settings.VOUCHER_PAYMENT_GATEWAY[key] for key in gateway} == gateway
    assert set(settings.VOUCHER_PAYMENT_GATEWAY) - set(gateway) == {"THROTTLE"}
    assert {name: settings.PAYMENT_VARIANTS[name] for name in variants} == variants


def test_the_checks_have_nothing_to_say(db, settings):
    settings.DEBUG = True  # as it is where ENVIRONMENT is "local"
    errors = StringIO()
    call_command("check", fail_level="WARNING", stdout=StringIO(), stderr=errors)
    assert errors.getvalue() == ""


def test_the_model_and_the_page_are_those_of_this_project():
    shown = [block.text for block in blocks(PAGE) if block.language == "python"]
    for source in map(inspect.getsource, (Order, views.pay)):
        assert any(source in text for text in shown)


def test_each_option_of_the_provider_is_told_with_its_default():
    table = section(TEXT, "Settings")
    documented = {words(cells[0])[0]: words(cells[1])[0] for cells in table_rows(table)}
    parameters = list(inspect.signature(VoucherProvider).parameters.values())
    assert documented == {each.name: str(each.default) for each in parameters}


def test_the_statuses_of_the_table_are_those_of_the_host():
    from payments import PaymentStatus

    told = {words(cells[1])[0] for cells in table_rows(section(TEXT, "Capture, refund, release"))}
    assert told == {"preauth", "confirmed", "refunded", "rejected"}
    assert told <= dict(PaymentStatus.CHOICES).keys()


def test_a_variant_with_another_name_has_no_address():
    from django.urls import NoReverseMatch, reverse

    for name, has_address in (("voucher", True), ("gift-voucher", True), ("voucher_1", False)):
        try:
            reverse("static_process_payment", args=[name])
        except NoReverseMatch:
            assert not has_address
        else:
            assert has_address
    assert all(re.fullmatch("[a-z-]+", name) for name in settings.PAYMENT_VARIANTS)
