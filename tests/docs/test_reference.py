"""Each reference page against the code: all that exists is documented, and nothing else is."""

import inspect
import json
import re
import sys
from importlib import import_module
from types import ModuleType

import pytest
from django.core.management import load_command_class
from django.db import connection, connections
from django.urls import include
from django.urls import path as route
from pydantic.fields import FieldInfo

from tests.docs import host_modules
from tests.docs.pages import ROOT, all_pages, first_words, headings, page, plain, rows, section, words
from tests.mail_settings import mail_settings
from tests.shop.models import Order
from voucher_payment_gateway import api, checks, conf, exceptions, gateway, models, signals
from voucher_payment_gateway.orders import OrderAdapter
from voucher_payment_gateway.rules import comparison, sales, states
from voucher_payment_gateway.sandbox import __main__ as sandbox_program
from voucher_payment_gateway.sandbox import control
from voucher_payment_gateway.sealing_keys import PUBLISHED_KEYS
from voucher_payment_gateway.telemetry.instruments import INSTRUMENTS

PACKAGE = ROOT / "voucher_payment_gateway"
SETTINGS = conf.GatewaySettings.model_fields
SYNC_VERBS = [name for name in gateway.__all__ if name.islower() and f"a{name}" in gateway.__all__]
COMMANDS = sorted(path.stem for path in (PACKAGE / "management/commands").glob("voucher_*.py"))


@pytest.fixture(autouse=True)
def _development(settings):
    """The settings of the test shop name the local Voucher Cloud, which is warned of without DEBUG."""
    settings.DEBUG = True


def source_of(*left_out: str) -> str:
    """The package's own source without the local Voucher Cloud, the adapters to hosts, and the files ``left_out``."""
    paths = [path for path in PACKAGE.rglob("*.py") if not {"sandbox", "hosts"} & {*path.parts}]
    return "\n".join(path.read_text() for path in paths if not {path.name, path.parent.name} & set(left_out))


# settings.md


def settings_rows() -> dict[str, list[str]]:
    found = [cells for cells in rows(page("reference/settings.md")) if len(cells) == 5]
    return {words(cells[0])[0]: cells for cells in found}


def test_every_setting_has_its_row_and_no_other_has():
    assert settings_rows().keys() == SETTINGS.keys()
    assert len([cells for cells in rows(page("reference/settings.md")) if len(cells) == 5]) == len(SETTINGS)


@pytest.mark.parametrize("key", SETTINGS)
def test_a_setting_is_told_with_its_default(key):
    field, documented = SETTINGS[key], settings_rows()[key][2]
    if field.is_required():
        assert documented == "required"
        return
    default = field.default
    if isinstance(default, conf.Section):
        default = default.model_dump(exclude_none=True)
    assert words(documented) == [json.dumps(default)]


@pytest.mark.parametrize("key", SETTINGS)
def test_a_setting_is_told_with_its_check(key):
    more = {
        "ORDER_MODEL": {"E024"},
        "ORDER_FIELDS": {"W032"},
        "SEALING_KEYS": {"W015", "E053"},
        "REFUND_GRACE_SECONDS": {"W017"},
        "THROTTLE": {"W030", "W031", "W039"},
        "REQUESTS_PER_SECOND": {"W074"},
        "INSTANCE": {"W033"},
        "SETTLE_LATE_MINUTES": {"W058"},
        "ENVIRONMENT": {"W019", "E028"},
        "BASE_URL": {"W036"},
        "EVENTS": {"E027", "W034", "W035", "W054"},
        "ON_STATUS": {"E027", "W034", "W035", "W054"},
        "CHECKOUT_ORDER": {"W037"},
        "SOLD_VOUCHERS": {"E053", "W054"},
        "VOUCHER_DELIVERY": {"W056", "W057"},
        "STAFF_NOTICES": {"W062"},
    }
    expected = {checks.NUMBERS[key]} | more.get(key, set())
    assert set(settings_rows()[key][4].split(", ")) == expected


@pytest.mark.parametrize("key", SETTINGS)
def test_the_values_that_a_setting_takes_are_told(key):
    choices = re.findall(r"'([\w-]+)'", str(SETTINGS[key].annotation).partition("ForwardRef")[0])
    if "Literal" in str(SETTINGS[key].annotation) and not key.startswith(("EVENTS", "ON_STATUS")):
        row = " ".join(settings_rows()[key])
        assert [value for value in choices if f'"{value}"' not in row] == []


def test_there_is_no_setting_without_effect():
    source = source_of("checks")
    assert [key for key in SETTINGS if not re.search(rf"\.{key}\b", source)] == []


