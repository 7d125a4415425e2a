"""MySQL and MariaDB: guards in place of conditional unique constraints, exact comparison of text, conflicts.

``make mariadb`` runs the tests below ``connection.vendor == "mysql"``; the same races and limits as on PostgreSQL are
those of ``tests/gateway`` and ``tests/proofs/concurrency``.
"""

from decimal import Decimal as D
from importlib import import_module
from io import StringIO
from threading import Thread
from time import sleep

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import OperationalError, connection, connections, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState

from tests.docs.pages import page, rows, words
from tests.guards import without_guard
from tests.shop.models import Order
from voucher_payment_gateway.checks.run import check_databases
from voucher_payment_gateway.gateway.records.conflicts import ConflictError, atomic_or_conflict
from voucher_payment_gateway.management.doctor.local import database_findings
from voucher_payment_gateway.models import VoucherIdempotencyKey, VoucherOperation, VoucherPayment
from voucher_payment_gateway.models.mysql import PrepareMySQL, conditional_constraints

APP = "voucher_payment_gateway"
MODELS = list(apps.get_app_config(APP).get_models())
LIABILITY, OPERATIONS = f"{APP}_voucherliability", VoucherOperation._meta.db_table
GUARD = "vpg_operation_one_open_per_voucher"


def migration():
    return import_module(f"{APP}.migrations.0006_mysql").Migration


def payment(order_number, **fields):
    return VoucherPayment.objects.create(
        order_number=order_number, currency="EUR", status="selected", code_fingerprint="f" * 64, **fields
    )


def test_every_model_is_prepared():
    assert {operation.name for operation in migration().operations} == {model.__name__ for model in MODELS}


def test_the_migration_changes_no_model():
    state = ProjectState.from_apps(apps)
    for operation in migration().operations:
        operation.state_forwards(APP, state)
    assert state == ProjectState.from_apps(apps)


@pytest.mark.django_db
@pytest.mark.parametrize("other", ["a-1", "A-1 ", "A-1\t", "Á-1"])
def test_order_numbers_that_look_alike_are_different_orders(other):
    payments = {number: payment(number) for number in ("A-1", other)}
    for number, expected in payments.items():
        assert VoucherPayment.objects.get(order_number=number) == expected


@pytest.mark.django_db
def test_idempotency_keys_that_look_alike_are_different_keys():
    for key in ("ab", "AB", "ab "):
        VoucherIdempotencyKey.objects.create(order_number="A-1", verb="refund", key=key)
    assert VoucherIdempotencyKey.objects.filter(key="ab").count() == 1


if connection.vendor != "mysql":

    @pytest.mark.django_db(transaction=True)
    def test_elsewhere_the_migration_is_empty():
        written = StringIO()
        call_command("sqlmigrate", APP, "0006", stdout=written)
        lines = [line for line in written.getvalue().splitlines() if not line.startswith("--")]
        assert set(lines) <= {"BEGIN;", "COMMIT;"}


