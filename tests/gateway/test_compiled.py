"""Statements that are composed once are those of the ORM, with its parameters, on the database of the tests."""

import uuid
from datetime import UTC, datetime
from decimal import Decimal as D
from unittest.mock import patch

import pytest
from django.db import DEFAULT_DB_ALIAS, IntegrityError, connections, transaction
from django.db.models import F, Value
from django.db.models.signals import post_save
from django.test import override_settings
from django.utils.safestring import mark_safe

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import OutcomeUnknownError
from voucher_payment_gateway.gateway.records import payments, writes
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.models.compiled import CompiledInsert, CompiledUpdate
from voucher_payment_gateway.models.compiled.kinds import kind_of
from voucher_payment_gateway.models.compiled.update import _sample
from voucher_payment_gateway.reservation_ids import JSONAppend

connection = connections[DEFAULT_DB_ALIAS]  # and not the proxy

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
AN_ID = uuid.UUID("12345678-1234-5678-1234-567812345678")


def said(act):
    """Return the statements of ``act`` and their parameters, as the driver gets them."""
    heard = []

    def listen(execute, sql, params, many, context):
        heard.append((sql, [repr(each) for each in params or ()]))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(listen):
        act()
    return [each for each in heard if each[0].startswith(("INSERT", "UPDATE"))]


@pytest.fixture
def payment(shop):
    shop.voucher("20.00")
    return gateway.authorize(shop.order("50.00"), "GIFT-2000-ABCD")


# updates

OF_OPERATION = [
    {"state": "sending", "sending_at": NOW, "claim": AN_ID},
    {"state": "sending", "attempts": 3, "fence_at": None, "target_dead_at": None, "baseline": None},
    {"state": "manual", "error_code": "x'\"%s", "baseline": ["a", "ü"], "amount": D("12.50")},
    {"waits": True, "due_at": NOW, "late_answers": []},
    {"payment_id": 7, "remote_id": "", "number": 2},
]
OF_PAYMENT = [
    {
        "status": "captured",
        "amount_captured": D("20"),
        "amount_authorized": D("0.00"),
        "reserved_until": None,
    },
    {"taxable": True, "tax_rate": D("19.00"), "updated_at": NOW},
    {"taxable": None, "tax_rate": None, "sealed_code": "", "confirmation": 4},
]


@pytest.mark.parametrize("changes", OF_OPERATION)
def test_an_update_of_an_operation_is_what_the_orm_says(payment, changes):
    operation = VoucherOperation.objects.get()
    conditions = {"pk": operation.pk, "claim": uuid.uuid4()}  # of another worker: nothing is changed
    kept = CompiledUpdate(VoucherOperation)
    expected = said(lambda: VoucherOperation.objects.filter(**conditions).update(**changes))
    for _ in range(2):
        assert said(lambda: kept.run(conditions, changes)) == expected
    assert kept.statement(connection, conditions, changes) is not None


@pytest.mark.parametrize("changes", OF_PAYMENT)
def test_an_update_of_a_payment_is_what_the_orm_says(payment, changes):
    conditions = {name: getattr(payment, name) for name in payments.AS_READ} | {"status": "failed"}
    kept = CompiledUpdate(VoucherPayment)
    expected = said(lambda: VoucherPayment.objects.filter(**conditions).update(**changes))
    assert said(lambda: kept.run(conditions, changes)) == expected
    assert kept.statement(connection, conditions, changes) is not None