def test_the_known_behaviour_of_the_api_is_told_key_by_key():
    documented = list(rows(section(page("reference/settings.md"), "API_BEHAVIOUR")))
    assert {words(cells[0])[0] for cells in documented} == conf.ApiBehaviour.model_fields.keys()
    source = source_of("checks")
    read = {key for key in conf.ApiBehaviour.model_fields if re.search(rf"API_BEHAVIOUR\.{key}\b", source)}
    assert {words(cells[0])[0] for cells in documented if cells[2] != "none yet"} == read


def test_the_limits_on_guesses_are_told_key_by_key():
    documented = {
        words(cells[0])[0]: cells for cells in rows(section(page("reference/settings.md"), "THROTTLE"))
    }
    fields = conf.ThrottleSettings.model_fields
    assert documented.keys() == fields.keys()
    for name, field in fields.items():
        assert words(documented[name][2]) == [json.dumps(field.default)]


def described_settings() -> dict[str, tuple[FieldInfo, list[str], str]]:
    """Each key with its field, its row, and the cell that explains it."""
    documented = {name: (SETTINGS[name], cells, cells[3]) for name, cells in settings_rows().items()}
    for heading, model in (
        ("ACCOUNTS", conf.Account),
        ("THROTTLE", conf.ThrottleSettings),
        ("API_BEHAVIOUR", conf.ApiBehaviour),
        ("DATEV_ACCOUNTS", conf.DatevAccounts),
        ("STAFF_NOTICES", conf.StaffNotices),
    ):
        for cells in rows(section(page("reference/settings.md"), heading)):
            name = words(cells[0])[0]
            documented[f"{heading}.{name}"] = (model.model_fields[name], cells, cells[3])
    return documented


@pytest.mark.parametrize("key", described_settings())
def test_a_setting_is_explained_by_its_description(key):
    field, _, explanation = described_settings()[key]
    assert field.description
    assert plain(explanation).startswith(field.description)


@pytest.mark.parametrize(
    "key", [key for key in described_settings() if re.search("(?i)_(seconds|minutes|hours)$", key)]
)
def test_a_duration_is_told_with_its_unit(key):
    field, cells, _ = described_settings()[key]
    unit = key.rpartition("_")[2].lower()
    assert field.description.rstrip(".").endswith(f", in {unit}")
    assert f"number, {unit}" in cells[1]


def test_the_names_in_order_fields_are_described():
    assert all(field.description for field in conf.OrderFieldNames.model_fields.values())


# checks.md

ACCOUNT = {"CLIENT_ID": "x", "CLIENT_SECRET": "secret"}
DATEV = {"consultant": 29098, "client": 55003, "liability": "3272", "clearing": "1370"}
EVENTS = {
    "authorize": "tests.shop.signals.confirmed",
    "capture": "tests.shop.signals.shipped",
    "cancel": "tests.shop.signals.aborted",
}
TOLD = ("authorize", "capture", "cancel")
SELLING = {
    "SOLD_VOUCHERS": "tests.shop.sold.vouchers",
    "EVENTS": {**EVENTS, "activate": "tests.shop.signals.confirmed"},
}

