"""What a person reads about a wrong setting: our own words, what was meant, and no value."""

import re
from base64 import urlsafe_b64encode

import pytest
from cryptography.fernet import Fernet
from pydantic import ValidationError, field_validator

from tests.docs.pages import ROOT, all_pages
from tests.test_checks import GOOD
from voucher_payment_gateway import checks, docs_url
from voucher_payment_gateway.conf import GatewaySettings, gateway_settings, problems
from voucher_payment_gateway.sealing_keys import PUBLISHED_KEYS
from voucher_payment_gateway.settings_sections import Section, ThrottleSettings
from voucher_payment_gateway.settings_wording import sentences

CANARY = "canary-secret"

SENTENCES = [
    ({"CAPTURE_MODE": 1}, "CAPTURE_MODE: is not a setting of this app; did you mean CAPTURE?"),
    ({"Capture": 1}, "Capture: is not a setting of this app; did you mean CAPTURE?"),
    ({"ZZZZ": 1}, "ZZZZ: is not a setting of this app"),
    (
        {"THROTTLE": {"sesion": "5/1h"}},
        "THROTTLE.sesion: is not a setting of this app; did you mean THROTTLE.session?",
    ),
    (
        {"ORDER_FIELDS": {"totl": "x"}},
        "ORDER_FIELDS.totl: is not a setting of this app; did you mean ORDER_FIELDS.total?",
    ),
    (
        {"API_BEHAVIOUR": {"second_charges": "same"}},
        "API_BEHAVIOUR.second_charges: is not a setting of this app; did you mean API_BEHAVIOUR.second_charge?",
    ),
    (
        {"EVENTS": {"captrue": "x.y"}},
        "EVENTS.captrue: must be 'authorize', 'capture', 'refund', 'cancel', "
        "'issue', 'activate' or 'take_back'; did you mean EVENTS.capture?",
    ),
    (
        {"ON_STATUS": {"feild": "status"}},
        "ON_STATUS.feild: must be 'field', 'authorize', 'capture', 'refund', 'cancel', "
        "'issue', 'activate' or 'take_back'; did you mean ON_STATUS.field?",
    ),
    ({"ENVIRONMENT": CANARY}, "ENVIRONMENT: must be 'production', 'sandbox' or 'local'"),
    ({"EVENTS": {"capture": 5}}, "EVENTS.capture: must be text or a list"),
    ({"EVENTS": {"capture": ["a.b", 5]}}, "EVENTS.capture.1: must be text"),
    ({"EVENTS": [CANARY]}, "EVENTS: must be a dict"),
    ({"CLIENT_SECRET": 5}, "CLIENT_SECRET: must be text or a callable"),
    ({"CLIENT_ID": None}, "CLIENT_ID: must be text"),
    ({"SEALING_KEYS": CANARY}, "SEALING_KEYS: must be a list"),
    ({"TIMEOUT_SECONDS": 0}, "TIMEOUT_SECONDS: must be above 0"),
    ({"TIMEOUT_SECONDS": CANARY}, "TIMEOUT_SECONDS: must be a number"),
    ({"TIMEOUT_SECONDS": float("nan")}, "TIMEOUT_SECONDS: must be at most 3600"),
    ({"REFUND_GRACE_SECONDS": 1e300}, "REFUND_GRACE_SECONDS: must be at most 2592000"),
    ({"VOUCHERS_PER_ORDER": 101}, "VOUCHERS_PER_ORDER: must be at most 100"),
    ({"VOUCHERS_PER_ORDER": 0}, "VOUCHERS_PER_ORDER: must be at least 1"),
    ({"VOUCHERS_PER_ORDER": 2.5}, "VOUCHERS_PER_ORDER: must be a whole number"),
    ({"VOUCHERS_PER_ORDER": "many"}, "VOUCHERS_PER_ORDER: must be a whole number"),
    ({"RENEW_HOLDS": "maybe"}, "RENEW_HOLDS: must be True or False"),
    ({"RENEW_HOLDS": []}, "RENEW_HOLDS: must be True or False"),
    ({"THROTTLE": CANARY}, "THROTTLE: must be a dict"),
    ({"INSTANCE": "x" * 101}, "INSTANCE: must have at most 100 characters"),
    ({"INSTANCE": "\ud800"}, "INSTANCE: must be text"),
    ({"ORDER_MODEL": "order"}, 'ORDER_MODEL: must name an app and a model, such as "shop.Order"'),
    ({None: None}, "None: is not a setting of this app"),
]


