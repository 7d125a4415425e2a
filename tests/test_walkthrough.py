"""The walkthrough succeeds only if every figure is right, and never runs against production."""

import re
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from voucher_payment_gateway import gateway
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.management import walkthrough
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment, VoucherSale

pytestmark = pytest.mark.django_db(transaction=True)


def walk(capsys, *options):
    call_command("voucher_walkthrough", *options)
    return capsys.readouterr().out


def test_every_step_is_told_and_every_figure_right(shop, capsys):
    output = walk(capsys)
    assert [line.split()[1] for line in output.splitlines()[:8]] == [f"{number}." for number in range(1, 9)]
    assert output.splitlines()[-1] == "Every figure is right."
    assert "the final balance is 20.00" in output
    assert VoucherPayment.objects.get().status == "cancelled"
    shop.cloud.ledger.check()


def test_the_verbs_of_a_shop_take_the_steps_of_the_guide(shop, capsys):
    told = [line.removeprefix("ok  ") for line in walk(capsys).splitlines()[9:-2]]
    beginnings = [line.partition(":")[0] for line in told]
    assert beginnings == [
        "shop, 3. create and 4. activate",
        "shop, 5. reserve",
        "shop, 6. charge",
        "shop, 7. refund",
        "shop, 7. refund",
        "shop, 8. recharge",
        "shop, back to the start",
    ]
    verbs = re.findall("|".join(gateway.__all__), " ".join(line.partition(": ")[2] for line in told))
    assert verbs == ["credit", "authorize", "capture", "refund", "cancel", "top_up", "take_back"]
    kinds = [each.kind for each in VoucherOperation.objects.order_by("pk")]
    assert sorted(set(kinds)) == [
        *("activate", "charge", "deactivate", "issue", "recharge", "refund", "reserve"),
    ]
    first, second = VoucherSale.objects.order_by("pk")
    assert (first.amount_topped_up, second.status) == (Decimal("10.00"), "taken_back")


def test_its_sales_end_once_no_activation_can_arrive_late_and_no_hold_be_charged(shop, capsys):
    walk(capsys)
    for minutes in (20, 40):
        shop.later(minutes=minutes)
        gateway.settle()
    assert {sale.status for sale in VoucherSale.objects.all()} == {"taken_back"}


@pytest.mark.parametrize(
    ("after", "fault", "method", "path"),
    [
        ("voucher ", "after:drop", "POST", "*/vouchers"),
        ("voucher ", "after:drop", "PATCH", "*/status"),
        ("voucher ", "late:drop", "PATCH", "*/status"),
        ("shop, 3. create", "before:503", "POST", "*/reservations"),
        ("shop, 5. reserve", "after:drop", "POST", "*/charge"),
        ("shop, 6. charge", "before:503", "POST", "*/refund"),
        ("shop, 7. refund: cancel", "after:other", "POST", "*/recharge"),
        ("shop, 8. recharge", "after:drop", "PATCH", "*/status"),
        ("shop, 8. recharge", "after:drop", "DELETE", "*/vouchers/*"),
    ],
)
def test_a_step_of_the_shop_that_fails_leaves_no_active_voucher(shop, after, fault, method, path):
    def run():
        for step in walkthrough.walk(gateway_settings(), ""):
            if step.startswith(after):
                shop.cloud.faults.next(fault, method=method, path=path)

    with pytest.raises((VoucherGatewayError, walkthrough.WrongFigureError)):
        run()
    assert "active" not in statuses(shop)
    shop.cloud.faults.land_late()
    for _ in range(4):
        shop.later(minutes=40)
        gateway.settle()
    assert "active" not in statuses(shop)
    shop.cloud.ledger.check()


def test_setting_the_first_voucher_inactive_is_tried_again(shop):
    for step in walkthrough.walk(gateway_settings(), ""):
        if step.startswith("8. recharge"):
            shop.cloud.faults.next("late:drop", method="PATCH", path="*/status")
    assert set(statuses(shop)) == {"inactive"}


def test_it_runs_on_a_remote_side_with_unusual_habits(shop, capsys):
    shop.cloud.behaviour = shop.cloud.behaviour.but(post_status=201, cancel_reservation="works")
    assert "Every figure is right." in walk(capsys)


def statuses(shop):
    vouchers = shop.cloud.store.state.vouchers.values()
    return [voucher.status for voucher in vouchers if not voucher.deleted]


def test_its_vouchers_stay_inactive_and_it_says_so(shop, capsys):
    assert walk(capsys).count("is inactive now; it has charges, so it cannot be deleted") == 2
    assert statuses(shop) == ["inactive", "inactive"]
    assert len(shop.cloud.store.state.vouchers) == 3  # and one unspent, which was taken back


def test_a_wrong_figure_fails_and_leaves_no_active_voucher(shop, capsys):
    shop.cloud.faults.next("after:other", method="POST", path="*/recharge")
    with pytest.raises(CommandError):
        walk(capsys)
    assert statuses(shop) == ["inactive"]


def test_a_refund_that_is_refused_fails(shop, capsys):
    shop.cloud.behaviour = shop.cloud.behaviour.but(refund_limit="less_than")
    with pytest.raises(CommandError, match="RefusedError"):
        walk(capsys)


def test_it_refuses_to_run_against_production(shop, gateway_settings, capsys):
    gateway_settings(ENVIRONMENT="production", BASE_URL="", TOKEN_URL="")
    shop.calls()
    with pytest.raises(CommandError, match="production"):
        walk(capsys)
    assert shop.cloud.requests == []


def test_it_refuses_every_host_but_the_sandbox_and_this_machine(shop, gateway_settings, capsys):
    gateway_settings(ENVIRONMENT="sandbox", BASE_URL="https://vouchers.api.example.com/v1")
    with pytest.raises(CommandError, match="BASE_URL is neither"):
        walk(capsys)
    assert shop.cloud.requests == []


def test_a_local_voucher_cloud_that_is_not_running_is_told(shop, server, capsys):
    server.stop()
    with pytest.raises(CommandError, match="does not answer"):
        walk(capsys)
