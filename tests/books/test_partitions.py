"""The archive in one partition per month on PostgreSQL; the ledger itself cannot be partitioned and guard the money."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, NotSupportedError, connection, connections, transaction
from django.db.models import UniqueConstraint

from tests.books.old_orders import before
from tests.books.test_archive import everything
from voucher_payment_gateway import gateway
from voucher_payment_gateway.books.archive import archive
from voucher_payment_gateway.exceptions import WrongStateError
from voucher_payment_gateway.management import partitions
from voucher_payment_gateway.models import VoucherArchivedOperation, VoucherOperation

COMMAND = "voucher_partition_archive"
TABLE, LEDGER = VoucherArchivedOperation._meta.db_table, VoucherOperation._meta.db_table
APRIL = datetime(2025, 4, 1, tzinfo=UTC)
UNIQUE = [each for each in VoucherOperation._meta.constraints if isinstance(each, UniqueConstraint)]


def read(question):
    with connection.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchall()


def spread():
    """Return the number of rows in each partition that has some."""
    found = read(f"SELECT tableoid::regclass::text, count(*) FROM {TABLE} GROUP BY 1 ORDER BY 1")
    return {name.removeprefix(TABLE): count for name, count in found}


def shape():
    """Return what Django and its migrations know of the table, and who may use it."""
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, TABLE)
        columns = [tuple(each) for each in connection.introspection.get_table_description(cursor, TABLE)]
    known = {
        name: (sorted(each["columns"]), each["primary_key"], each["unique"], each["foreign_key"])
        for name, each in constraints.items()
    }
    rights = read(
        f"SELECT grantee, privilege_type FROM information_schema.table_privileges WHERE table_name = '{TABLE}'"
    )
    return known, columns, sorted(rights)


if connection.vendor == "postgresql":

    @pytest.fixture
    def one_table():
        """Leave the archive as the other tests expect it."""
        yield
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in partitions.plain_statements(connection):
                cursor.execute(statement)

    @pytest.fixture
    def months(old):
        """Let the first two operations be of March, and return how many are of March and of April."""
        march = list(VoucherOperation.objects.order_by("pk").values_list("pk", flat=True)[:2])
        VoucherOperation.objects.update(created_at=APRIL)
        VoucherOperation.objects.filter(pk__in=march).update(created_at=APRIL - timedelta(seconds=1))
        return 2, VoucherOperation.objects.count() - 2

    def test_without_apply_the_statements_are_printed_and_nothing_changes(months, one_table, run):
        archive(before())
        printed, _, code = run(COMMAND)
        assert (code, printed.splitlines()[0], printed.splitlines()[-1]) == (0, "BEGIN;", "COMMIT;")
        assert spread() == {"": sum(months)}
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(printed.replace("BEGIN;", "", 1).rpartition("COMMIT;")[0])
            assert spread() == {"_2025_03": months[0], "_2025_04": months[1]}
            transaction.set_rollback(True)

    def test_each_month_has_a_partition_and_everything_reads_the_same(months, old, one_table, run):
        archive(before())
        rows, known = everything(), shape()
        assert run(COMMAND, "--apply")[2] == 0
        assert spread() == {"_2025_03": months[0], "_2025_04": months[1]}
        assert (everything(), shape()) == (rows, known)
        with pytest.raises(WrongStateError, match="archived"):
            gateway.refund(old[0])
        assert run(COMMAND)[0] == "-- nothing to do\n"
        assert run(COMMAND, "--apply", "--undo")[2] == 0
        assert (spread(), everything(), shape()) == ({"": sum(months)}, rows, known)
        assert run(COMMAND, "--undo")[0] == "-- nothing to do\n"

    def test_what_is_archived_later_goes_into_the_partition_of_its_month(months, one_table, run):
        run(COMMAND, "--apply")
        archive(before())
        assert spread() == {"_2025_03": months[0], "_2025_04": months[1]}

    def test_a_month_that_has_ended_is_taken_out_of_the_rest(months, one_table, run):
        VoucherOperation.objects.filter(created_at=APRIL).update(created_at=APRIL.replace(year=2099))
        run(COMMAND, "--apply")
        archive(before())
        assert spread() == {"_2025_03": months[0], "_rest": months[1]}
        count, known = len(everything()), shape()
        for row in VoucherArchivedOperation.objects.filter(more__created_at__startswith="2099"):
            row.more["created_at"] = APRIL.isoformat()
            row.save()
        assert run(COMMAND, "--apply")[2] == 0
        assert spread() == {"_2025_03": months[0], "_2025_04": months[1]}
        assert (len(everything()), shape()) == (count, known)

    def test_no_operation_is_archived_twice_whatever_its_partition(months, one_table, run):
        archive(before())
        run(COMMAND, "--apply")
        again = VoucherArchivedOperation.objects.first()
        again.settled_at = again.settled_at.replace(year=2024)
        with pytest.raises(IntegrityError), transaction.atomic():
            again.save(force_insert=True)

    def test_an_archive_that_is_in_use_is_left_alone(months, one_table, run):
        archive(before())
        reader = connections.create_connection("default")
        try:
            with reader.cursor() as cursor:
                cursor.execute("BEGIN")
                cursor.execute(f"SELECT count(*) FROM {TABLE}")
            _, told, code = run(COMMAND, "--apply")
        finally:
            reader.close()
        assert (code, "Nothing was changed" in told) == (2, True)
        assert spread() == {"": sum(months)}

    @pytest.mark.parametrize("key", ["created_at", "id"])
    @pytest.mark.parametrize("constraint", UNIQUE, ids=lambda each: each.name)
    def test_the_ledger_would_lose_each_of_its_guards(db, constraint, key):
        columns = ", ".join(VoucherOperation._meta.get_field(name).column for name in constraint.fields)
        index = f"CREATE UNIQUE INDEX ON by_month ({columns}"
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE by_month (LIKE {LEDGER}) PARTITION BY RANGE ({key})")
            with (
                pytest.raises(NotSupportedError, match="must include all partitioning columns"),
                transaction.atomic(),
            ):
                cursor.execute(f"{index})")
            cursor.execute(
                f"{index}, {key})"
            )  # possible, and no guard: two rows of different months are not equal
            transaction.set_rollback(True)

else:

    def test_another_database_is_refused(run, db):
        _, told, code = run(COMMAND, "--apply")
        assert (code, told) == (2, "this needs PostgreSQL. Nothing was changed.")
