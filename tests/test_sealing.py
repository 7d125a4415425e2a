"""Codes at rest: resealed under a new key while the shop runs, and erased once no payment needs them."""

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import RefusedError, ReservationClosedError, VoucherUnusableError
from voucher_payment_gateway.management.reseal import Tally, reseal_codes
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.sealing import Secret, fingerprint, is_under_first_key, seal, unseal
from voucher_payment_gateway.sealing_keys import key_problem

OLD, NEW, THIRD = (Fernet.generate_key().decode() for _ in range(3))


@pytest.fixture
def selected(shop, gateway_settings):
    """Seven codes, sealed under the old key; the new key is now in front of it."""
    gateway_settings(SEALING_KEYS=[OLD])
    order = shop.order("50.00")
    for number in range(7):
        gateway.select(order, f"GIFT-200{number}", pin="2468")
    gateway_settings(SEALING_KEYS=[NEW, OLD])
    return order


def stored():
    return [(p.sealed_code, p.code_fingerprint) for p in VoucherPayment.objects.order_by("pk")]


def test_codes_are_resealed_and_the_old_key_can_be_removed(selected, gateway_settings, capsys):
    call_command("voucher_reseal", batch=3)
    assert capsys.readouterr().out == "resealed 7, older 0, first 0, unreadable 0\n"
    gateway_settings(SEALING_KEYS=[NEW])
    secrets = [unseal(sealed) for sealed, _ in stored()]
    assert secrets == [Secret(f"GIFT-200{number}", "2468") for number in range(7)]
    assert [known for _, known in stored()] == [fingerprint(secret.code) for secret in secrets]
    first = VoucherPayment.objects.order_by("pk").first()
    assert gateway.select(selected, "GIFT-2000") == first, "the code is recognised without the old key"


def test_doing_it_again_changes_nothing(selected, capsys):
    call_command("voucher_reseal")
    before = stored()
    call_command("voucher_reseal")
    assert capsys.readouterr().out.splitlines()[1] == "resealed 0, older 0, first 7, unreadable 0"
    assert stored() == before


def test_the_time_at_which_a_code_was_sealed_is_kept(selected):
    times = [Fernet(OLD).extract_timestamp(sealed.encode()) for sealed, _ in stored()]
    call_command("voucher_reseal")
    assert [Fernet(NEW).extract_timestamp(sealed.encode()) for sealed, _ in stored()] == times


def test_a_check_changes_nothing_and_says_that_the_old_key_is_needed(selected, capsys):
    before = stored()
    with pytest.raises(CommandError, match="7 stored codes are sealed under an older key"):
        call_command("voucher_reseal", check=True)
    assert stored() == before
    call_command("voucher_reseal")
    call_command("voucher_reseal", check=True)
    assert capsys.readouterr().out.splitlines()[-1] == "resealed 0, older 0, first 7, unreadable 0"


def test_what_no_key_opens_is_left_counted_and_told_with_its_cure(selected, gateway_settings, capsys):
    VoucherPayment.objects.filter(code_hint="2003").update(sealed_code="gAAAAABnonsense")
    gateway_settings(SEALING_KEYS=[NEW, OLD])
    with pytest.raises(CommandError, match="1 stored codes are opened by none of the keys: put the key"):
        call_command("voucher_reseal")
    assert capsys.readouterr().out == "resealed 6, older 0, first 0, unreadable 1\n"
    assert VoucherPayment.objects.get(code_hint="2003").sealed_code == "gAAAAABnonsense"
    gateway_settings(SEALING_KEYS=[THIRD])
    with pytest.raises(CommandError, match="7 stored codes are opened by none"):
        call_command("voucher_reseal")


def test_without_a_key_it_refuses(shop, gateway_settings):
    gateway_settings(SEALING_KEYS=[])
    with pytest.raises(CommandError, match="SEALING_KEYS: no key is set"):
        call_command("voucher_reseal")
    with pytest.raises(CommandError, match="batch"):
        call_command("voucher_reseal", batch=0)


def before_the_first_update(do):
    """Call ``do`` between the command's read of a row and its update."""
    seen = []

    def wrapper(execute, sql, params, many, context):
        if sql.startswith("UPDATE") and not seen:
            seen.append(sql)
            do()
        return execute(sql, params, many, context)

    return connection.execute_wrapper(wrapper)