MISTAKES = [
    ("E001", None),
    ("E001", []),
    ("E002", {"CAPTURE_MODE": "manual"}),
    ("E003", {"ENVIRONMENT": "live"}),
    ("E004", {"CLIENT_ID": ""}),
    ("E004", {"CLIENT_ID": ...}),
    ("E004", {"CLIENT_SECRET": ""}),
    ("E004", {"CLIENT_SECRET": "two\nlines"}),
    ("E004", {"CLIENT_SECRET": lambda vault: ""}),
    ("E004", {"CLIENT_TYPE": "x" * 33}),
    ("E005", {"BASE_URL": "http://vouchers.example"}),
    ("E005", {"BASE_URL": "https://shop:secret@vouchers.example"}),
    ("E005", {"BASE_URL": "https://vouchers.example/v1?key=secret"}),
    ("E005", {"BASE_URL": "https://vouchers..example"}),
    ("E005", {"BASE_URL": "https://vouchers.example:99999"}),
    ("E005", {"BASE_URL": "https://vouchers.example/v 1"}),
    ("E006", {"TIMEOUT_SECONDS": 0}),
    ("E006", {"TIMEOUT_SECONDS": 20}),
    ("E007", {"ORDER_MODEL": "shop.Ordr"}),
    ("E007", {"ORDER_MODEL": ...}),
    ("E008", {"ORDER_FIELDS": {"total": "gross"}}),
    ("E008", {"ORDER_FIELDS": {"gross": "total"}}),
    ("E008", {"ORDER_FIELDS": {"total": "note"}}),
    ("E008", {"ORDER_FIELDS": {"number": "reference"}}),
    ("E009", {"ORDER_ADAPTER": "shop.adapters.Adapter"}),
    ("E009", {"ORDER_ADAPTER": "tests.docs.test_reference.NumberAdapter"}),
    ("E009", {"ORDER_ADAPTER": "tests.docs.test_reference.ShopAdapter"}),
    ("E010", {"EVENTS": {**EVENTS, "capture": "shop.signals.shiped"}}),
    ("E010", {"EVENTS": {**EVENTS, "capture": "django.db.models.signals.post_save"}}),
    ("E010", {"EVENTS": {"ship": "shop.signals.shipped"}}),
    ("E011", {"ON_STATUS": {"field": "state"}}),
    ("E011", {"ON_STATUS": {"field": "status", "capture": ["shiped"]}}),
    ("E011", {"ON_STATUS": {"capture": ["shipped"]}}),
    ("E011", {"ON_STATUS": {"field": "status", "capture": "shipped"}}),
    ("E012", {"CHECKOUT_ORDER": "shop.checkout.order"}),
    ("E012", {"CHECKOUT_ORDER": "tests.shop.checkout.two_arguments"}),
    ("E012", {"CHECKOUT_ORDER": ""}),
    ("E013", {"CAPTURE": "later"}),
    ("E014", {"SEALING_KEYS": ["secret"]}),
    ("E014", {"SEALING_KEYS": ["A" * 43 + "="]}),
    ("E014", {"ENVIRONMENT": "sandbox", "SEALING_KEYS": sorted(PUBLISHED_KEYS)[:1]}),
    ("W015", {"SEALING_KEYS": []}),
    ("E016", {"SELECTED_HOURS": 0}),
    ("W017", {"REFUND_GRACE_SECONDS": 60}),
    ("E018", {"ERROR_MEANINGS": {"X": "gone"}}),
    ("E018", {"API_BEHAVIOUR": {"second_charge": "perhaps"}}),
    ("E020", {"CODE_PATTERN": "("}),
    ("E020", {"CODE_NORMALISER": "shop.codes.tidy"}),
    ("E020", {"CODE_NORMALISER": "tests.shop.checkout.two_arguments"}),
    ("E020", {"CODE_NORMALISER": "tests.test_sealing.forgetful"}),
    ("E021", {"RENEW_HOLDS": "maybe"}),
    ("E021", {"THROTTLE": {"session": "5"}}),
    ("E021", {"THROTTLE": {"captcha": "shop.captcha.solved"}}),
    ("E021", {"THROTTLE": {"cache": "guesses"}}),
    ("E023", {"CA_FILE": __file__}),
    ("E025", {"VOUCHERS_PER_ORDER": 0}),
    ("E072", {"ASYNC_THREADS": 0}),
    ("E073", {"SLOW_CALLS": 0}),
    ("E073", {"REQUESTS_PER_SECOND": 20_000}),
    ("E050", {"ACCOUNTS": {"north": ACCOUNT}}),
    ("E050", {"ACCOUNT_OF_ORDER": "shop.merchants.account_of"}),
    (
        "E050",
        {"ACCOUNTS": {"north": ACCOUNT, "south": ACCOUNT}, "ACCOUNT_OF_ORDER": "shop.merchants.account_of"},
    ),
    ("E050", {"ACCOUNTS": {"north": {"CLIENT_ID": "x"}}, "ACCOUNT_OF_ORDER": "shop.merchants.account_of"}),
    ("E050", {"ACCOUNTS": {"north": ACCOUNT}, "ACCOUNT_OF_ORDER": "shop.merchants.account_of"}),
    ("E027", {"ON_STATUS": {"field": "status", "capture": ["done"], "cancel": ["done"]}}),
    ("E027", {"ON_STATUS": {"field": "status", "activate": ["done"], "take_back": ["done"]}}),
    ("E027", {"ON_STATUS": {"field": "status", "capture": ["done"], "take_back": ["done"]}}),
    ("E052", {**SELLING, "SOLD_VOUCHERS": "shop.vouchers.sold"}),
    ("E052", {**SELLING, "SOLD_VOUCHERS": "tests.shop.checkout.two_arguments"}),
    ("E052", {**SELLING, "SOLD_VOUCHERS": "tests.shop.models.Order"}),
    ("E053", {**SELLING, "SEALING_KEYS": []}),
    ("W054", {**SELLING, "EVENTS": EVENTS}),
    ("E055", {"VOUCHER_DELIVERY": "post"}),
    ("E055", {"VOUCHERS_PAY_FOR_VOUCHERS": "maybe"}),
    ("E055", {"UNPAID_SALE_DAYS": 0}),
    ("E055", {"REMIND_DAYS": 400}),
    ("E055", {"REFUND_FALLBACK": ["recharge", "recharge"]}),
    ("E055", {"REFUND_FALLBACK": ["manual", "recharge"]}),
    ("E055", {"SHOP_URL": "shop.example"}),
    ("W056", {**SELLING, "VOUCHER_DELIVERY": "signal"}),
    ("E045", {"PROXY_URL": "proxy.example:3128"}),
    *(
        ("E060", {"DATEV_ACCOUNTS": {**DATEV, **wrong}})
        for wrong in ({"consultant": 1}, {"liability": "32 72"}, {"clearing": DATEV["liability"]})
    ),
    ("E061", {"REFUND_APPROVAL_ABOVE": {"Euro": "100.00"}}),
    ("E061", {"REFUND_APPROVAL_ABOVE": {"EUR": 99.5}}),
    ("E061", {"REFUND_APPROVAL_HOURS": 0}),
    ("E063", {"STAFF_NOTICES": {"emails": ["ben@shop.example"]}}),
    *(
        ("E063", {"SHOP_URL": "https://shop.example", "STAFF_NOTICES": wrong})
        for wrong in (
            {},
            {"emails": ["ben"]},
            {"webhook": "https://hooks.example"},
            {"webhook": "https://hooks.example", "webhook_secret": "secret"},
            {"webhook": "http://hooks.example", "webhook_secret": "secret" * 9},
        )
    ),
    ("W032", {"ORDER_MODEL": "shop.StoreOrder"}),
    ("W034", {"EVENTS": {}}),
    *(
        ("W035", {"EVENTS": {verb: path for verb, path in EVENTS.items() if verb != left_out}})
        for left_out in TOLD
    ),
    ("W036", {"BASE_URL": "https://host.example"}),
]


