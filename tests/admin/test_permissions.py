"""The groups that the page for staff proposes, compared with the permissions that the actions ask for."""

import pytest
from django.contrib.auth.models import Permission

from tests.docs.pages import page, rows, section, words
from voucher_payment_gateway.admin.actions.catalogue import ACTIONS

WHO = section(page("how-to/for-staff.md"), "Who may do what")
EXPLAIN = {"Explain difference": "change_voucherdifference"}


def groups():
    found = {cells[0]: (cells[1], set(words(cells[1]))) for cells in rows(WHO) if len(cells) == 2}
    clerk = found["clerk"][1]
    return {
        name: own | (clerk if "those of a clerk" in text else set()) for name, (text, own) in found.items()
    }


def table():
    return {cells[0].strip("*"): cells for cells in rows(WHO) if len(cells) == 5}


def test_every_action_is_told_with_its_permission_and_no_other_is():
    told = {title: words(cells[1])[0] for title, cells in table().items()}
    assert told == {str(action.title): action.permission for action in ACTIONS} | EXPLAIN


@pytest.mark.parametrize(("column", "group"), [(2, "clerk"), (3, "senior"), (4, "accountant")])
def test_a_group_may_do_what_is_told(column, group):
    told = {words(cells[1])[0] for cells in table().values() if cells[column] == "yes"}
    every = {words(cells[1])[0] for cells in table().values()}
    assert told == groups()[group] & every


def test_every_permission_that_is_told_exists(db):
    there = Permission.objects.filter(content_type__app_label="voucher_payment_gateway")
    named = set().union(*groups().values()) | {words(cells[1])[0] for cells in table().values()}
    assert named - set(there.values_list("codename", flat=True)) == set()