def test_a_code_that_was_erased_meanwhile_does_not_come_back(selected):
    first = VoucherPayment.objects.order_by("pk").first()
    with before_the_first_update(lambda: gateway.cancel(first)):
        assert reseal_codes(100, change=True) == Tally(resealed=6, older=1)
    assert stored()[0][0] == ""


def test_a_code_that_the_shop_resealed_meanwhile_stays_as_the_shop_wrote_it(selected):
    def enter_it_again():
        gateway.select(selected, "GIFT-2000", pin="1357")

    with before_the_first_update(enter_it_again):
        assert reseal_codes(100, change=True) == Tally(resealed=6, older=1)
    assert unseal(stored()[0][0]) == Secret("GIFT-2000", "1357")
    assert is_under_first_key(stored()[0][0])


def test_two_payments_with_the_same_fingerprint_do_not_stop_it(selected):
    duplicate = VoucherPayment.objects.get(code_hint="2001")
    VoucherPayment.objects.filter(pk=duplicate.pk).update(code_fingerprint=fingerprint("GIFT-2000"))
    assert reseal_codes(100, change=True).resealed == 7
    assert all(is_under_first_key(sealed) for sealed, _ in stored())


def test_without_a_key_no_code_is_stored_and_a_lapsed_hold_needs_the_customer(shop, gateway_settings):
    gateway_settings(SEALING_KEYS=[])
    shop.voucher("20.00", code="GIFT-2000")
    order = shop.order("20.00")
    payment = gateway.authorize(order, "GIFT-2000")
    assert payment.sealed_code == ""
    shop.later(minutes=31)
    with pytest.raises(ReservationClosedError):
        gateway.capture(order)
    assert gateway.authorize(order, "GIFT-2000").amount_authorized == 20
    gateway.capture(order)
    assert order.voucher_captured == 20


def test_a_payment_made_before_the_first_key_is_recognised(shop, gateway_settings):
    gateway_settings(SEALING_KEYS=[])
    shop.voucher("20.00", code="GIFT-2000")
    order = shop.order("50.00")
    payment = gateway.authorize(order, "GIFT-2000")
    gateway_settings(SEALING_KEYS=[NEW])
    assert gateway.authorize(order, "GIFT-2000") == payment


def held(shop):
    shop.voucher("20.00", code="GIFT-2000")
    order = shop.order("20.00")
    gateway.authorize(order, "GIFT-2000")
    assert stored()[0][0]
    return order


def test_a_code_is_gone_after_its_capture_or_cancel(shop):
    gateway.capture(held(shop))
    assert stored()[0][0] == ""
    shop.voucher("20.00", code="GIFT-3000")
    order = shop.order("20.00", number="A-2")
    gateway.authorize(order, "GIFT-3000")
    gateway.cancel(order)
    assert stored()[1][0] == ""


def test_a_code_that_was_refused_is_gone(shop):
    order = shop.order("20.00")
    gateway.select(order, "NOBODY")
    with pytest.raises(RefusedError):
        gateway.authorize_selected(order)
    assert stored()[0][0] == ""


class Crash(BaseException):
    """The process dies here."""


@pytest.mark.parametrize("verb", [gateway.capture, gateway.cancel])
def test_a_code_is_gone_also_after_a_crash(shop, verb):
    """The process dies at each write in turn, from the first on; then settle finishes the rest."""
    for last_write in range(1, 10):
        number = f"A-{last_write}"
        shop.voucher("20.00", code=f"GIFT-{number}")
        order = shop.order("20.00", number=number)
        gateway.authorize(order, f"GIFT-{number}")
        lived = lives_through(last_write, lambda order=order: verb(order))
        shop.later(hours=1)
        gateway.settle()
        shop.later(hours=1)
        gateway.settle()
        payment = order.voucher_payments.get()
        if payment.status in ("captured", "cancelled"):
            assert payment.sealed_code == ""
        else:  # nothing of it was stored: as if it had never been requested
            verb(order)
            assert order.voucher_payments.get().sealed_code == ""
        if lived:
            return
    raise AssertionError("it writes without end")


def lives_through(last_write, act):
    """Let the process die at its write number ``last_write``; return whether it ended before that."""
    writes = []

    def wrapper(execute, sql, params, many, context):
        if sql.startswith(("UPDATE", "INSERT")):
            writes.append(sql)
            if len(writes) == last_write:
                raise Crash
        return execute(sql, params, many, context)

    try:
        with connection.execute_wrapper(wrapper):
            act()
    except Crash:
        return False
    return True


