"""The reference of the conformance suite names every hook and situation, and nothing that does not exist."""

import inspect
import re

import pytest

from tests.docs.pages import first_words, page, rows, section, words
from voucher_payment_gateway.testing import VoucherConformance
from voucher_payment_gateway.testing.conformance.hooks import OPTIONAL_HOOKS, REQUIRED_HOOKS, Hooks
from voucher_payment_gateway.testing.conformance.situation import situations

REFERENCE = page("reference/conformance.md")
SITUATIONS = situations(VoucherConformance)
HOOKS = (*REQUIRED_HOOKS, *OPTIONAL_HOOKS)


def on_one_line(text):
    return re.sub(r"\s+", " ", text.strip()).replace("``", "`")


def told(heading):
    return {words(cells[0])[0]: cells for cells in rows(section(REFERENCE, heading))}


def test_every_hook_has_its_row_with_its_signature():
    spelled = []
    for name in HOOKS:
        parameters = list(inspect.signature(getattr(Hooks, name)).parameters.values())[1:]
        texts = [each.name + ("" if each.default is each.empty else '=""') for each in parameters]
        spelled.append(f"{name}({', '.join(texts)})")
    assert list(told("Hooks")) == spelled


def test_every_hook_is_told_as_in_the_code():
    for cells in told("Hooks").values():
        name = words(cells[0])[0].partition("(")[0]
        assert cells[1] == on_one_line(getattr(Hooks, name).__doc__)


def test_every_method_of_the_hooks_is_a_hook():
    assert {name for name in vars(Hooks) if not name.startswith("_") and callable(vars(Hooks)[name])} == set(
        HOOKS
    )


def test_every_attribute_has_its_row():
    assert first_words(section(REFERENCE, "Attributes")) == [
        name for name in Hooks.__annotations__ if not name.startswith("_")
    ]


def test_every_situation_has_its_row_and_no_other_has():
    assert sorted(first_words(section(REFERENCE, "Situations"))) == sorted(SITUATIONS)


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_situation_says_in_one_sentence_what_would_be_lost(name):
    sentence = on_one_line(SITUATIONS[name].__doc__)
    assert sentence.endswith(".")
    assert told("Situations")[name][1] == sentence


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_situation_compares_the_books_at_its_end(name):
    assert SITUATIONS[name].is_situation
