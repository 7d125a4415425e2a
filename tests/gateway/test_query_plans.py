"""Query plans: no statement scans all payments or operations, however long the ledger.

The plan of each executed statement is read, in a ledger that is large enough to matter to the planner. SQLite plans
without statistics here, since few shops ever run ANALYZE.
"""

import json
import re
from datetime import timedelta
from decimal import Decimal as D
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

import voucher_payment_gateway
from tests.ledger_rows import fill
from voucher_payment_gateway import conf, gateway
from voucher_payment_gateway.checkout.summary import summarise
from voucher_payment_gateway.exceptions import OutcomeUnknownError
from voucher_payment_gateway.gateway.reconciliation import vouchers
from voucher_payment_gateway.health.examination import examine
from voucher_payment_gateway.management.doctor.facts import facts
from voucher_payment_gateway.management.doctor.local import database_findings, sealing_findings
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment, VoucherSale

LEDGER = ("voucher_payment_gateway_voucherpayment", "voucher_payment_gateway_voucheroperation")
SOLD = "voucher_payment_gateway_vouchersale"
OF_WHAT_IS_OPEN = {
    "vpg_operation_due",
    "vpg_operation_manual",
    "vpg_operation_one_open_per_voucher",
    "vpg_operation_reread",
    "vpg_payment_code_kept",
    "vpg_payment_dead",
    "vpg_payment_ending",
    "vpg_payment_one_per_code",
    "vpg_payment_wish",
}
"""Partial indexes of rows that have not ended: they stay short, so a full scan of them is allowed. That of one per code
has lapsed payments too: PostgreSQL scans it only as long as it is the shorter one."""


RARE = {
    "vpg_operation_concluded",
    "vpg_operation_refund_refused",
    "vpg_payment_failed",
    "vpg_payment_unpaid",
    "vpg_sale_failed",
    "vpg_sale_not_sold",
}
"""Partial indexes of what needs a person, or is not of the usual business: a capture writes into none of them."""


class Statements:
    """Records each statement that runs while it is entered, with its plan."""

    def __enter__(self):
        self.plans = {}
        self.wrapper = connection.execute_wrapper(self._run)
        self.wrapper.__enter__()
        return self

    def __exit__(self, *error):
        self.wrapper.__exit__(*error)

    def _run(self, execute, sql, params, many, context):
        if sql.startswith(("SELECT", "UPDATE", "(SELECT")) and sql not in self.plans:
            self.plans[sql] = list(steps_of(sql, params, execute, context["cursor"]))
        return execute(sql, params, many, context)

    @property
    def walks(self):
        """The statements that scan a whole table, with their plans."""
        return [(sql, step) for sql, steps in self.plans.items() for step in steps if is_walk(*step)]


def steps_of(sql, params, execute, cursor):
    """Yield table, index and condition of each step that reads a table."""
    if connection.vendor == "sqlite":
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
        yield from map(sqlite_step, (row[-1] for row in cursor.fetchall()))
    else:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
        (found,) = cursor.fetchone()
        yield from postgres_steps((json.loads(found) if isinstance(found, str) else found)[0]["Plan"])


def sqlite_step(text):
    """``SEARCH name USING INDEX name (condition)``, or ``SCAN name``; a subquery calls its table ``U0``."""
    verb, _, rest = text.partition(" ")
    if verb not in ("SCAN", "SEARCH"):
        return "", "", True
    _, _, index = rest.partition(" INDEX ")
    return rest.split()[0], index.split(" ")[0], verb == "SEARCH" and "USING" in rest


def postgres_steps(node, table=""):
    table = node.get("Relation Name", table)
    if node["Node Type"] in ("Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Index Scan"):
        yield table, node.get("Index Name", ""), "Index Cond" in node
    for child in node.get("Plans", ()):
        yield from postgres_steps(child, table)


def is_walk(table, index, condition):
    return (table in LEDGER or table == "U0") and not condition and index not in OF_WHAT_IS_OPEN | RARE


@pytest.fixture
def ledger(shop):
    """Twenty thousand ended operations, and a few of each sort that a sweep selects."""
    fill("default", 20_000)


