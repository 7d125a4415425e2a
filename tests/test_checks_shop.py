"""The checks of the shop's order, its callables, and the site around its checkout."""

import sys
from itertools import count
from types import ModuleType

import pytest
from django.db import connection, models
from django.urls import include, path

from tests.shop.models import Invoice, Order, StoreOrder
from tests.test_checks import given  # noqa: F401  a fixture
from tests.test_checks_driving import told
from voucher_payment_gateway.checkout import urls as checkout_urls
from voucher_payment_gateway.signals import payment_failed

# what a path names


BROKEN = [
    ("nowhere.current_order", "there is no module 'nowhere'"),
    ("tests.shop.nowhere.current_order", "there is no module 'tests.shop.nowhere'"),
    ("tests.shop.checkout.nowhere.order", "there is no module 'tests.shop.checkout.nowhere'"),
    (
        "tests.shop.checkout.curent_order",
        "'tests.shop.checkout' has no 'curent_order'; did you mean 'current_order'?",
    ),
    ("tests.shop.checkout.zzz", "'tests.shop.checkout' has no 'zzz'"),
    ("current_order", "there is no dot in it"),
    (
        "tests.broken.needs_other.current_order",
        "'tests.broken.needs_other' cannot be imported: ModuleNotFoundError: No module named "
        "'a_module_that_is_not_installed'",
    ),
    (
        "tests.broken.no_such_name.x",
        "'tests.broken.no_such_name' cannot be imported: ImportError: cannot import name 'Decimall' from 'decimal'",
    ),
    ("tests.broken.fails.x", "'tests.broken.fails' cannot be imported: RuntimeError in fails.py, line 1"),
]

PATHS = {
    "ORDER_ADAPTER": lambda path: {"ORDER_ADAPTER": path},
    "EVENTS.capture": lambda path: {"EVENTS": {"authorize": A, "capture": path, "cancel": C}},
    "CHECKOUT_ORDER": lambda path: {"CHECKOUT_ORDER": path},
    "CODE_NORMALISER": lambda path: {"CODE_NORMALISER": path},
    "THROTTLE.captcha": lambda path: {"THROTTLE": {"captcha": path}},
}
WRONG_NORMALISERS = {
    "with_order": "takes other arguments: it is called with the code alone",
    "without_request": "takes other arguments: it is called with the code alone",
    "in_async": "is a coroutine function: write it without async",
}
A, C = "tests.shop.signals.confirmed", "tests.shop.signals.aborted"


@pytest.mark.parametrize("key", PATHS)
@pytest.mark.parametrize(("path", "cause"), BROKEN)
def test_a_path_that_names_nothing_is_told_with_its_cause(given, key, path, cause):  # noqa: F811
    ((_, text),) = told(given(PATHS[key](path)))
    assert text.startswith(f"{key}: {path!r} is not a")
    assert cause in text
    assert "canary" not in text


A_NUMBER, NO_VALUE = 5, None

INSTEAD = [
    ("tests.shop.checkout.__name__", "it is a str."),
    (f"{__name__}.A_NUMBER", "it is an int."),
    (f"{__name__}.NO_VALUE", "it is None."),
    ("tests.shop.models", "it is a module."),
]


@pytest.mark.parametrize("key", PATHS)
@pytest.mark.parametrize(("path", "words"), INSTEAD)
def test_what_a_path_names_instead_is_told(given, key, path, words):  # noqa: F811
    ((_, text),) = told(given(PATHS[key](path)))
    assert text.endswith(f": {words}")


@pytest.mark.parametrize(
    ("key", "name", "words"),
    [
        ("EVENTS.capture", "ClassInstead", "it is a class."),
        ("EVENTS.capture", "without_request", "it is a function."),
        ("EVENTS.capture", "callable_object", "it is a Callable."),
        ("ORDER_ADAPTER", "ClassInstead", "it is a class of another kind."),
        ("ORDER_ADAPTER", "without_request", "it is a function."),
    ],
)
def test_what_is_no_value_is_told_in_plain_words(given, key, name, words):  # noqa: F811
    ((_, text),) = told(given(PATHS[key](f"{__name__}.{name}")))
    assert text.endswith(f": {words}")


@pytest.mark.parametrize(("name", "problem"), WRONG_NORMALISERS.items())
def test_a_normaliser_that_cannot_be_asked_is_told(given, name, problem):  # noqa: F811
    """Not by the error of a call with a sample code, which names no cause."""
    ((_, text),) = told(given(PATHS["CODE_NORMALISER"](f"{__name__}.{name}")))
    assert text == f"CODE_NORMALISER: '{__name__}.{name}' {problem}."


# callables


class ClassInstead:
    def __init__(self, request):
        pass


class Callable:
    def __call__(self, request, language="en"):
        return None


async def in_async(request):
    return None


def without_request():
    return None


def with_order(request, order):
    return None


def with_a_keyword(request, *, shop):
    return None


callable_object, partly = Callable(), Callable().__call__

WRONG = [
    ("ClassInstead", "is a class"),
    ("in_async", "is a coroutine function: write it without async"),
    ("without_request", "takes other arguments"),
    ("with_order", "takes other arguments"),
    ("with_a_keyword", "takes other arguments"),
]


