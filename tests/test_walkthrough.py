"""The walkthrough succeeds only if every figure is right, and never runs against production."""

import pytest
from django.core.management import CommandError, call_command

from voucher_payment_gateway.models import VoucherPayment

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


def test_it_runs_on_a_remote_side_with_unusual_habits(shop, capsys):
    shop.cloud.behaviour = shop.cloud.behaviour.but(post_status=201, cancel_reservation="works")
    assert "Every figure is right." in walk(capsys)


def statuses(shop):
    return [voucher.status for voucher in shop.cloud.store.state.vouchers.values()]


def test_its_vouchers_stay_inactive_and_it_says_so(shop, capsys):
    assert walk(capsys).count("is inactive now; it has charges, so it cannot be deleted") == 2
    assert statuses(shop) == ["inactive", "inactive"]


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
