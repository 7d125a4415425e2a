"""The reference pages of the test kit and the switches are complete, and name nothing that does not exist."""

import inspect
import json
import re
import typing
from decimal import Decimal

import pytest

from tests.docs.pages import first_words, page, rows, section, words
from voucher_payment_gateway import testing
from voucher_payment_gateway.api import VoucherCloud
from voucher_payment_gateway.conf import ApiBehaviour
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.sandbox import DOCUMENTED, HOSTILE, LENIENT, Behaviour, Clock, Faults
from voucher_payment_gateway.sandbox.damage import KINDS
from voucher_payment_gateway.sandbox.faults import MOMENTS
from voucher_payment_gateway.testing import pytest_plugin, shop
from voucher_payment_gateway.testing.cloud import ServedVoucherCloud, make_voucher, served

TEST_KIT, SWITCHES = page("reference/test-kit.md"), page("reference/api-behaviour.md")
FIELDS = Behaviour.model_fields


# api-behaviour.md


def switch_rows() -> dict[str, list[str]]:
    return {words(cells[0])[0]: cells for cells in rows(section(SWITCHES, "Switches"))}


def test_every_switch_has_its_row_and_no_other_has():
    assert first_words(section(SWITCHES, "Switches")) == list(FIELDS)


@pytest.mark.parametrize("name", FIELDS)
def test_a_switch_is_told_with_its_values_default_and_reason(name):
    _, values, default, reason, meaning, _ = switch_rows()[name]
    annotation = FIELDS[name].annotation
    if typing.get_origin(annotation) is typing.Literal:
        assert words(values) == [json.dumps(value) for value in typing.get_args(annotation)]
    else:
        names = {bool: "true or false", float: "seconds", int: "number"}
        assert values == names.get(annotation, "dict of reason to code")
    assert words(default) == [json.dumps(FIELDS[name].get_default(call_default_factory=True))]
    assert reason == FIELDS[name].description
    assert meaning.endswith(".")


@pytest.mark.parametrize("name", FIELDS)
def test_a_switch_is_told_with_its_place_in_the_settings(name):
    documented = switch_rows()[name][5]
    assert (documented != "no") is (name in ApiBehaviour.model_fields)
    for value in typing.get_args(FIELDS[name].annotation) if name in ApiBehaviour.model_fields else ():
        try:
            ApiBehaviour(**{name: value})
        except ValueError:
            assert f"`{json.dumps(value)}`" in documented
        else:
            assert documented == "yes" or f"`{json.dumps(value)}`" not in documented


def test_every_key_of_the_settings_is_a_switch():
    assert ApiBehaviour.model_fields.keys() <= FIELDS.keys()


def test_the_presets_are_told_where_they_leave_the_default():
    documented = {words(cells[0])[0]: cells[1:] for cells in rows(section(SWITCHES, "Presets"))}
    for name in FIELDS:
        usual = getattr(DOCUMENTED, name)
        values = [getattr(preset, name) for preset in (LENIENT, HOSTILE)]
        expected = ["" if value == usual else f"`{json.dumps(value)}`" for value in values]
        assert documented.get(name, ["", ""]) == expected


# test-kit.md


def test_every_fixture_has_its_row_and_no_other_has():
    documented = first_words(section(TEST_KIT, "Fixtures"))
    assert sorted(documented) == sorted(pytest_plugin.__all__)


def test_every_public_name_has_its_row_and_no_other_has():
    documented = [word.partition("(")[0] for word in first_words(section(TEST_KIT, "Names"))]
    assert sorted(documented) == sorted(testing.__all__)
    assert all(hasattr(testing, name) for name in testing.__all__)
    with pytest.raises(AttributeError):
        testing.something_else  # noqa: B018


def test_every_setting_that_changes_has_its_row(settings):
    settings.VOUCHER_PAYMENT_GATEWAY = {"ORDER_MODEL": "shop.Order"}
    changed = shop.settings_for("http://127.0.0.1:1/v1", "id", "secret").keys() - {"ORDER_MODEL"}
    assert set(first_words(section(TEST_KIT, "Settings during a test"))) == changed


def public(cls) -> set[str]:
    return {name for name in dir(cls) if not name.startswith("_")}


def test_what_the_cloud_the_clock_and_the_faults_can_do_exists():
    cloud = ServedVoucherCloud()
    documented = [word.partition("(")[0] for word in first_words(section(TEST_KIT, "The cloud"))]
    assert [name for name in documented if not hasattr(cloud, name)] == []
    clock = {word.partition("(")[0] for word in first_words(section(TEST_KIT, "Clock"))}
    assert clock <= public(Clock)
    documented = {word.partition("(")[0] for cells in fault_tables()[0] for word in words(cells[0])}
    assert documented == (public(Faults) | {"log"}) - {"answer"}


def fault_tables() -> list[list[list[str]]]:
    """Return the tables of calls, of moments and of kinds."""
    sizes = {2: [], 4: []}
    for cells in rows(section(TEST_KIT, "Faults")):
        sizes[len(cells)].append(cells)
    moments = [cells for cells in sizes[2] if words(cells[0])[0] in MOMENTS]
    return [[cells for cells in sizes[2] if cells not in moments], moments, sizes[4]]


def test_the_arguments_of_a_fault_are_told_with_their_defaults():
    (documented,) = [
        words(cells[0])[0] for cells in fault_tables()[0] if words(cells[0])[0].startswith("next(")
    ]
    for parameter in list(inspect.signature(Faults.next).parameters.values())[2:]:
        assert f"{parameter.name}={json.dumps(parameter.default).replace('null', 'None')}" in documented


def told_kinds() -> list[tuple[str, list[str]]]:
    return [(kind, cells) for cells in fault_tables()[2] for kind in words(cells[0])]


def test_every_moment_and_every_kind_has_its_row_and_no_other_has():
    assert [words(cells[0])[0] for cells in fault_tables()[1]] == list(MOMENTS)
    named = {re.match(r"[a-z]*", kind)[0] for kind, _ in told_kinds()}
    assert named == set(KINDS)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(("kind", "cells"), told_kinds())
def test_a_charge_ends_as_is_told_of_each_fault(kind, cells, moment):
    documented = words(cells[2 if moment == "before" else 3]) or [None]
    kind = kind.replace("SECONDS", "0.001").replace("URL", "https://elsewhere.example/")
    assert [error_of_a_charge(f"{moment}:{kind}")] == documented


def error_of_a_charge(fault: str) -> str | None:
    with served() as cloud:
        known = {"client_id": cloud.client_id, "client_secret": cloud.client_secret}
        patience = {"timeout_seconds": 0.5, "deadline_seconds": 5.0}
        with VoucherCloud(base_url=cloud.base_url, **known, **patience) as client:
            code = make_voucher(cloud).code
            held = client.reserve(code=code, amount=Decimal("5.00"), currency="EUR")
            cloud.faults.next(fault, path="*/charge")
            try:
                client.charge(held.id, "ORDER-1")
            except VoucherGatewayError as error:
                return type(error).__name__
            return None