@pytest.mark.parametrize(("changes", "sentence"), SENTENCES)
def test_a_wrong_value_is_told_in_our_own_words(changes, sentence):
    (key, text) = problems({**GOOD, **changes})[0]
    assert (key, text) == (sentence.split(":")[0].split(".")[0], sentence)
    assert len(problems({**GOOD, **changes})) == 1


class Several(Section):
    """Settings with keys of the shop's own, each with the keys of a section."""

    LIMITS: dict[str, ThrottleSettings]

    @field_validator("LIMITS")
    @classmethod
    def _one_captcha(cls, limits):
        for name, section in limits.items():
            if section.captcha == "x":
                raise ValueError(f"LIMITS.{name}.captcha: must be another")
        return limits


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (
            {"sesion": "5/1h"},
            "LIMITS.north.sesion: is not a setting of this app; did you mean LIMITS.north.session?",
        ),
        ({"session": 5}, "LIMITS.north.session: must be text"),
        ({"captcha": "x"}, "LIMITS.north.captcha: must be another"),
    ],
)
def test_a_key_below_a_name_of_the_shop_is_told_by_its_path(value, sentence):
    with pytest.raises(ValidationError) as caught:
        Several(LIMITS={"north": value})
    assert sentences(caught.value, Several) == [("LIMITS", sentence)]


VALUES = [
    None,
    "",
    CANARY,
    b"x",
    -1,
    1e300,
    float("inf"),
    True,
    [None],
    [CANARY],
    {"x": CANARY},
    {None: 1},
    object(),
]
WORDS_OF_PYDANTIC = (
    "nput should",
    "nput must",
    "unable to",
    "alid string",
    "validation",
    "pydantic",
    "literal[",
    "str]",
)


@pytest.mark.parametrize("key", GatewaySettings.model_fields)
def test_no_wording_of_pydantic_reaches_a_person(key):
    for value in VALUES:
        for _, text in problems({**GOOD, key: value}):
            assert not any(words in text for words in WORDS_OF_PYDANTIC), text
            assert CANARY not in text


# credentials with what files and environments add to them


AROUND = ["{}\n", "{}\r\n", "  {}\t", "\n{}", "\ufeff{}", "\u00a0{}\u2028"]


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("key", ["CLIENT_ID", "CLIENT_SECRET", "CLIENT_TYPE"])
def test_blanks_and_line_ends_around_credentials_are_dropped(settings, key, around):
    settings.VOUCHER_PAYMENT_GATEWAY = {**GOOD, key: around.format("local-shop")}
    assert getattr(gateway_settings(), key) == "local-shop"


INSIDE = {
    "must be one line of printable characters": ["two\nlines", "a\x00b", "a\u200bb", "a\ud800b"],
    "must not be empty": ["", " ", "\n", "\ufeff\n"],
    "must have at most": ["x" * 1001],
}


@pytest.mark.parametrize(
    ("sentence", "value"), [(sentence, value) for sentence, values in INSIDE.items() for value in values]
)
@pytest.mark.parametrize("key", ["CLIENT_ID", "CLIENT_SECRET"])
def test_credentials_that_cannot_be_sent_are_refused(key, sentence, value):
    ((found, text),) = problems({**GOOD, key: value})
    assert (found, sentence in text or "must be text" in text) == (key, True)


@pytest.mark.parametrize("around", AROUND)
def test_a_form_is_answered_with_such_credentials(shop, client, gateway_settings, around):
    given = shop.cloud.add_client()
    gateway_settings(CLIENT_ID=around.format(given.id), CLIENT_SECRET=lambda: around.format(given.secret))
    shop.voucher()
    session = client.session
    session["order_number"] = shop.order().number
    session.save()
    headers = {"Accept": "application/json"}
    answer = client.post("/vouchers/apply/", {"code": "GIFT-2000-ABCD"}, headers=headers)
    assert (answer.status_code, answer.json()["order"]["covered"]) == (200, "20.00")