@pytest.fixture
def work(shop, ledger, gateway_settings):
    """One of each sort that a sweep selects."""
    gateway_settings(RENEW_HOLDS=True)
    for name in ("due", "abandoned", "unknown", "manual", "again", "expired", "ending", "cancel", "code"):
        shop.voucher("20.00", code=f"GIFT-{name}")
        gateway.authorize(shop.order("20.00", number=name), f"GIFT-{name}")
    now, long_ago = timezone.now(), timezone.now() - timedelta(days=2)
    for name in ("due", "unknown", "manual"):
        charge_of(name, state=name, due_at=long_ago, sending_at=long_ago, settled_at=now)
    charge_of("abandoned", state="sending", due_at=long_ago, sending_at=long_ago)
    charge_of("again", state="refused", reread_at=long_ago)
    change("expired", reservation_dead_at=long_ago)
    change("ending", reserved_until=now + timedelta(seconds=90), renew_at=long_ago)
    change("cancel", cancel_requested_at=long_ago)
    change(
        "code", status="lapsed", amount_authorized=0, code_kept_until=long_ago, reservation_dead_at=long_ago
    )


def change(name, **changes):
    assert VoucherPayment.objects.filter(order_number=name).update(**changes) == 1


def charge_of(name, **fields):
    payment = VoucherPayment.objects.get(order_number=name)
    VoucherOperation.objects.create(
        payment=payment,
        order_number=name,
        number=2,
        voucher_id=payment.voucher_id,
        kind="charge",
        amount=D("20.00"),
        currency="EUR",
        target_id=payment.reservation_id,
        reference=f"{name}-1.abc",
        attempts=1,
        **fields,
    )


def test_a_sweep_looks_at_what_is_open_only(work):
    with Statements() as statements:
        report = gateway.settle()
    assert statements.walks == []
    done = (report.sent, report.abandoned, report.cancelled, report.renewed, report.lapsed, report.erased)
    assert done == (1, 1, 1, 1, 1, 1)
    assert report.still_open == 2


@pytest.mark.parametrize("limit", [10, 100])
def test_a_sweep_looks_at_the_status_of_the_next_orders_only(shop, ledger, gateway_settings, limit):
    gateway_settings(ON_STATUS={"field": "status", "capture": ["shipped"], "refund": ["returned"]})
    gateway.settle(limit=limit)
    with Statements() as statements:
        gateway.settle(limit=limit)
    assert statements.walks == []
    (steps,) = [steps for sql, steps in statements.plans.items() if "was_refused" in sql]
    assert "vpg_payment_recent" in {index for _, index, _ in steps}


def test_the_verbs_look_at_their_order_only(shop, ledger):
    order = shop.order("20.00")
    shop.voucher("30.00")
    with Statements() as statements:
        gateway.authorize(order, "GIFT-2000-ABCD")
        gateway.capture(order, D("15.00"))
        gateway.refund(order, D("5.00"))
        gateway.capture(order)
        summarise(order)
        _ = order.voucher_due, order.voucher_tax_memos
        gateway.cancel(order)
    assert statements.walks == []


def test_no_code_looks_for_an_order_number_in_all_operations():
    """No index has the numbers of all: those of payments are found by ``of_payments``, those of sales by the sale."""
    wrong = re.compile(r"VoucherOperation\.\w+\.filter\([^)]*\border_number")
    files = sorted(Path(voucher_payment_gateway.__file__).parent.rglob("*.py"))
    assert len(files) > 300
    assert [
        file.name for file in files if wrong.search(re.sub(r"\w+__order_number", "", file.read_text()))
    ] == []