class NumberAdapter(OrderAdapter):
    """Makes up a number, and does not say how an order is found by it."""

    def number(self, order):
        return f"A-{order.pk}"


class ShopAdapter(OrderAdapter):
    """Cannot be made without a shop."""

    def __init__(self, shop):
        self.shop = shop


def check_rows() -> dict[str, list[str]]:
    return {cells[0]: cells for cells in rows(page("reference/checks.md"))}


def test_every_check_has_its_row_and_no_other_has():
    assert check_rows().keys() == checks.CATALOGUE.keys()


def test_every_mistake_of_the_settings_is_tried_here():
    assert {number for number, _ in MISTAKES} == checks.CATALOGUE.keys() - {
        "W019",
        "E022",
        "E024",
        "E026",
        "W030",
        "W031",
        "W033",
        *("W051", "W058"),
        *("E028", "E029", "W037", "W038", "W039", "W040", "W057", "W062"),
        *("W070", "W071", "W074"),
    }


@pytest.mark.parametrize(("number", "mistake"), MISTAKES)
def test_the_message_of_a_check_is_the_one_that_is_told(settings, monkeypatch, number, mistake):
    monkeypatch.setattr(Order, "reference", "no column", raising=False)
    if "shiped" in str(mistake):
        monkeypatch.setattr(Order._meta.get_field("status"), "choices", [("shipped", "Shipped")])
    good = settings.VOUCHER_PAYMENT_GATEWAY
    if isinstance(mistake, dict):
        mistake = {key: value for key, value in {**good, **mistake}.items() if value is not ...}
    settings.VOUCHER_PAYMENT_GATEWAY = mistake
    (message,) = checks.check_settings()
    assert message.id == f"voucher_payment_gateway.{number}"
    text = message.msg.replace("NumberAdapter", "ShopAdapter")
    assert text.replace(f"{__name__}.ShopAdapter", "shop.adapters.Adapter") in words(check_rows()[number][1])


def test_the_message_about_the_local_voucher_cloud_is_the_one_that_is_told(settings):
    settings.DEBUG = False
    (message,) = checks.check_settings()
    assert message.id == "voucher_payment_gateway.W019"
    assert message.msg in words(check_rows()["W019"][1])


