"""What the operator hears: once in ten minutes for each kind, through the cache, and where it fails as well."""

import logging

import pytest
from django.core.cache import cache
from django.db import connection, transaction

from voucher_payment_gateway.alerts import alert
from voucher_payment_gateway.exceptions import (
    ContractError,
    CredentialsError,
    OperationInProgressError,
    OutcomeUnknownError,
    ThrottledError,
    UnavailableError,
    VoucherUnusableError,
)
from voucher_payment_gateway.short_memory import PROCESS_CACHE, is_first, recall, remember

LOUD = [
    (CredentialsError(http_status=401), logging.ERROR, "CLIENT_SECRET"),
    (CredentialsError(http_status=403, missing_scope="use", api_code="A.CODE"), logging.ERROR, "right use"),
    (CredentialsError(code="client_secret"), logging.ERROR, "CLIENT_SECRET"),
    (UnavailableError(code="client_secret"), logging.ERROR, "CLIENT_SECRET"),
    (UnavailableError(code="address_wrong", http_status=404), logging.ERROR, "has no list of vouchers"),
    (ContractError(http_status=200), logging.ERROR, "BASE_URL"),
    (UnavailableError(code="answer_not_ours"), logging.ERROR, "BASE_URL"),
    (OutcomeUnknownError(code="answer_not_ours"), logging.ERROR, "BASE_URL"),
    (OutcomeUnknownError(http_status=200), logging.ERROR, "BASE_URL"),
    (UnavailableError(code="reservation_unanswered", http_status=404), logging.ERROR, "BASE_URL"),
    (UnavailableError(code="reservation_unanswered", http_status=502), logging.WARNING, "does not answer"),
    (UnavailableError(), logging.WARNING, "does not answer"),
    (ThrottledError(http_status=429), logging.WARNING, "does not answer"),
]


@pytest.mark.parametrize(("error", "level", "words"), LOUD, ids=lambda value: str(value)[:30])
def test_trouble_is_told_with_the_order_and_the_cure(caplog, error, level, words):
    alert(error, "A-1001")
    [record] = caplog.records
    assert record.levelno == level
    assert words in record.getMessage()
    assert "order A-1001" in record.getMessage()


@pytest.mark.parametrize(
    "error",
    [
        VoucherUnusableError(),
        ThrottledError(),
        OperationInProgressError(),
        OutcomeUnknownError(),
        OutcomeUnknownError(http_status=502),
        UnavailableError(code="database_locked"),
        UnavailableError(code="voucher_being_charged"),
    ],
    ids=lambda error: error.code,
)
def test_what_is_no_trouble_of_the_operator_is_not_told(caplog, error):
    alert(error, "A-1001")
    assert caplog.records == []


def test_each_kind_is_told_once_in_ten_minutes(caplog):
    for number in range(3):
        for error, *_ in LOUD:
            alert(error, f"A-{number}")
    assert len(caplog.records) == 5
    cache.clear()
    alert(ContractError(), "A-9")
    assert len(caplog.records) == 6


def test_a_code_of_the_api_is_told_since_the_operator_may_teach_it(caplog):
    alert(CredentialsError(http_status=403, missing_scope="use", api_code="A.CODE"), "A-1001")
    assert "API code A.CODE" in caplog.text
    assert "ERROR_MEANINGS" in caplog.text


def test_a_cache_in_the_database_does_not_join_a_transaction_of_the_shop(transactional_db, settings):
    """A cache table that is missing would break it."""
    path = "django.core.cache.backends.db.DatabaseCache"
    settings.CACHES = {"default": {"BACKEND": path, "LOCATION": "no_such_table"}}
    with transaction.atomic(), connection.execute_wrapper(refuse):
        assert [is_first("x", 60), is_first("x", 60)] == [True, False]
        remember("y", "404", 60)
        assert recall("y") == "404"
    assert PROCESS_CACHE.get("voucher_payment_gateway.memory.y") == "404"


def refuse(execute, sql, params, many, context):
    raise AssertionError(sql)


def test_outside_of_one_a_missing_cache_table_is_no_matter(transactional_db, settings):
    path = "django.core.cache.backends.db.DatabaseCache"
    settings.CACHES = {"default": {"BACKEND": path, "LOCATION": "no_such_table"}}
    assert [is_first("x", 60), is_first("x", 60)] == [True, False]
    remember("y", "404", 60)
    assert recall("y") == "404"
