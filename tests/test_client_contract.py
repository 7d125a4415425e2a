"""Every operation over real HTTP against the local Voucher Cloud, with the client for threads and the one for tasks."""

import asyncio
import inspect
from decimal import Decimal as D

import pytest

from voucher_payment_gateway.api import AsyncVoucherCloud, VoucherCloud
from voucher_payment_gateway.exceptions import RefusedError

OPERATIONS = {
    "authenticate", "connect", "create_voucher", "list_vouchers", "get_voucher", "get_complete_voucher",
    "update_voucher", "set_voucher_status", "delete_voucher", "recharge_voucher", "list_voucher_charges",
    "get_voucher_charge", "reserve", "charge", "refund", "cancel_reservation",
}  # fmt: skip


class Both:
    """One way to call the two clients; remembers which operations were called."""

    def __init__(self, client):
        self._client, self.called = client, set()

    def __getattr__(self, name):
        operation = getattr(self._client, name)

        async def call(*arguments, **options):
            self.called.add(name)
            answer = operation(*arguments, **options)
            if inspect.isasyncgen(answer) or hasattr(answer, "__aiter__"):
                return [row async for row in answer]
            if inspect.isawaitable(answer):
                return await answer
            return list(answer) if hasattr(answer, "__next__") else answer

        return call


def connected(kind, server, **options):
    given = {"client_id": "local-shop", "client_secret": "local-shop-secret", "base_url": server.base_url}
    return kind(**{**given, **options})


def with_both(kind, server, story, **options):
    """Tell ``story`` with a client of ``kind`` and return the operations that it called."""

    async def tell():
        if kind is VoucherCloud:
            with connected(kind, server, **options) as client:
                both = Both(client)
                await story(both)
        else:
            async with connected(kind, server, **options) as client:
                both = Both(client)
                await story(both)
        return both.called

    return asyncio.run(tell())


kinds = pytest.mark.parametrize("kind", [VoucherCloud, AsyncVoucherCloud])


@kinds
def test_every_operation_does_what_the_reference_says(kind, server, voucher_cloud):
    async def story(cloud):
        credentials = await cloud.connect(voucher_cloud.issue_pin("local-shop"))
        assert credentials.id == "local-shop"
        await cloud.authenticate()
        made = await cloud.create_voucher(
            amount=D("10.00"), currency="EUR", id="MINE/1", code="CODE-1", sku="S"
        )
        assert (made.id, made.status, made.amount) == ("MINE/1", "inactive", D("10.00"))
        assert (await cloud.update_voucher("MINE/1", sku="T", batch="B")).sku == "T"
        assert (await cloud.set_voucher_status("MINE/1", "active", "sold")).status == "active"
        assert (await cloud.get_complete_voucher("MINE/1")).code == "CODE-1"
        held = await cloud.reserve(code="CODE-1", amount=D("5.00"), currency="EUR")
        assert (held.voucher_id, held.amount) == ("MINE/1", D("5.00"))
        charge = await cloud.charge(held.id, "ORDER-001")
        refund = await cloud.refund(charge.id, D("2.00"), "EUR")
        recharge = await cloud.recharge_voucher(
            id="MINE/1", amount=D("3.00"), currency="EUR", order_number="R-1"
        )
        rows = await cloud.list_voucher_charges("MINE/1")
        assert {row.id: (row.type, row.amount) for row in rows} == {
            charge.id: ("charge", D("5.00")),
            refund.id: ("refund", D("2.00")),
            recharge.id: ("recharge", D("3.00")),
        }
        assert await cloud.list_voucher_charges("MINE/1", order_number="ORDER-001", per_page=1)
        assert (await cloud.get_voucher_charge("MINE/1", charge.id)).amount == D("5.00")
        assert (await cloud.get_voucher("MINE/1")).remaining_amount == D("10.00")
        with pytest.raises(RefusedError) as caught:
            await cloud.cancel_reservation(held.id)
        assert caught.value.http_status in (404, 405)
        unsold = await cloud.create_voucher(amount=D("1.00"), currency="EUR")
        assert {row.id for row in await cloud.list_vouchers(per_page=1)} == {"MINE/1", unsold.id}
        await cloud.delete_voucher(unsold.id, "never sold")
        with pytest.raises(RefusedError) as caught:
            await cloud.get_voucher(unsold.id)
        assert caught.value.api_code == "VOUCHER.NOT_FOUND"

    assert with_both(kind, server, story) == OPERATIONS
    voucher_cloud.ledger.check()


@kinds
def test_a_cancel_call_that_works_releases_the_hold(kind, server, voucher_cloud):
    voucher_cloud.behaviour = voucher_cloud.behaviour.but(cancel_reservation="works")
    voucher = voucher_cloud.add_voucher(code="CODE-1", amount="5.00")

    async def story(cloud):
        held = await cloud.reserve(code="CODE-1", amount=D("5.00"), currency="EUR")
        await cloud.cancel_reservation(held.id)
        with pytest.raises(RefusedError):
            await cloud.charge(held.id, "ORDER-001")

    with_both(kind, server, story)
    assert voucher_cloud.bookings(voucher.id) == []


@kinds
@pytest.mark.parametrize("scope", ["use", "manage", "recharge", "read", "read-lists"])
def test_a_missing_right_is_named(kind, server, voucher_cloud, scope):
    from voucher_payment_gateway.exceptions import CredentialsError

    voucher = voucher_cloud.add_voucher(code="CODE-1", amount="5.00")
    rights = {"read", "read-lists", "read-secrets", "use", "manage", "update", "recharge"} - {scope}
    client = voucher_cloud.add_client(scopes=rights, name="Limited")
    top_up = {"id": voucher.id, "amount": D("1.00"), "currency": "EUR", "order_number": "R"}
    calls = {
        "use": ("reserve", (), {"code": "CODE-1", "amount": D("1.00"), "currency": "EUR"}),
        "manage": ("create_voucher", (), {"amount": D("1.00"), "currency": "EUR"}),
        "recharge": ("recharge_voucher", (), top_up),
        "read": ("get_voucher", (voucher.id,), {}),
        "read-lists": ("list_vouchers", (), {}),
    }  # fmt: skip
    name, arguments, options = calls[scope]

    async def story(cloud):
        with pytest.raises(CredentialsError) as caught:
            await getattr(cloud, name)(*arguments, **options)
        assert caught.value.missing_scope == scope

    with_both(kind, server, story, client_id=client.id, client_secret=client.secret)


def test_both_clients_have_the_same_names_and_arguments():
    for name in OPERATIONS | {"__init__"}:
        ours, other = (inspect.signature(getattr(kind, name)) for kind in (VoucherCloud, AsyncVoucherCloud))
        assert list(ours.parameters.values()) == list(other.parameters.values()), name
