"""PostgreSQL with ``synchronous_commit = off``: that a charge is being sent is not forgotten in a crash."""

import pytest
from django.db import connection, transaction

from tests.gateway.test_budget import Cost
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import UnavailableError
from voucher_payment_gateway.management.doctor.local import database_findings
from voucher_payment_gateway.models import VoucherOperation

OPERATIONS = VoucherOperation._meta.db_table


def setting():
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        return cursor.fetchone()[0]


@pytest.fixture
def use(shop, monkeypatch):
    """Open a connection with this ``synchronous_commit``, as a role or database with the setting does."""

    def reconnect(value):
        connection.close()
        options = {**connection.settings_dict["OPTIONS"], "options": f"-c synchronous_commit={value}"}
        monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)
        assert setting() == value

    yield reconnect
    connection.close()


@pytest.fixture
def written():
    """The setting under which each operation is called sending, or created."""
    seen = []

    def note(execute, sql, params, many, context):
        answer = execute(sql, params, many, context)
        is_beat_one = sql.startswith(f'INSERT INTO "{OPERATIONS}"') or '"attempts"' in sql.split("WHERE")[0]
        if OPERATIONS in sql and is_beat_one and sql.startswith(("INSERT", "UPDATE")):
            seen.append(setting())
        return answer

    with connection.execute_wrapper(note):
        yield seen


def commits_findings():
    """What the doctor tells of this setting; the server of the tests has others that a shop must not have."""
    found = [(finding.state, finding.text) for finding in database_findings() if finding.check == "commits"]
    return [(state, text) for state, text in found if text.startswith("synchronous_commit")]


if connection.vendor == "postgresql":

    def test_beat_one_waits_for_the_disk_and_nothing_else_does(use, order, written):
        use("off")
        gateway.capture(order)
        gateway.refund(order, "5.00")
        assert written == ["on", "on"]
        assert setting() == "off"

    def test_beat_one_of_a_due_charge_waits_for_the_disk(shop, use, order, written):
        use("off")
        shop.cloud.faults.next("before:503", path="*/charge")
        with pytest.raises(UnavailableError):
            gateway.capture(order)
        del written[:]
        shop.later(minutes=2)
        assert gateway.settle().sent == 1
        assert written == ["on"]

    def test_beat_one_in_the_callers_transaction_makes_all_of_it_wait(use, order, written):
        use("off")
        with transaction.atomic():
            gateway.capture(order)
            assert setting() == "on"
        assert written == ["on", "on"]  # due, then sending
        assert setting() == "off"

    @pytest.mark.parametrize("value", ["on", "local", "remote_apply"])
    def test_another_setting_is_left_alone_and_costs_no_statement(shop, use, order, written, value):
        use(value)
        with Cost(shop) as cost:
            gateway.capture(order)
        assert written == [value]
        assert len([sql for sql in cost.statements if not sql.startswith("SHOW")]) == 4
        assert commits_findings() == []

    def test_the_doctor_tells_of_it(use):
        use("off")
        [(state, text)] = commits_findings()
        assert (state, "synchronous_commit is off" in text) == ("warning", True)


def test_an_ordinary_database_is_not_told_of(shop):
    assert commits_findings() == []
