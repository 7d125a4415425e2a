"""The two how-to pages say what the doctor and the probe really do."""

import re

import pytest

from tests.docs.pages import page, rows, section, words
from tests.management.bench import pasted
from voucher_payment_gateway.management.doctor.rights import RIGHTS
from voucher_payment_gateway.management.probe.findings import api_behaviour
from voucher_payment_gateway.management.probe.refusals import CASES

CONNECT = page("how-to/connect-to-voucher-cloud.md")
PROBE = page("how-to/find-out-what-the-api-does.md")


def tables(heading):
    return {words(cells[0])[0]: cells for cells in rows(section(CONNECT, heading)) if words(cells[0])}


def test_every_check_of_the_doctor_is_told(found):
    documented = set(tables("Check the connection")) - {right.scope for right in RIGHTS}
    # reported only where an account is gone, a crash undoes commits (so it does with the settings of the tests), a name
    # is known, the address is wrong, or it sells
    sometimes = {"account …", "commits", "instance", "API", "selling"}
    assert documented - sometimes == {
        "right …" if check.startswith("right ") else check for check in found() if check not in sometimes
    }


@pytest.mark.parametrize("right", RIGHTS, ids=lambda right: right.scope)
def test_every_right_is_told_with_what_its_absence_means(right):
    cells = tables("Check the connection")[right.scope]
    assert cells[2] == ("trouble" if right.is_needed else "a warning")


def test_the_settings_that_the_probe_is_said_to_print_are_those(bench):
    (shown,) = re.findall(r"```text\n(.*?)```", PROBE, re.DOTALL)
    printed = api_behaviour(bench.run().values())
    assert printed.startswith(shown)
    assert pasted(printed)


def test_every_mistake_that_the_probe_makes_is_told():
    assert [name for name in CASES if name not in PROBE] == []
