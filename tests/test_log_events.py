"""Every log line is one event, with its fields and no secret; the reference page is compared with the code."""

import ast
import json
import logging
import logging.config
import re

import pytest

from tests.docs.pages import ROOT, blocks, page, rows, section, words
from tests.log_records import STANDARD, fields_of, logged
from voucher_payment_gateway import log_events
from voucher_payment_gateway.alerts import alert
from voucher_payment_gateway.exceptions import CredentialsError
from voucher_payment_gateway.log_events import LogEvent, PaymentEvents, SandboxEvents, TroubleEvents
from voucher_payment_gateway.log_events.event import EVENT_FIELD
from voucher_payment_gateway.money import amount

PACKAGE = ROOT / "voucher_payment_gateway"
HOW_TO = ROOT / "docs/how-to/watch-the-gateway.md"
TABLES = [getattr(log_events, name) for name in log_events.__all__ if name != "LogEvent"]
EVENTS = [event for table in TABLES for event in vars(table).values() if isinstance(event, LogEvent)]
BY_NAME = {event.name: event for event in EVENTS}
SECRET = re.compile(r"(?<![a-z])(code|pin|token|secret|key|password|link)(?![a-z])")
HARMLESS = {"error_code", "api_code"}
CODE = "CANARY-CODE-73105"


def test_a_name_stands_for_one_fact():
    names = [event.name for event in EVENTS]
    assert sorted(BY_NAME) == sorted(names)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in names)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
def test_no_field_hides_one_of_the_record_or_holds_a_secret(event):
    assert not set(event.fields) & (STANDARD | {EVENT_FIELD})
    assert [
        name for name in event.fields if SECRET.search(name.replace("_", " ")) and name not in HARMLESS
    ] in (
        [],
        ["code_hint"],
    )


# every line of the package


def calls():
    """Yield each call of an event: its place, its events, and the names of its fields."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "log"
            ):
                place = f"{path.relative_to(PACKAGE)}:{node.lineno}"
                yield place, list(events_of(node.func.value)), {each.arg for each in node.keywords}


def events_of(node):
    if isinstance(node, ast.IfExp):
        yield from (*events_of(node.body), *events_of(node.orelse))
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        yield getattr(getattr(log_events, node.value.id), node.attr)
    elif isinstance(node, ast.Name) and node.id == "trouble":  # of alerts: whichever it is
        yield from (event for event in vars(TroubleEvents).values() if isinstance(event, LogEvent))


def test_each_line_is_an_event_with_exactly_its_fields():
    found = [call for call in calls() if not call[0].startswith("log_events/event.py")]
    assert [place for place, events, _ in found if not events] == []
    wrong = [(place, e.name) for place, events, fields in found for e in events if set(e.fields) != fields]
    assert wrong == []
    assert {event.name for _, events, _ in found for event in events} == BY_NAME.keys()


def test_nothing_else_logs():
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.parent.name != "log_events":
            for node in ast.walk(ast.parse(path.read_text())):
                names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
                module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
                assert "logging" not in {name.split(".")[0] for name in [*names, module]}, path


def test_every_event_is_on_its_page_with_exactly_its_fields():
    text = page("reference/log-events.md")
    told = {words(cells[0])[0]: cells for cells in rows(text) if len(cells) == 5}
    assert told.keys() == BY_NAME.keys()
    for name, cells in told.items():
        event = BY_NAME[name]
        assert (cells[1], words(cells[2])) == (logging.getLevelName(event.level), list(event.fields)), name
        assert all(cells[3:]), name


# what a record carries


def test_a_record_has_the_name_of_its_event_and_its_facts(caplog):
    caplog.set_level(logging.INFO)
    PaymentEvents.charge_changed_with_order.log(
        order_number="A-1",
        operation=7,
        amount=amount("15.00"),
        amount_planned=amount("20.00"),
        currency="EUR",
    )
    (record,) = caplog.records
    assert (record.levelname, record.filename, record.name) == (
        "INFO",
        "test_log_events.py",
        "voucher_payment_gateway",
    )
    assert (
        record.getMessage() == "order A-1 was changed: 15.00 instead of 20.00 are charged to a gift voucher"
    )
    assert fields_of(record) == {
        "voucher_event": "charge_changed_with_order",
        "order_number": "A-1",
        "operation": 7,
        "amount": "15.00",
        "amount_planned": "20.00",
        "currency": "EUR",
    }


def test_an_alert_carries_the_facts_of_its_error(caplog):
    alert(CredentialsError(http_status=403, missing_scope="use", api_code="A.CODE"), "A-1001", "north")
    (record,) = caplog.records
    assert "order A-1001, account north: " in record.getMessage()
    assert fields_of(record) == {
        "voucher_event": "right_missing",
        "order_number": "A-1001",
        "account": "north",
        "error_code": "credentials",
        "api_code": "A.CODE",
        "http_status": 403,
        "missing_scope": "use",
    }


def test_a_code_in_a_field_is_found_by_the_canaries(caplog):
    logging.getLogger("voucher_payment_gateway").error("a sentence", extra={"typed": CODE})
    assert CODE not in caplog.text
    assert CODE in logged(caplog)


# the example of the documentation


def test_the_log_is_written_as_json_lines(capsys):
    names = {}
    (block,) = (each for each in blocks(HOW_TO) if "LOGGING" in each.text)
    exec(block.text, names)
    package = logging.getLogger("voucher_payment_gateway")
    before = package.handlers[:], package.level, package.propagate
    try:
        logging.config.dictConfig(names["LOGGING"])
        PaymentEvents.nothing_due.log(order_number="Ä-1")
        try:
            raise RuntimeError("a bug")
        except RuntimeError:
            SandboxEvents.sandbox_failed.log(method="GET")
    finally:
        package.handlers[:], package.level, package.propagate = before
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert first.pop("time").endswith("+00:00")
    assert first == {
        "level": "WARNING",
        "logger": "voucher_payment_gateway",
        "message": "gift vouchers: nothing is due on order Ä-1 any more, so nothing was captured",
        "voucher_event": "nothing_due",
        "order_number": "Ä-1",
    }
    assert "RuntimeError: a bug" in second["traceback"]
    assert section(HOW_TO.read_text(), "The log as JSON lines")