def test_each_update_that_verbs_run_is_what_the_orm_says(shop):
    """With the columns by which money is moved, in the order in which they were named."""
    shop.voucher("20.00")
    order = shop.order("50.00")
    gateway.authorize(order, "GIFT-2000-ABCD")
    gateway.capture(order, "5.00")
    gateway.refund(order, "2.00")
    shop.cloud.faults.next("after:drop", method="POST", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order, "5.00")
    kept_here = [
        (kept, *shape)
        for kept in (writes.UPDATE_OPERATION, writes.UPDATE_PAYMENT)
        for kind, *shape in kept._statements
        if kind is kind_of(connection)
    ]
    assert len(kept_here) >= 6
    for kept, conditions, changes, nulls in kept_here:
        asked = {name: sample(kept, name, 1) for name in conditions}
        given = {name: None if name in nulls else sample(kept, name, 2) for name in changes}
        rows = kept._model.objects.filter(**asked)
        expected = said(lambda rows=rows, given=given: rows.update(**given))
        assert said(lambda kept=kept, asked=asked, given=given: kept.run(asked, given)) == expected


def sample(kept, name, number):
    return _sample(kept._columns[name], number)


def test_values_that_no_two_parameters_tell_apart_are_left_to_the_orm(payment):
    kept, changes = CompiledUpdate(VoucherPayment), {"taxable": True, "has_order_row": False}
    assert kept.statement(connection, {"pk": payment.pk}, changes) is None
    assert kept.run({"pk": payment.pk}, changes) == 1
    stored = VoucherPayment.objects.get()
    assert (stored.taxable, stored.has_order_row) == (True, False)


def test_a_row_without_what_was_compared_is_not_changed(payment):
    """As the ORM has it: nothing equals what is not known."""
    kept = CompiledUpdate(VoucherPayment)
    for conditions in ({"pk": None}, {"pk": payment.pk, "reserved_until": None}):
        assert kept.run({"pk": payment.pk}, {"code_hint": "x"}) == 1
        assert kept.run(conditions, {"code_hint": "y"}) == 0
    assert VoucherPayment.objects.get().code_hint == "x"


def test_a_value_is_appended_as_the_orm_says(payment):
    kept, asked = CompiledUpdate(VoucherOperation), {"pk": payment.operations.get().pk}
    for value in (2, "b'\"%s", {"a": None}):
        changes = {"error_code": "x", "late_answers": JSONAppend("late_answers", value)}
        assert kept.run(asked, {"late_answers": [1]}) == 1
        expected = said(lambda changes=changes: VoucherOperation.objects.filter(**asked).update(**changes))
        assert kept.statement(connection, asked, changes) is not None
        assert said(lambda changes=changes: kept.run(asked, changes)) == expected
        assert VoucherOperation.objects.get().late_answers == [1, value, value]


def test_what_is_compared_with_a_related_row_is_left_to_the_orm(payment):
    kept, asked = CompiledUpdate(VoucherOperation), {"payment__order_number": "A-1001"}
    assert kept.statement(connection, asked, {"attempts": 7}) is None
    assert kept.run(asked, {"attempts": 7}) == 1
    assert VoucherOperation.objects.get().attempts == 7


def test_expressions_are_left_to_the_orm(payment):
    kept, asked = CompiledUpdate(VoucherOperation), {"pk": payment.operations.get().pk}
    assert kept.run(asked, {"attempts": 1}) == kept.run(asked, {"attempts": F("attempts") + 1}) == 1
    assert VoucherOperation.objects.get().attempts == 2


def test_an_update_that_fails_breaks_the_transaction_as_one_of_the_orm_does(payment):
    kept = CompiledUpdate(VoucherPayment)
    with pytest.raises(IntegrityError), transaction.atomic():
        with pytest.raises(IntegrityError):
            kept.run({"pk": payment.pk}, {"amount_refunded": D("99.00")})
        assert transaction.get_rollback()
        raise IntegrityError


# inserts