@pytest.mark.parametrize(
    ("number", "backend"),
    [("W030", "locmem.LocMemCache"), ("W030", "dummy.DummyCache"), ("W031", "filebased.FileBasedCache")],
)
def test_the_message_about_a_cache_is_the_one_that_is_told(settings, tmp_path, monkeypatch, number, backend):
    monkeypatch.chdir(tmp_path)  # a cache in files makes its folder
    settings.CACHES = {"default": {"BACKEND": f"django.core.cache.backends.{backend}", "LOCATION": "guesses"}}
    message = deployed(settings)
    assert message.id == f"voucher_payment_gateway.{number}"
    assert message.msg in words(check_rows()[number][1])


def test_the_message_about_a_rate_is_the_one_that_is_told(settings):
    message = deployed(settings, THROTTLE=None, REQUESTS_PER_SECOND=5)
    assert message.id == "voucher_payment_gateway.W074"
    assert message.msg in words(check_rows()["W074"][1])


def deployed(settings, **changes):
    """Return the one message of ``check --deploy`` about an installation in production."""
    given = {"ENVIRONMENT": "production", "INSTANCE": "live", **changes}
    settings.VOUCHER_PAYMENT_GATEWAY = {**settings.VOUCHER_PAYMENT_GATEWAY, **given}
    (message,) = checks.check_deployment()
    return message


@pytest.mark.parametrize(
    ("number", "changes"),
    [
        ("W033", {"INSTANCE": "", "THROTTLE": None}),
        ("E028", {"ENVIRONMENT": "local", "THROTTLE": None}),
        ("W039", {}),
        ("W057", {**SELLING, "THROTTLE": None}),
    ],
)
def test_the_message_before_a_deployment_is_the_one_that_is_told(settings, number, changes):
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://x"}
    }
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    for name, value in mail_settings("django.core.mail.backends.console.EmailBackend").items():
        setattr(settings, name, value)
    message = deployed(settings, **changes)
    assert message.id == f"voucher_payment_gateway.{number}"
    assert message.msg in words(check_rows()[number][1])


@pytest.mark.parametrize(
    ("asgi", "database"),
    [
        (False, {"CONN_MAX_AGE": 0, "OPTIONS": {}}),
        (True, {"CONN_MAX_AGE": 60, "OPTIONS": {}}),
        (False, {"ENGINE": "django.db.backends.sqlite3", "ATOMIC_REQUESTS": True}),
    ],
)
def test_the_message_about_connections_is_the_one_that_is_told(settings, monkeypatch, asgi, database):
    postgres = {**connection.settings_dict, "ENGINE": "django.db.backends.postgresql", **database}
    monkeypatch.setitem(connections.settings, "vouchers", postgres)
    settings.DATABASE_ROUTERS = ["tests.test_checks_database.Elsewhere"]
    settings.ASGI_APPLICATION = "shop.asgi.application" if asgi else None
    try:
        message = deployed(settings, THROTTLE=None)
    finally:
        del connections["vouchers"]
    number = message.id.rpartition(".")[2]
    assert message.msg.replace("'vouchers'", "'default'") in words(check_rows()[number][1])


@pytest.mark.parametrize(
    ("number", "urls"),
    [
        ("W037", []),
        ("E029", [route("<slug:shop>/", include("voucher_payment_gateway.checkout.urls"))]),
    ],
)
def test_the_message_about_urls_is_the_one_that_is_told(settings, monkeypatch, number, urls):
    name = {"W037": "tests.no_urls", "E029": "tests.urls_with_arguments"}[number]
    made = ModuleType(name)
    made.urlpatterns = urls
    monkeypatch.setitem(sys.modules, name, made)
    settings.ROOT_URLCONF = name
    (message,) = checks.check_settings()
    assert message.id == f"voucher_payment_gateway.{number}"
    assert message.msg in words(check_rows()[number][1])


def test_the_message_about_notices_without_links_is_the_one_that_is_told(settings, monkeypatch):
    made = ModuleType("tests.no_urls")
    made.urlpatterns = [route("vouchers/", include("voucher_payment_gateway.checkout.urls"))]
    monkeypatch.setitem(sys.modules, "tests.no_urls", made)
    settings.ROOT_URLCONF = "tests.no_urls"
    told = {"SHOP_URL": "https://shop.example", "STAFF_NOTICES": {"emails": ["ben@shop.example"]}}
    settings.VOUCHER_PAYMENT_GATEWAY = {**settings.VOUCHER_PAYMENT_GATEWAY, **told}
    (message,) = checks.check_settings()
    assert message.id == "voucher_payment_gateway.W062"
    assert message.msg in words(check_rows()["W062"][1])


