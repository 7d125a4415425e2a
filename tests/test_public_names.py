"""The names that shops build on are importable as they are written in the documentation."""

import inspect

import pytest
from django.core.management import get_commands
from django.dispatch import Signal
from django.utils.module_loading import import_string

from voucher_payment_gateway import api, exceptions, gateway, models, signals
from voucher_payment_gateway.conf import GatewaySettings

SETTINGS = """ENVIRONMENT BASE_URL TOKEN_URL CLIENT_ID CLIENT_SECRET CLIENT_TYPE TIMEOUT_SECONDS DEADLINE_SECONDS
    ORDER_MODEL ORDER_FIELDS ORDER_ADAPTER EVENTS ON_STATUS CHECKOUT_ORDER CAPTURE REFUND_ORDER TAXABLE_VOUCHERS
    SEALING_KEYS THROTTLE CODE_PATTERN CODE_NORMALISER SELECTED_HOURS CONFIRMED_DAYS RENEW_HOLDS TOTAL_AFTER_RETURN
    INSTANCE REFUND_GRACE_SECONDS
    LIST_LAG_SECONDS CANCEL_RESERVATION_CALL ERROR_MEANINGS API_BEHAVIOUR""".split()
PAYMENT = """order_number currency voucher_id code_hint status amount_authorized amount_captured amount_refunded
    reservation_id reserved_until pending taxable tax_rate operations""".split()
OPERATION = (
    "payment kind amount state remote_id error_code attempts actor reason created_at settled_at".split()
)
ORDER = """voucher_reservation_ids voucher_payments voucher_authorized voucher_captured voucher_refunded
    voucher_due""".split()
VERBS = {
    "select": "(order, code, *, pin='', key='', actor='', reason='')",
    "authorize": "(order, code, *, pin='', amount=None, key='', actor='', reason='')",
    "authorize_selected": "(order, *, confirm=True, key='', actor='', reason='')",
    "capture": "(order, amount=None, *, at_most=None, key='', actor='', reason='')",
    "refund": "(order, amount=None, *, key='', actor='', reason='')",
    "cancel": "(order, *, refund=True, at_most=None, key='', actor='', reason='')",
    "settle": "(limit=100, *, stop=None)",
}
SIGNALS = "authorized captured refunded cancelled lapsed failed needs_review".split()
COMMANDS = "connect doctor probe walkthrough settle sandbox".split()
CLIENT = """connect create_voucher list_vouchers get_voucher get_complete_voucher update_voucher set_voucher_status
    delete_voucher recharge_voucher list_voucher_charges get_voucher_charge reserve charge refund
    cancel_reservation""".split()


def test_every_setting_is_known():
    assert set(SETTINGS) <= set(GatewaySettings.model_fields)


@pytest.mark.parametrize(("verb", "signature"), VERBS.items())
def test_a_verb_and_its_async_twin(verb, signature):
    given = inspect.signature(getattr(gateway, verb))
    bare = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in given.parameters.values()]
    assert str(inspect.Signature(bare)) == signature
    assert inspect.iscoroutinefunction(getattr(gateway, f"a{verb}").__call__)


@pytest.mark.parametrize(
    ("model", "names"),
    [
        (models.VoucherPayment, PAYMENT),
        (models.VoucherOperation, OPERATION),
        (models.VoucherOrderMixin, ORDER),
    ],
)
def test_the_attributes_of_a_model(model, names):
    fields = {field.name for field in model._meta.get_fields()}
    assert [name for name in names if name not in fields and not hasattr(model, name)] == []


def test_states_and_kinds_are_those_of_the_design():
    assert set(models.VoucherPayment.Status.values) == {
        "selected", "authorized", "captured", "refunded", "cancelled", "lapsed", "failed"
    }  # fmt: skip
    assert set(models.VoucherOperation.State.values) == {
        "due", "sending", "succeeded", "refused", "unknown", "not_applied", "manual"
    }  # fmt: skip
    assert set(models.VoucherOperation.Kind.values) == {
        "reserve", "charge", "refund", "cancel", "issue", "activate", "deactivate", "recharge"
    }  # fmt: skip


def test_the_normaliser_that_settings_name_is_there():
    forgiving = import_string("voucher_payment_gateway.codes.forgiving")
    assert str(inspect.signature(forgiving)) == "(code: str) -> str"


def test_every_signal_is_there():
    assert all(isinstance(getattr(signals, f"payment_{name}"), Signal) for name in SIGNALS)


def test_every_command_is_there():
    commands = get_commands()
    assert [name for name in COMMANDS if commands.get(f"voucher_{name}") != "voucher_payment_gateway"] == []


@pytest.mark.parametrize("kind", [api.VoucherCloud, api.AsyncVoucherCloud])
def test_the_client_has_every_operation(kind):
    assert [name for name in CLIENT if not callable(getattr(kind, name, None))] == []


def test_the_tree_of_errors_is_the_one_at_the_top_of_its_file():
    drawn = exceptions.__doc__.split("\n\n")[1]
    parents = {}
    stack = []
    for line in drawn.splitlines():
        name = next(word for word in line.split() if word.endswith("Error"))
        depth = line.index(name) // 4
        stack = [*stack[: depth - 1], name]
        parents[name] = stack[-2] if len(stack) > 1 else "Exception"
    assert parents == {name: getattr(exceptions, name).__bases__[0].__name__ for name in exceptions.__all__}