def test_an_unknown_outcome_is_resolved_with_what_its_voucher_has(shop, ledger):
    order = shop.order("20.00")
    shop.voucher("20.00")
    gateway.authorize(order, "GIFT-2000-ABCD")
    shop.cloud.faults.next("after:drop", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    shop.later(minutes=3)
    with Statements() as statements:
        assert gateway.settle().found == 1
    assert statements.walks == []


def test_reconcile_looks_at_its_days_only(shop, ledger, gateway_settings):
    gateway_settings(CONFIRMED_DAYS=0.01)  # the orders of the ledger's payments are gone
    shop.voucher("20.00")
    order = shop.order("20.00")
    gateway.authorize(order, "GIFT-2000-ABCD")
    gateway.capture(order)
    VoucherPayment.objects.filter(order_number="L-1").update(voucher_id=shop.vouchers[0].id)
    VoucherOperation.objects.filter(order_number="A-1001", kind="charge").update(voucher_id="elsewhere")
    now = timezone.now()
    with Statements() as statements:
        gateway.reconcile(now - timedelta(minutes=10), now, progress=lambda done, total: None)
    assert statements.walks == []
    assert any("remote_id" in sql.partition(" WHERE ")[2] for sql in statements.plans)


def test_the_span_of_reconcile_is_found_by_its_instants(ledger):
    """Also where they are a third of the ledger. The payments are not joined: PostgreSQL would read all of them."""
    until = timezone.now() - timedelta(hours=2)
    with Statements() as statements:
        first, *_ = vouchers.voucher_batches(until - timedelta(hours=5), until)
    assert len(first.vouchers) == vouchers.BATCH
    span, *_ = statements.plans.values()
    used = {table: {index for name, index, _ in span if name == table} for table in LEDGER}
    assert used == {
        LEDGER[0]: {"vpg_payment_dead"},
        LEDGER[1]: {"vpg_operation_created", "vpg_operation_sent", "vpg_operation_settled"},
    }


def test_the_doctor_and_a_probe_count_what_is_open_only(work):
    with Statements() as statements:
        list(database_findings())
        assert examine()["settle"] == "late"  # no sweep yet: what waits for one is looked for too
        assert facts()["settle"] == "late"
        assert [finding.state for finding in sealing_findings(conf.gateway_settings())] == ["ok"]
    assert statements.walks == []
    # of millions PostgreSQL would look for the oldest in the order of all operations, where nothing else is asked for
    assert [sql for sql in statements.plans if sql.startswith("SELECT MIN(")] == []


@pytest.fixture
def sold(shop):
    """Many delivered vouchers, and a few of each sort that a sweep selects."""
    now, long_ago = timezone.now(), timezone.now() - timedelta(days=30)
    delivered = {
        "status": "active",
        "target": "active",
        "delivered_at": now,
        "recipient_email": "a@b.example",
    }
    waiting = {"status": "issued", "target": "issued"}
    rows = [{**delivered, "valid_until": now + timedelta(days=900)} for _ in range(20_000)]
    rows += [{**delivered, "valid_until": now + timedelta(days=5)} for _ in range(3)]
    rows += [{**delivered, "delivered_at": None, "deliver_due_at": long_ago} for _ in range(3)]
    rows += [{**waiting, "due_at": None} for _ in range(3)]
    sales = [
        VoucherSale(order_number=f"S-{i}", key="a", amount=D(10), currency="EUR", voucher_id=f"v{i}", **row)
        for i, row in enumerate(rows)
    ]
    VoucherSale.objects.bulk_create(sales)
    VoucherSale.objects.filter(status="issued").update(created_at=long_ago)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {SOLD}")


def test_a_sweep_looks_at_the_sales_that_are_due_only(sold, gateway_settings):
    gateway_settings(
        REMIND_DAYS=30,
        ON_STATUS={"field": "status", "activate": ["paid"], "take_back": ["returned"]},
        REFUND_FALLBACK=["recharge", "new_voucher"],
    )
    gateway.settle(limit=2)
    with Statements() as statements:
        gateway.settle(limit=2)
    steps = [(sql, *step) for sql, steps in statements.plans.items() for step in steps if step[0] == SOLD]
    assert [sql for sql, _, _, has_condition in steps if not has_condition] == []
    used = {index for _, _, index, _ in steps}
    assert used >= {
        "vpg_sale_due",
        "vpg_sale_deliver",
        "vpg_sale_unpaid",
        "vpg_sale_expiring",
        "vpg_sale_updated",
    }
