"""The page about metrics, and the alarms of the how-to page, against the code."""

import pytest

from tests.docs.pages import first_words, page, plain, rows, section, words
from tests.telemetry.operations import alarms, names_of
from voucher_payment_gateway import gauges
from voucher_payment_gateway.telemetry.instruments import INSTRUMENTS

PAGE = page("reference/metrics.md")
KINDS = {"counter": "counter", "histogram": "histogram", "observable_gauge": "gauge"}
DOCUMENTED = {words(cells[0])[0]: cells for cells in rows(section(PAGE, "Instruments"))}


def test_every_instrument_has_its_row_and_no_other_has():
    assert list(DOCUMENTED) == [each.name for each in INSTRUMENTS]


@pytest.mark.parametrize("instrument", INSTRUMENTS, ids=lambda each: each.name)
def test_an_instrument_is_told_as_it_is(instrument):
    _, kind, unit, attributes, meaning, prometheus = DOCUMENTED[instrument.name]
    assert kind == KINDS[instrument.kind]
    assert words(unit) == [instrument.unit]
    assert tuple(words(attributes)) == instrument.attributes
    assert plain(meaning) == instrument.meaning
    found = names_of(instrument)
    assert (words(prometheus)[0] in found) or {f"{words(prometheus)[0]}_count"} <= found


def test_every_attribute_is_explained():
    used = {name for each in INSTRUMENTS for name in each.attributes}
    told = {word for cells in rows(section(PAGE, "Attributes")) for word in words(cells[0])}
    assert told == used


def test_the_maximum_of_rows_is_the_one_that_is_told():
    assert f"of at most {gauges.MAX_ROWS:,} rows each" in " ".join(PAGE.split())


def test_every_alarm_has_its_row_and_no_other_has():
    assert first_words(section(page("how-to/export-metrics.md"), "Alarms")) == list(alarms())