@pytest.mark.parametrize(("key", "number"), [("CHECKOUT_ORDER", "E012"), ("THROTTLE.captcha", "E021")])
@pytest.mark.parametrize(("name", "problem"), WRONG)
def test_a_callable_that_cannot_be_asked_is_told(given, key, number, name, problem):  # noqa: F811
    ((found, text),) = told(given(PATHS[key](f"{__name__}.{name}")))
    assert found == number
    assert text.startswith(f"{key}: '{__name__}.{name}' {problem}")


@pytest.mark.parametrize("key", ["CHECKOUT_ORDER", "THROTTLE.captcha"])
@pytest.mark.parametrize("name", ["callable_object", "partly"])
def test_a_callable_of_any_kind_is_fine(given, key, name):  # noqa: F811
    assert given(PATHS[key](f"{__name__}.{name}")) == []


@pytest.mark.parametrize("secret", [lambda vault: "x", in_async], ids=["an argument", "async"])
def test_a_secret_that_cannot_be_asked_for_is_told(given, secret):  # noqa: F811
    ((number, text),) = told(given({"CLIENT_SECRET": secret}))
    assert number == "E004"
    assert text.startswith("CLIENT_SECRET: the callable ")


def test_a_secret_may_come_from_a_callable(given):  # noqa: F811
    assert given({"CLIENT_SECRET": lambda: "from the vault"}) == []
    assert given({"CLIENT_SECRET": lambda vault="x": vault}) == []


# the fields of the order


class Kinds(models.Model):
    """One field of each kind that may be mistaken for another."""

    text = models.CharField(max_length=20, unique=True)
    long_text = models.TextField()
    flag = models.BooleanField()
    ratio = models.FloatField()
    day = models.DateField()
    instant = models.DateTimeField()
    document = models.JSONField()
    uid = models.UUIDField()
    cents = models.IntegerField()
    amount = models.DecimalField(max_digits=9, decimal_places=2)
    parent = models.ForeignKey(Order, on_delete=models.DO_NOTHING, related_name="+")  # it has no table

    class Meta:
        app_label = "shop"
        managed = False

    def __str__(self):
        return self.text


GOOD_FIELDS = {"number": "text", "total": "amount", "currency": "text", "created": "instant"}
WRONG_FIELDS = {
    "number": ["flag", "ratio", "day", "document", "parent", "amount"],
    "total": ["text", "long_text", "flag", "ratio", "day", "instant", "document", "uid", "parent"],
    "currency": ["flag", "ratio", "day", "document", "uid", "cents", "amount", "parent"],
    "created": ["text", "flag", "ratio", "day", "cents", "amount", "parent"],
}


@pytest.mark.parametrize(
    ("key", "name"), [(key, name) for key, names in WRONG_FIELDS.items() for name in names]
)
def test_a_field_that_cannot_hold_this_fact_is_told(given, key, name):  # noqa: F811
    ((number, text), *_) = told(
        given({"ORDER_MODEL": "shop.Kinds", "ORDER_FIELDS": {**GOOD_FIELDS, key: name}})
    )
    assert number == "E008"
    assert text.startswith(f"ORDER_FIELDS.{key}: {name!r} of shop.Kinds holds ")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"total": "cents"},
        {"total": "parent.total"},
        {"currency": "long_text"},
        {"currency": "parent.x.y"},
    ],
)
def test_a_field_that_can_hold_it_is_fine(given, monkeypatch, fields):  # noqa: F811
    monkeypatch.setattr(Order, "x", property(lambda order: None), raising=False)
    assert given({"ORDER_MODEL": "shop.Kinds", "ORDER_FIELDS": {**GOOD_FIELDS, **fields}}) == []


def test_a_path_is_followed_through_relations(given):  # noqa: F811
    wrong = {**GOOD_FIELDS, "total": "parent.totl", "currency": "parent.status.code"}
    assert told(given({"ORDER_MODEL": "shop.Kinds", "ORDER_FIELDS": wrong})) == [
        ("E008", "ORDER_FIELDS.total: shop.Order has no 'totl'; did you mean 'total'?")
    ]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"ORDER_MODEL": "shop.Ordr"},
            "ORDER_MODEL: there is no model 'shop.Ordr'; did you mean 'shop.Order'?",
        ),
        ({"ORDER_MODEL": "zzzz.Zz"}, "ORDER_MODEL: there is no model 'zzzz.Zz'."),
        (
            {"ON_STATUS": {"field": "statsu"}},
            "ON_STATUS.field: shop.Order has no 'statsu'; did you mean 'status'?",
        ),
        ({"ON_STATUS": {"field": "zzzz"}}, "ON_STATUS.field: shop.Order has no 'zzzz'."),
        (
            {"EVENTS": {"authorize": A, "cancel": C, "capture": "tests.shop.signals.shiped"}},
            "EVENTS.capture: 'tests.shop.signals.shiped' is not a signal that can be imported: "
            "'tests.shop.signals' has no 'shiped'; did you mean 'shipped'?",
        ),
    ],
)
def test_a_name_that_is_almost_right_is_told_with_the_right_one(given, changes, sentence):  # noqa: F811
    assert [text for _, text in told(given(changes))] == [sentence]