def new_operation(payment, **fields):
    values = {"number": 2, "kind": "charge", "state": "due", "amount": D("5.00"), "currency": "EUR"} | fields
    return VoucherOperation(payment=payment, order_number="A-1001", voucher_id="v", claim=AN_ID, **values)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"state": "sending", "attempts": 1, "sending_at": NOW, "reference": "A-1.%s"},
        {"baseline": ["a", {"b": None}], "late_answers": [1], "waits": True, "amount_asked": D("5")},
    ],
)
def test_an_insert_is_what_the_orm_says(payment, fields):
    kept = CompiledInsert(VoucherOperation)
    stored = []
    for insert in (lambda each: each.save(force_insert=True), kept.run, kept.run):
        with patch("django.utils.timezone.now", return_value=NOW), transaction.atomic():
            operation = new_operation(payment, **fields)
            stored.append(said(lambda insert=insert, operation=operation: insert(operation)))
            assert (operation.created_at, operation._state.db) == (NOW, "default")
            assert not operation._state.adding
            written = VoucherOperation.objects.get(pk=operation.pk)
            assert {**vars(written), "_state": None} == {
                **vars(operation),
                "_state": None,
                "amount": written.amount,
                "amount_asked": written.amount_asked,
            }
            transaction.set_rollback(True)
    assert stored[0] == stored[1] == stored[2]
    assert len(stored[0]) == 1


def test_an_insert_with_another_value_than_its_column_has_is_left_to_the_orm(payment):
    marked, another = new_operation(payment, reason=mark_safe("x")), new_operation(payment, number=Value(3))
    for operation in (marked, another):
        with transaction.atomic():
            CompiledInsert(VoucherOperation).run(operation)
            written = VoucherOperation.objects.get(pk=operation.pk)
            assert (written.reason, written.number) in (("x", 2), ("", 3))
            transaction.set_rollback(True)


def test_an_insert_of_a_payment_is_what_the_orm_says(payment):
    kept, stored = CompiledInsert(VoucherPayment), []
    for insert in (lambda each: each.save(force_insert=True), kept.run):
        with patch("django.utils.timezone.now", return_value=NOW), transaction.atomic():
            another = VoucherPayment(
                order_number="A-2", currency="EUR", status="selected", code_fingerprint="f"
            )
            stored.append(said(lambda insert=insert, another=another: insert(another)))
            transaction.set_rollback(True)
    assert stored[0] == stored[1]


def test_an_insert_calls_the_receivers_of_the_shop(payment):
    called = []

    def receive(instance, created, **_):
        called.append((instance.number, created))

    post_save.connect(receive, sender=VoucherOperation)
    try:
        CompiledInsert(VoucherOperation).run(new_operation(payment))
    finally:
        post_save.disconnect(receive, sender=VoucherOperation)
    assert called == [(2, True)]


def test_an_insert_without_its_payment_is_refused_as_by_the_orm():
    with pytest.raises(ValueError, match="unsaved related object 'payment'"):
        CompiledInsert(VoucherOperation).run(new_operation(VoucherPayment(order_number="A-1001")))


def test_an_insert_that_conflicts_writes_nothing(payment):
    kept = CompiledInsert(VoucherOperation)
    with pytest.raises(IntegrityError):
        kept.run(new_operation(payment, number=1))
    assert VoucherOperation.objects.count() == 1


# for which database they are kept


def test_connections_that_are_set_up_alike_share_what_is_kept_and_others_do_not(db):
    alike, other = connection.copy(), connection.copy()
    other.settings_dict["OPTIONS"] = {**other.settings_dict["OPTIONS"], "application_name": "x"}
    assert kind_of(alike) is kind_of(connection)
    assert kind_of(other) is not kind_of(connection)


def test_other_settings_of_the_project_compose_anew(db):
    before = kind_of(connection)
    with override_settings(USE_TZ=False):
        assert kind_of(connection) is not before
    assert kind_of(connection) is not before
    assert kind_of(connection) is kind_of(connection)


def test_the_payments_on_a_voucher_are_read_with_literals():
    """SQLite compares a parameter with the conditions of partial indexes: it would plan the statement each time."""
    _, parameters = VoucherPayment.objects.with_open_charge().query.sql_with_params()
    assert set(parameters) == {D("0.00")}