def test_the_message_about_messages_is_the_one_that_is_told(settings):
    settings.MIDDLEWARE = []
    (message,) = checks.check_settings()
    assert message.id == "voucher_payment_gateway.W038"
    assert message.msg in words(check_rows()["W038"][1])


def test_the_message_about_failed_payments_is_the_one_that_is_told(monkeypatch):
    monkeypatch.setattr(signals.payment_failed, "receivers", [])
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    (message,) = checks.check_settings()
    assert message.id == "voucher_payment_gateway.W040"
    assert message.msg in words(check_rows()["W040"][1])


def test_the_message_about_two_databases_is_the_one_that_is_told(settings):
    settings.DATABASE_ROUTERS = ["tests.test_checks.OrdersElsewhere"]
    (message,) = checks.check_settings()
    assert message.id == "voucher_payment_gateway.E024"
    assert message.msg in words(check_rows()["E024"][1])


def test_the_message_about_time_zones_is_the_one_that_is_told(settings):
    settings.USE_TZ = False
    (message,) = checks.check_settings()
    assert message.id == "voucher_payment_gateway.E026"
    assert message.msg in words(check_rows()["E026"][1])


def test_the_message_about_a_database_is_the_one_that_is_told(monkeypatch):
    monkeypatch.setattr(connection.features, "supports_partial_indexes", False)
    (message,) = checks.check_databases(["default"])
    assert message.id == "voucher_payment_gateway.E022"
    assert message.msg in words(check_rows()["E022"][1])


# verbs.md


def test_every_verb_has_its_section_and_no_other_has():
    assert sorted(headings(page("reference/verbs.md"), 2)) == sorted(SYNC_VERBS)


def test_every_verb_is_told_with_its_async_twin():
    documented = {
        tuple(words(cells[0] + cells[1])) for cells in rows(page("reference/verbs.md")) if len(cells) == 3
    }
    assert {(name, f"a{name}") for name in SYNC_VERBS} <= documented
    others = {name for name in gateway.__all__ if name.islower()} - {
        name for pair in documented for name in pair
    }
    assert others == set()


@pytest.mark.parametrize("name", SYNC_VERBS)
def test_the_signature_of_a_verb_is_the_one_that_is_told(name):
    parameters = []
    signature = inspect.signature(getattr(gateway, name))
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in parameters:
            parameters.append("*")
        default = "" if parameter.default is parameter.empty else f"={json.dumps(parameter.default)}"
        parameters.append(parameter.name + default.replace("null", "None").replace("true", "True"))
    result = inspect.formatannotation(signature.return_annotation).rpartition("voucher_payment_gateway")[2]
    documented = words(section(page("reference/verbs.md"), name))[0]
    assert documented.startswith(f"{name}({', '.join(parameters)}) -> ")
    assert documented.rpartition(" ")[2].strip("]").endswith(result.rpartition(".")[2].strip("]"))


def test_the_report_of_settle_is_told_field_by_field():
    documented = first_words(section(page("reference/verbs.md"), "settle"))
    assert documented == list(gateway.SettleReport.__dataclass_fields__)


# models.md


def field_names(model) -> set[str]:
    return {field.name for field in model._meta.fields}


MODELS = [
    models.VoucherPayment,
    models.VoucherOperation,
    models.VoucherDifference,
    models.VoucherIdempotencyKey,
    models.VoucherGatewayState,
    models.VoucherSale,
    models.VoucherApproval,
    models.VoucherClosedPeriod,
    models.VoucherLiability,
    models.VoucherArchivedOrder,
    models.VoucherArchivedOperation,
    models.VoucherStaffCase,
    models.VoucherStaffNotice,
]


@pytest.mark.parametrize("model", MODELS)
def test_every_field_of_a_model_has_its_row_and_no_other_has(model):
    documented = section(page("reference/models.md"), model.__name__)
    fields = documented.partition("| property |")[0].partition("###")[0]
    assert sorted(first_words(fields)) == sorted(field_names(model))


def properties(cls) -> set[str]:
    return {name for name, value in vars(cls).items() if isinstance(value, property)}


def test_every_property_of_a_payment_has_its_row():
    documented = (
        section(page("reference/models.md"), "VoucherPayment")
        .partition("| property |")[2]
        .partition("###")[0]
    )
    assert set(first_words("|" + documented)) == properties(models.VoucherPayment) | {"operations"}


def test_everything_that_the_mixin_adds_has_its_row():
    documented = first_words(section(page("reference/models.md"), "VoucherOrderMixin"))
    assert set(documented) == properties(models.VoucherOrderMixin) | {"voucher_reservation_ids"}