def test_an_amount_with_its_currency_is_told(given, monkeypatch):  # noqa: F811
    monkeypatch.setattr(
        Order._meta.get_field("total"), "currency_field_name", "total_currency", raising=False
    )
    ((number, text),) = told(given({}))
    assert (number, "holds amounts with their currency" in text) == ("E008", True)
    assert given({"ORDER_FIELDS": {"total": "total.amount"}}) == []


@pytest.mark.parametrize(
    ("condition", "number"),
    [(models.Q(is_deleted=False), ["W032"]), (~models.Q(number=""), []), (None, [])],
)
def test_a_number_that_is_unique_among_some_orders_only_is_not_unique(given, monkeypatch, condition, number):  # noqa: F811
    constraint = models.UniqueConstraint(fields=["number"], condition=condition, name="some")
    monkeypatch.setattr(StoreOrder._meta, "constraints", [constraint])
    assert [found for found, _ in told(given({"ORDER_MODEL": "shop.StoreOrder"}))] == number


def test_an_order_model_with_other_names_is_fine(given):  # noqa: F811
    fields = {"number": "reference", "total": "gross", "currency": "money"}
    assert Invoice._meta.label == "shop.Invoice"
    assert given({"ORDER_MODEL": "shop.Invoice", "ORDER_FIELDS": fields}) == []


# the URLs of the checkout


COUNT = count()


@pytest.fixture
def urlconf(settings):
    """Make a module with these patterns the root of all URLs."""

    def make(*patterns):
        name = f"tests.urls_made_for_a_test_{next(COUNT)}"
        sys.modules[name] = ModuleType(name)
        sys.modules[name].urlpatterns = list(patterns)
        settings.ROOT_URLCONF = name

    yield make
    for name in [name for name in sys.modules if name.startswith("tests.urls_made_for_a_test_")]:
        del sys.modules[name]


def test_an_order_that_nobody_shows_is_told(given, urlconf):  # noqa: F811
    urlconf()
    ((number, text),) = told(given({}))
    assert (number, "does not include the URLs of the checkout" in text) == ("W037", True)
    assert given({"CHECKOUT_ORDER": ""}) == []


def test_a_project_without_a_website_needs_no_urls(given, settings):  # noqa: F811
    settings.ROOT_URLCONF = None
    assert given({}) == []


def test_a_checkout_that_knows_no_order_is_an_error(given):  # noqa: F811
    assert told(given({"CHECKOUT_ORDER": ""})) == [
        ("E012", "CHECKOUT_ORDER: is not set, but the URLs of the checkout are included.")
    ]


def namespaces():
    module = "voucher_payment_gateway.checkout.urls"
    outer = lambda *inner: path("shop/", include(([*inner], "outer")))  # noqa: E731
    return {
        "plain": path("vouchers/", include(module)),
        "a name of its own": path("vouchers/", include(module, namespace="gift")),
        "below another": outer(path("vouchers/", include(module))),
        "below two": outer(outer(path("vouchers/", include(module, namespace="gift")))),
        "another app name": path("vouchers/", include((checkout_urls.urlpatterns, "gift"))),
        "no namespace": path("vouchers/", include(checkout_urls.urlpatterns)),
    }


@pytest.mark.parametrize("kind", namespaces())
def test_urls_under_any_namespace_are_fine(given, urlconf, kind):  # noqa: F811
    urlconf(namespaces()[kind])
    assert given({}) == []


def test_urls_that_need_arguments_are_an_error(given, urlconf):  # noqa: F811
    urlconf(path("<slug:shop>/", include("voucher_payment_gateway.checkout.urls")))
    assert [number for number, _ in told(given({}))] == ["E029"]


def test_a_urlconf_that_fails_is_left_to_django(given, settings):  # noqa: F811
    settings.ROOT_URLCONF = "tests.broken.fails"
    assert [number for number, _ in told(given({}))] == ["W037"]


# messages and transactions


@pytest.mark.parametrize("missing", ["app", "middleware"])
def test_a_checkout_without_messages_is_told(given, settings, urlconf, missing):  # noqa: F811
    if missing == "app":
        settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if not app.endswith(".messages")]
    else:
        settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if ".messages." not in each]
    assert [number for number, _ in told(given({}))] == ["W038"]
    urlconf()
    assert given({"CHECKOUT_ORDER": ""}) == []


def test_failed_payments_that_nobody_hears_of_are_told(given, monkeypatch):  # noqa: F811
    monkeypatch.setattr(payment_failed, "receivers", [])
    assert given({}) == []
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    ((number, text),) = told(given({}))
    assert (number, "'default'" in text) == ("W040", True)

    by_status = {"field": "status", "authorize": ["a"], "capture": ["b"], "refund": ["r"], "cancel": ["c"]}
    assert [number for number, _ in told(given({"ON_STATUS": by_status}))] == [
        "W040"
    ]  # our own receiver tells nobody

    def hear(sender, **_):
        pass

    payment_failed.connect(hear)
    assert given({}) == []