if connection.vendor == "mysql":

    def run(*statements):
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def indexes(model):
        with connection.cursor() as cursor:
            return connection.introspection.get_constraints(cursor, model._meta.db_table)

    def reported():
        return [message.msg for message in check_databases(["default"])]

    def apply(model):
        state = ProjectState.from_apps(apps)
        with connection.schema_editor() as editor:
            PrepareMySQL(model.__name__).database_forwards(APP, editor, state, state)

    @pytest.fixture
    def fresh_connection(transactional_db):
        """Let the test change the session, and begin with another one afterwards."""
        yield
        connection.close()

    @pytest.mark.django_db
    @pytest.mark.parametrize("model", MODELS)
    def test_each_condition_has_its_guard(model):
        found = indexes(model)
        for constraint in conditional_constraints(model):
            columns = [model._meta.get_field(name).column for name in constraint.fields]
            assert found[constraint.name]["unique"]
            assert found[constraint.name]["columns"] == [*columns, f"{constraint.name}_guard"]

    @pytest.mark.django_db
    def test_nothing_is_reported():
        assert reported() == []

    @pytest.mark.django_db(transaction=True)
    def test_a_migration_that_broke_off_is_run_again():
        run(f"ALTER TABLE {OPERATIONS} DROP INDEX {GUARD}")
        apply(VoucherOperation)
        assert indexes(VoucherOperation)[GUARD]["unique"]
        run(
            f"ALTER TABLE {OPERATIONS} DROP INDEX {GUARD}",
            f"ALTER TABLE {OPERATIONS} DROP COLUMN {GUARD}_guard",
        )
        apply(VoucherOperation)
        assert indexes(VoucherOperation)[GUARD]["unique"]

    @pytest.mark.django_db(transaction=True)
    def test_a_missing_guard_is_reported():
        with without_guard(VoucherOperation, GUARD):
            assert reported() == [f"The database 'default' lacks the guards {GUARD}."]
            (finding,) = (each for each in database_findings() if each.check == "database")
            assert (finding.state, GUARD in finding.text) == ("trouble", True)

    @pytest.mark.django_db(transaction=True)
    def test_before_its_migration_no_guard_is_missing():
        recorder = MigrationRecorder(connection)
        recorder.record_unapplied(APP, "0006_mysql")
        try:
            with without_guard(VoucherOperation, GUARD):
                assert reported() == []
        finally:
            recorder.record_applied(APP, "0006_mysql")

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize(
        ("change", "undo"),
        [
            ("CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", None),
            ("CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", None),
            ("ENGINE = MyISAM", "ENGINE = InnoDB"),
        ],
    )
    def test_another_table_is_reported(change, undo):
        run(f"ALTER TABLE {LIABILITY} {change}")
        try:
            (message,) = reported()
        finally:
            run(f"ALTER TABLE {LIABILITY} {undo}") if undo else apply(apps.get_model(APP, "VoucherLiability"))
        assert LIABILITY in message
        assert reported() == []

    @pytest.mark.parametrize(
        ("setting", "word"),
        [
            ("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", "REPEATABLE-READ"),
            ("SET SESSION sql_mode = ''", "strict"),
        ],
    )
    def test_another_session_is_reported(fresh_connection, setting, word):
        run(setting)
        (message,) = reported()
        assert word in message

    def wait_for_lock_of(thread):
        """Wait until the other session waits for a lock, or its thread has ended."""
        waiting = 0
        while thread.is_alive() and not waiting:
            sleep(0.2)  # the server renews this view only where nobody has read it for a tenth of a second
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"
                )
                (waiting,) = cursor.fetchone()

    @pytest.fixture
    def deadlocked(transactional_db):
        """Two orders, and another session that has locked the second and many more rows, and waits for the first: in a
        deadlock the database takes the side of who has changed more."""
        first, second = (Order.objects.create(number=f"A-{each}", total=D("1.00")) for each in (1, 2))
        Order.objects.bulk_create(Order(number=f"B-{each}", total=D("1.00")) for each in range(50))
        other = connections.create_connection("default")
        other.set_autocommit(False)
        other.inc_thread_sharing()

        def wait_for_the_first():
            with other.cursor() as cursor:
                cursor.execute(f"UPDATE {Order._meta.db_table} SET total = 3 WHERE id = {first.pk}")

        def update_both():
            Order.objects.filter(pk=first.pk).update(total=2)
            with other.cursor() as cursor:
                cursor.execute(f"UPDATE {Order._meta.db_table} SET total = 3 WHERE id >= {second.pk}")
            thread = Thread(target=wait_for_the_first)
            thread.start()
            try:
                wait_for_lock_of(thread)
                Order.objects.filter(pk=second.pk).update(total=2)
            finally:
                thread.join()

        yield update_both
        other.rollback()
        other.close()

    def test_a_deadlock_is_a_conflict(deadlocked):
        with pytest.raises(ConflictError), atomic_or_conflict():
            deadlocked()
        assert set(Order.objects.values_list("total", flat=True)) == {D("1.00")}

    def test_a_deadlock_of_the_callers_transaction_is_told_to_the_caller(deadlocked):
        with pytest.raises(OperationalError), transaction.atomic(), atomic_or_conflict():
            deadlocked()


@pytest.mark.parametrize(
    "message",
    ["lacks the guards", "without regard to case", "no transactions", "isolation level", "strict mode"],
)
def test_every_message_is_told(message):
    (cells,) = (cells for cells in rows(page("reference/checks.md")) if cells[0] == "E022")
    assert any(message in word for word in words(cells[1]))
