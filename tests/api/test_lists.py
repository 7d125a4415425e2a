"""Lists are lazy, reach their end, and never prove an absence that they did not see."""

import asyncio
from itertools import islice

import httpx
import pytest

from tests.api.doubles import CHARGE, VOUCHER, Script, document, page
from voucher_payment_gateway.api import AsyncVoucherCloud, VoucherCloud
from voucher_payment_gateway.exceptions import ContractError, CredentialsError, RefusedError


def row(number):
    return {**CHARGE, "id": f"c-{number}"}


def pages(count, per_page=2):
    """An API with this many pages."""

    def answer(request):
        current = int(request.url.params["page"])
        first = (current - 1) * per_page
        return page([row(first + i) for i in range(per_page)], current, count)

    return answer


def charges(cloud):
    return cloud.list_voucher_charges("v-1")


def test_a_list_runs_over_all_pages(client):
    run = client(pages(4))
    assert [found.id for found in run(charges)] == [f"c-{i}" for i in range(8)]
    assert len(run.script.calls) == 4


def test_a_list_asks_for_a_page_only_when_it_is_reached():
    script = Script(pages(4))
    with VoucherCloud(client_id="a", client_secret="b", transport=httpx.MockTransport(script)) as cloud:
        rows = charges(cloud)
        assert script.requests == []
        list(islice(rows, 3))
        assert len(script.calls) == 2


def test_an_async_list_asks_for_a_page_only_when_it_is_reached():
    script = Script(pages(4))

    async def three():
        transport = httpx.MockTransport(script)
        async with AsyncVoucherCloud(client_id="a", client_secret="b", transport=transport) as cloud:
            rows = charges(cloud)
            assert script.requests == []
            for _ in range(3):
                await anext(rows)

    asyncio.run(three())
    assert len(script.calls) == 2


@pytest.mark.parametrize("empty", [page([], 1, 1), page([], 1, 0), {"data": [], "links": {"next": None}}])
def test_an_empty_list_is_empty(client, empty):
    assert client(empty)(charges) == []


def test_a_list_without_meta_follows_whether_a_next_page_is_linked(client):
    def answer(request):
        current = int(request.url.params["page"])
        return {
            "data": [row(current)],
            "links": {"next": "https://elsewhere.invalid/" if current < 3 else None},
        }

    run = client(answer)
    assert len(run(charges)) == 3
    assert {request.url.host for request in run.script.requests} == {"vouchers.api.jtl-software.com"}


def test_a_row_that_shifts_to_the_next_page_is_given_once(client):
    answers = {1: [row(1), row(2)], 2: [row(2), row(3)]}
    run = client(
        lambda request: page(answers[int(request.url.params["page"])], int(request.url.params["page"]), 2)
    )
    assert [found.id for found in run(charges)] == ["c-1", "c-2", "c-3"]


@pytest.mark.parametrize(
    "answer",
    [
        lambda request: page([row(1)], 1, 9),
        lambda request: page([row(1)], int(request.url.params["page"]), 9),
        lambda request: page([], int(request.url.params["page"]), 9),
        lambda request: {"data": [row(1)], "links": {"next": "x"}},
        lambda request: {"data": [row(1)]},
        lambda request: {"data": [row(1)], "links": {}},
        lambda request: {"data": {"0": row(1)}, "meta": {"current_page": 1, "last_page": 1}},
        lambda request: page([{**row(1), "amount": 10.0}]),
        lambda request: page([row(1), None]),
        lambda request: page([row(1), {**row(1), "type": "refund"}]),
        lambda request: page([row(1)], "1", "1"),
        lambda request: page([row(1)], 7, 7),
        lambda request: page([row(1)], 2, 1),
        lambda request: httpx.Response(200, json=[row(1)]),
    ],
)
def test_a_list_that_repeats_or_cannot_be_understood_proves_nothing(client, answer):
    run = client(answer)
    with pytest.raises(ContractError):
        run(charges)
    assert len(run.script.calls) <= 2


def test_a_list_that_never_ends_is_given_up(client, monkeypatch):
    monkeypatch.setattr("voucher_payment_gateway.api._pages.MAX_PAGES", 20)
    run = client(pages(10**9))
    with pytest.raises(ContractError):
        run(charges)
    assert len(run.script.calls) == 20


def test_trouble_on_a_later_page_is_raised_there(client):
    def answer(request):
        current = int(request.url.params["page"])
        return page([row(1)], 1, 2) if current == 1 else httpx.Response(403, json=document(403))

    with pytest.raises(CredentialsError) as caught:
        client(answer)(charges)
    assert caught.value.missing_scope == "read-lists"


def test_charges_of_an_unknown_voucher_are_refused(client):
    with pytest.raises(RefusedError):
        client(httpx.Response(404, json=document(404)))(charges)


def test_vouchers_are_listed_alike(client):
    assert [found.id for found in client(page([VOUCHER]))(lambda cloud: cloud.list_vouchers())] == ["v-1"]


def counted_page(rows, current, last, total):
    answer = page(rows, current, last)
    return {**answer, "meta": {**answer["meta"], "total": total}}


def turning(*answers):
    """An API with one answer for each page."""
    return lambda request: answers[int(request.url.params["page"]) - 1]


@pytest.mark.parametrize(
    "answers",
    [
        [counted_page([row(1)], 1, 1, 2)],
        [counted_page([], 1, 1, 1)],
        [counted_page([row(1), row(2)], 1, 2, 4), counted_page([row(3)], 2, 2, 4)],
        [counted_page([row(1), row(2)], 1, 2, 4), counted_page([row(2), row(3)], 2, 2, 4)],
        [counted_page([row(1), row(2)], 1, 2, 3), counted_page([row(3)], 2, 2, 9)],
        # The second row vanished: the third moved to the first page, which was read already.
        [counted_page([row(1), row(2)], 1, 2, 4), counted_page([row(4)], 2, 2, 3)],
        [counted_page([row(1), row(1)], 1, 1, 2)],
        [counted_page([row(1)], 1, 1, "1")],
        [counted_page([row(1)], 1, 1, -1)],
    ],
)
def test_a_list_that_ends_short_of_its_promise_proves_nothing(client, answers):
    with pytest.raises(ContractError):
        client(turning(*answers))(charges)


@pytest.mark.parametrize(
    ("answers", "count"),
    [
        ([counted_page([row(1), row(2)], 1, 1, 2)], 2),
        ([counted_page([], 1, 1, 0)], 0),
        ([counted_page([row(1), row(2)], 1, 2, 3), counted_page([row(3)], 2, 2, 3)], 3),
        # One more at the end, and one more at the front that pushes the second row on: neither was promised.
        ([counted_page([row(1), row(2)], 1, 2, 3), counted_page([row(3), row(4)], 2, 2, 4)], 4),
        ([counted_page([row(1), row(2)], 1, 2, 3), counted_page([row(2), row(3)], 2, 2, 4)], 3),
        ([counted_page([row(1), row(2)], 1, 2, 3), page([row(3)], 2, 2)], 3),
        ([counted_page([row(1), row(2)], 1, 1, 1)], 2),
    ],
)
def test_a_list_may_grow_while_it_is_read(client, answers, count):
    assert len(client(turning(*answers))(charges)) == count
