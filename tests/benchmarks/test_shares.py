"""What is found running belongs to the call, statement or commit that it is part of, else to whoever wrote it."""

import sys
from functools import partial

from django.db import connection

from benchmarks.shares import CLIENT, DJANGO, HTTP, OTHERS, STATEMENTS, part_of
from voucher_payment_gateway.connection import voucher_cloud


def found_in(act):
    """Return the parts that the functions called in ``act`` belong to, itself included."""
    found = set()

    def note(frame, event, argument):
        if event == "call":
            found.add(part_of(frame))

    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(None)
    return found


def test_all_that_a_statement_calls_is_part_of_it(db):
    with connection.cursor() as cursor, connection.execute_wrapper(lambda run, *given: run(*given)):
        assert found_in(partial(cursor.execute, "SELECT 1")) == {STATEMENTS}


def test_what_django_does_around_it_is_its_own(db):
    assert DJANGO in found_in(connection.get_autocommit)


def test_a_call_is_of_our_client_or_of_the_library_that_it_calls(shop):
    found = found_in(voucher_cloud().authenticate)
    assert CLIENT in found
    assert found <= {CLIENT, HTTP}


def test_what_nobody_else_wrote_is_of_the_others():
    assert part_of(sys._getframe()) == OTHERS