def fold(code):
    return code.upper().replace(" ", "").replace("-", "")


def careless(code):
    return code.split("-")[3]


def forgetful(code):
    code.upper()


def talkative(code):
    return code * 100


def test_a_normaliser_folds_what_was_typed(shop, gateway_settings):
    gateway_settings(CODE_NORMALISER=f"{__name__}.fold", CODE_PATTERN="[A-Z0-9]{8}")
    shop.voucher("20.00", code="GIFT2000")
    order = shop.order("50.00")
    first = gateway.authorize(order, " ｇift-2000 ")
    assert gateway.authorize(order, "GIFT 2000") == first
    shop.calls()
    for code in ("GIFT-20000", "GIFT", "-"):
        with pytest.raises(VoucherUnusableError):
            gateway.authorize(order, code)
    assert shop.calls() == []


@pytest.mark.parametrize("name", ["careless", "forgetful", "talkative"])
def test_a_normaliser_that_fails_makes_a_code_unusable_and_sends_nothing(
    shop, gateway_settings, caplog, name
):
    gateway_settings(CODE_NORMALISER=f"{__name__}.{name}")
    with pytest.raises(VoucherUnusableError) as caught:
        gateway.authorize(shop.order(), "CANARY-2000")
    assert shop.calls() == []
    assert caught.value.__context__ is None
    assert "CANARY" not in caplog.text


def test_a_pattern_meets_no_more_than_255_characters(shop, gateway_settings):
    """A pattern of quadratic time would block the shop with a code of ten thousand characters."""
    gateway_settings(CODE_PATTERN=r"(x+x+)+y")  # would never end
    with pytest.raises(VoucherUnusableError):
        gateway.authorize(shop.order(), "x" * 10_000)
    assert shop.calls() == []


def test_a_renewal_brings_no_older_ciphertext_back(shop):
    """A worker read the payment, then the codes were resealed: its write does not overwrite the new ciphertext."""
    from voucher_payment_gateway.gateway.operations.reservation import renew

    shop.voucher("20.00")
    payment = gateway.authorize(shop.order("20.00"), "GIFT-2000-ABCD")
    VoucherPayment.objects.update(sealed_code="resealed")
    renew(payment, payment.amount_authorized, 2)
    assert VoucherPayment.objects.get().sealed_code == "resealed"


def test_the_codes_of_sold_vouchers_are_resealed_too(shop, gateway_settings, capsys):
    gateway_settings(SEALING_KEYS=[OLD], SOLD_VOUCHERS="tests.shop.sold.vouchers")
    (sale,) = gateway.issue(shop.order("50.00", note="a=50.00"))
    gateway_settings(SEALING_KEYS=[NEW, OLD])
    call_command("voucher_reseal")
    assert capsys.readouterr().out == "resealed 1, older 0, first 0, unreadable 0\n"
    gateway_settings(SEALING_KEYS=[NEW])
    sale.refresh_from_db()
    assert unseal(sale.sealed_code).code.reveal() == shop.cloud.voucher(sale.voucher_id).code


WRITTEN = {
    "as it is": OLD,
    "without its end": OLD[:-1],
    "too short": OLD[:-4],
    "too long": OLD + "AAAA",
    "empty": "",
    "not of ASCII": "ä" * 44,
    "with two signs at its end": OLD[:-2] + "==",
}


@pytest.mark.parametrize("how", WRITTEN)
def test_a_key_is_one_where_the_library_takes_it(how):
    """``key_problem`` looks at it without the library."""
    key = WRITTEN[how]
    try:
        Fernet(key)
    except ValueError:
        assert key_problem(key, is_local=False) == "is not a Fernet key of 32 url-safe base64 bytes"
    else:
        assert key_problem(key, is_local=False) == ""


def test_one_secret_is_sealed_once_under_one_key(gateway_settings):
    gateway_settings(SEALING_KEYS=[OLD])
    secret = Secret("CODE-1", "PIN-1")
    under_old = seal(secret)
    assert seal(secret) == under_old
    gateway_settings(SEALING_KEYS=[NEW, OLD])
    under_new = seal(secret)
    assert (is_under_first_key(under_old), is_under_first_key(under_new)) == (False, True)
    assert unseal(under_old) == unseal(under_new) == secret
    gateway_settings(SEALING_KEYS=[])
    assert seal(secret) == ""