@pytest.mark.parametrize(
    ("heading", "values"),
    [
        ("Payment statuses", states.PaymentStatus.__args__),
        ("Sale statuses", sales.SaleStatus.__args__),
        ("Operation kinds", states.OperationKind.__args__),
        ("Operation states", states.OperationState.__args__),
        ("Difference kinds", comparison.DifferenceKind.__args__),
    ],
)
def test_every_status_kind_and_state_has_its_row(heading, values):
    assert first_words(section(page("reference/models.md"), heading)) == list(values)


def test_the_rows_agree_with_the_choices_of_the_columns():
    assert tuple(models.VoucherPayment.Status.values) == states.PaymentStatus.__args__
    assert tuple(models.VoucherSale.Status.values) == sales.SaleStatus.__args__
    assert tuple(models.VoucherSale.Target.values) == sales.SaleTarget.__args__
    assert tuple(models.VoucherOperation.Kind.values) == states.OperationKind.__args__
    assert tuple(models.VoucherOperation.State.values) == states.OperationState.__args__
    assert tuple(models.VoucherDifference.Kind.values) == comparison.DifferenceKind.__args__


def test_the_kinds_that_are_not_used_yet_are_the_ones_told():
    source = source_of("states.py", "models.py", "0001_initial.py", "history.py", "summary.py")
    kinds = section(page("reference/models.md"), "Operation kinds")
    unused = {kind for kind in states.OperationKind.__args__ if not re.search(rf'kind ?= ?"{kind}"', source)}
    assert {words(cells[0])[0] for cells in rows(kinds) if "not used" in cells[1]} == unused


def test_every_constraint_and_index_is_told_and_no_other_is():
    own = [model._meta for model in MODELS]
    names = {each.name for meta in own for each in [*meta.constraints, *meta.indexes]}
    assert set(re.findall(r"vpg_\w+", page("reference/models.md"))) == names


# signals.md


def test_every_signal_has_its_row_and_no_other_has():
    kinds = ("payment_", "voucher_", "guessing_")
    documented = [name for name in first_words(page("reference/signals.md")) if name.startswith(kinds)]
    assert sorted(documented) == sorted(signals.__all__)


def test_the_signals_that_are_not_sent_yet_are_the_ones_told():
    source = source_of()
    silent = {
        name
        for name in signals.__all__
        if not re.search(rf"(announce|announce_sale|send_all)\({name}|{name}\.send_robust\(", source)
    }
    documented = {
        words(cells[0])[0] for cells in rows(page("reference/signals.md")) if "Not sent by" in cells[1]
    }
    assert documented == silent


# errors.md


def test_the_tree_of_errors_is_the_one_that_is_told():
    def names(text):
        return re.findall(r"^ *([│├└─ ]*\w+Error)\b", text, re.MULTILINE)

    documented = page("reference/errors.md").partition("```text")[2].partition("```")[0]
    assert names(documented) == names(exceptions.__doc__)
    assert sorted(re.findall(r"\w+Error", documented)) == sorted(exceptions.__all__)


def error_rows() -> dict[str, list[str]]:
    return {words(cells[0])[0]: cells for cells in rows(page("reference/errors.md")) if len(cells) == 5}


def test_every_error_has_its_row_and_no_other_has():
    assert sorted(error_rows()) == sorted(exceptions.__all__)


@pytest.mark.parametrize("name", exceptions.__all__)
def test_an_error_is_told_with_its_code_and_what_it_says_of_the_money(name):
    error = getattr(exceptions, name)
    _, code, money_moved, *_ = error_rows()[name]
    assert (words(code), money_moved) == ([error.default_code], error.money_moved)


@pytest.mark.parametrize("name", exceptions.__all__)
def test_what_an_error_carries_is_told(name):
    documented = page("reference/errors.md")
    assert [key for key in vars(getattr(exceptions, name)()) if f"`{key}`" not in documented] == []


def test_every_finer_code_is_told_and_no_other_is():
    documented = page("reference/errors.md")
    in_code = set(re.findall(r'\bcode="(\w+)"', source_of())) | {"send_window_passed"}
    assert set(first_words(section(documented, "Finer codes"))) == in_code


def test_every_code_of_operations_is_told_and_no_other_is():
    source = source_of()
    in_code = set(re.findall(r'error_code="(\w+)"', source)) | set(
        re.findall(r'require_review\(\w+, "(\w+)"', source)
    )
    assert set(first_words(section(page("reference/errors.md"), "Codes of operations"))) == in_code


# commands.md