# sealing keys


def key_of(content):
    return urlsafe_b64encode(content).decode()


GUESSABLE = {
    "all zero": bytes(32),
    "one byte": b"\xa5" * 32,
    "two bytes": b"\x00\xff" * 16,
    "few": bytes(range(16)) * 2,
    "one after the other": bytes(range(32)),
    "in steps": bytes(range(0, 256, 8)),
    "backwards": bytes(range(255, 223, -1)),
    "a sentence": b"My Very Secret Key 0123456789 ?!",
    "digits and letters": b"0123456789abcdefghijklmnopqrstuv",
}


@pytest.mark.parametrize("environment", ["local", "production"])
@pytest.mark.parametrize("kind", GUESSABLE)
def test_a_key_that_can_be_guessed_is_refused_and_not_repeated(kind, environment):
    key, good = key_of(GUESSABLE[kind]), Fernet.generate_key().decode()
    ((_, text),) = problems({**GOOD, "ENVIRONMENT": environment, "SEALING_KEYS": [good, key]})
    assert text == "SEALING_KEYS: key 2 can be guessed"


def test_a_thousand_generated_keys_are_fine():
    keys = [Fernet.generate_key().decode() for _ in range(1000)]
    assert problems({**GOOD, "SEALING_KEYS": keys}) == []


def test_a_key_from_a_file_seals_as_without_its_line_end(settings):
    key = Fernet.generate_key().decode()
    settings.VOUCHER_PAYMENT_GATEWAY = {**GOOD, "SEALING_KEYS": [f"{key}\n"]}
    assert [key] == gateway_settings().SEALING_KEYS


def shown_keys():
    """Every key that a reader of the repository's pages or of the example shop can copy."""
    settings = ROOT / "example_project/config/settings.py"
    text = "\n".join(path.read_text() for path in [*all_pages(), settings])
    written = re.findall(r"[A-Za-z0-9_-]{43}=", text)
    made = [key_of(found.encode()) for found in re.findall(r'b64encode\(b"([^"]{32})"\)', text)]
    return {*written, *made}


def test_the_keys_that_are_shown_seal_in_development_alone():
    assert shown_keys() == PUBLISHED_KEYS
    for key in PUBLISHED_KEYS:
        assert problems({**GOOD, "SEALING_KEYS": [key]}) == []
        for environment in ("production", "sandbox"):
            ((_, text),) = problems({**GOOD, "ENVIRONMENT": environment, "SEALING_KEYS": [key]})
            assert text == "SEALING_KEYS: key 1 can be read in the documentation"


# where the cure is


def test_every_hint_leads_to_the_documentation(settings):
    for wrong in (
        None,
        {"ENVIRONMENT": "live"},
        {**GOOD, "BASE_URL": "http://host"},
        {**GOOD, "CAPTURE_MODE": 1},
    ):
        settings.VOUCHER_PAYMENT_GATEWAY = wrong
        found = checks.check_settings()
        assert found
        assert all(docs_url.DOCUMENTATION in message.hint for message in found)


def test_a_hint_leads_to_a_page_that_exists_and_names_no_file_of_the_repository():
    base = docs_url.DOCUMENTATION
    cures = [check.cure for check in checks.CATALOGUE.values()]
    assert not any("docs/" in cure.replace(base, "") or ".md" in cure for cure in cures)
    addresses = [word.strip(".,:;") for cure in cures for word in cure.split() if word.startswith(base)]
    assert len(addresses) > 5
    for address in addresses:
        page, _, heading = address.removeprefix(base).partition("#")
        text = (ROOT / "docs" / f"{page.strip('/')}.md").read_text()
        assert not heading or f"# {heading.replace('-', ' ').upper()}" in text.upper().replace("-", " ")


def test_the_documentation_is_where_the_project_says():
    assert f'Documentation = "{docs_url.DOCUMENTATION}"' in (ROOT / "pyproject.toml").read_text()


def test_no_message_names_a_file_of_the_repository():
    for path in (ROOT / "voucher_payment_gateway").rglob("*.py"):
        quoted = re.findall(r'"[^"\n]*docs/[\w-]+/[\w-]+\.md[^"\n]*"', path.read_text())
        assert quoted == [], path