def test_every_command_has_its_section_and_no_other_has():
    assert sorted(headings(page("reference/commands.md"), 2)) == COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_has_its_row(name):
    parser = load_command_class("voucher_payment_gateway", name).create_parser("manage.py", name)
    own = {
        option for action in parser._actions for option in action.option_strings if option.startswith("--")
    }
    own -= {"--help", "--version", "--verbosity", "--settings", "--pythonpath", "--traceback"}
    own -= {"--no-color", "--force-color", "--skip-checks"}
    if name == "voucher_sandbox":
        program = sandbox_program._parser()._actions
        own |= {option for action in program for option in action.option_strings} - {"-h", "--help"}
    documented = [
        word for word in first_words(section(page("reference/commands.md"), name)) if word.startswith("--")
    ]
    assert sorted(documented) == sorted(own)


def test_every_control_of_the_local_voucher_cloud_has_its_row():
    documented = [word for word in first_words(page("reference/commands.md")) if word.startswith("/sandbox/")]
    assert sorted(documented) == sorted(control._CONTROLS)


# client.md


def public(cls) -> set[str]:
    return {name for name in dir(cls) if not name.startswith("_")}


def client_calls() -> dict[str, str]:
    found = first_words(section(page("reference/client.md"), "Calls"))
    return {call.partition("(")[0]: call for call in found}


def test_every_call_of_the_client_is_told_and_no_other_is():
    named = {word.partition("(")[0] for word in words(page("reference/client.md"))}
    assert client_calls().keys() == public(api.VoucherCloud) - {
        "close",
        "has_failed_since",
        "openings",
        "unconnected",
    }
    assert client_calls().keys() == public(api.AsyncVoucherCloud) - {
        "aclose",
        "has_failed_since",
        "openings",
        "unconnected",
    }
    assert {"close", "aclose", "has_failed_since", "openings", "unconnected"} <= named


@pytest.mark.parametrize("client", [api.VoucherCloud, api.AsyncVoucherCloud])
@pytest.mark.parametrize(
    "name", sorted(public(api.VoucherCloud) - {"close", "has_failed_since", "openings", "unconnected"})
)
def test_the_arguments_of_a_call_are_the_ones_that_are_told(client, name):
    parameters = list(inspect.signature(getattr(client, name)).parameters.values())[1:]
    spelled = [p.name + ("=" if p.kind is p.KEYWORD_ONLY else "") for p in parameters]
    documented = client_calls()[name].partition("(")[2].rstrip(")").split(", ") if parameters else []
    if documented and documented[-1] == "…":
        assert spelled[: len(documented) - 1] == documented[:-1]
    else:
        assert spelled == documented


def test_the_arguments_of_the_client_are_told_with_their_defaults():
    documented = {
        words(cells[0])[0]: cells[1] for cells in rows(section(page("reference/client.md"), "Arguments"))
    }
    parameters = list(inspect.signature(api.VoucherCloud.__init__).parameters.values())[1:]
    assert list(documented) == [parameter.name for parameter in parameters]
    for parameter in parameters:
        if parameter.name == "base_url":
            assert documented["base_url"] == "`PRODUCTION`"
        elif parameter.default is parameter.empty:
            assert documented[parameter.name] == "required"
        else:
            assert documented[parameter.name] == f"`{parameter.default}`"


def test_every_public_name_of_the_client_module_is_told():
    documented = page("reference/client.md")
    assert [name for name in api.__all__ if not re.search(rf"\b{name}\b", documented)] == []


# all pages


def test_the_settings_that_these_tests_start_from_are_right():
    assert checks.check_settings() == []


def test_every_module_that_a_page_names_exists():
    named = set()
    for path in all_pages():
        named |= set(re.findall(r"\bvoucher_payment_gateway(?:\.\w+)+", path.read_text()))
    assert [name for name in sorted(named) if not exists(name)] == []


MEASURED = {each.name for each in INSTRUMENTS} | {f"voucher_payment_gateway.{verb}" for verb in SYNC_VERBS}
"""The names of instruments and spans, which are no modules; and the attribute of a span."""


def exists(dotted: str) -> bool:
    if dotted in MEASURED | {"voucher_payment_gateway.error.code"}:
        return True
    if re.fullmatch(r"voucher_payment_gateway\.[EW]\d+", dotted):
        return dotted.rpartition(".")[2] in checks.CATALOGUE
    if dotted.startswith(host_modules.HOSTS):
        return host_modules.is_there(dotted)
    parts = dotted.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found = import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        return all((found := getattr(found, name, None)) is not None for name in parts[cut:])
    return False
