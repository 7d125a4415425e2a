"""Links lead somewhere, diagrams and their tables agree, and every example is right or runs."""

import ast
import re
from importlib import import_module
from itertools import product
from pathlib import Path

import pytest

from tests.docs import host_modules
from tests.docs.pages import (
    DOCS,
    LINK,
    ROOT,
    Block,
    all_pages,
    anchors,
    blocks,
    drawn_arrows,
    page,
    prose,
    rows,
    section,
    words,
)
from voucher_payment_gateway import conf, gateway, signals
from voucher_payment_gateway.rules import sales, states

PICTURES = {
    *("checkout.png", "checkout-phone-de.png", "checkout-problem.png", "order.png", "staff-order.png"),
    *("gift-voucher.png", "gift-voucher-phone-de.png", "gift-voucher-page.png", "my-gift-vouchers.png"),
    *("clerk-order.png", "clerk-attention.png", "clerk-statement.png", "clerk-phone-de.png"),
    *("clerk-refund-phone-de.png", "clerk-approve.png"),
    *("clerk-liability.png", "clerk-unfold-phone-de.png"),
    *("oscar-dashboard.png", "oscar-account.png"),
}
PAGES = [pytest.param(path, id=str(path.relative_to(ROOT))) for path in all_pages()]
MAKEFILE = (ROOT / "Makefile").read_text()


def python_blocks():
    for path in all_pages():
        for block in blocks(path):
            if block.language == "python":
                yield pytest.param(block, id=f"{path.relative_to(ROOT)}:{block.line}")


def pages_with_examples():
    for path in all_pages():
        if any(block.language == "python" and block.options.split()[:1] == ["run"] for block in blocks(path)):
            yield pytest.param(path, id=str(path.relative_to(ROOT)))


@pytest.fixture(autouse=True)
def _receivers_of_examples_are_forgotten():
    before = {name: list(getattr(signals, name).receivers) for name in signals.__all__}
    yield
    for name, receivers in before.items():
        signal = getattr(signals, name)
        signal.receivers = receivers
        signal.sender_receivers_cache.clear()


# links and pictures


@pytest.mark.parametrize("path", PAGES)
def test_every_link_leads_to_a_page_and_a_heading(path):
    for target in LINK.findall(prose(path.read_text())):
        if target.startswith(("https://", "http://")):
            continue
        name, _, anchor = target.partition("#")
        linked = (path.parent / name).resolve() if name else path
        if linked.suffix == ".png" and linked.parent == DOCS / "images":
            assert linked.name in PICTURES, target
            continue
        assert linked.is_file(), target
        assert not anchor or anchor in anchors(linked.read_text()), target


def test_every_page_is_reached_from_the_index_or_the_readme():
    linked = set()
    for start in (DOCS / "index.md", ROOT / "README.md"):
        for target in LINK.findall(start.read_text()):
            linked.add((start.parent / target.partition("#")[0]).resolve())
    assert [path for path in all_pages() if path not in linked | {ROOT / "README.md"}] == []


def test_the_readme_shows_the_checkout_and_the_order_page():
    shown = {Path(target).name for target in LINK.findall((ROOT / "README.md").read_text())}
    assert {"checkout.png", "order.png"} <= shown


@pytest.mark.parametrize("path", PAGES)
def test_a_page_names_no_place_of_one_machine(path):
    assert not re.search(r"/(work|home|root|tmp)/", path.read_text())


# examples


@pytest.mark.parametrize("block", list(python_blocks()))
def test_an_example_is_python(block):
    compile(without_dots(block), f"line {block.line}", "exec")


def without_dots(block: Block) -> str:
    """An excerpt of several files, or of a call's arguments, as a whole that can be compiled."""
    return re.sub(r"^(path\(.*\)),$", r"\1", block.text, flags=re.MULTILINE)


@pytest.mark.parametrize("block", list(python_blocks()))
def test_an_example_imports_what_exists(block):
    for node in ast.walk(ast.parse(without_dots(block))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(host_modules.HOSTS):
            assert {name.name for name in node.names} <= host_modules.names_of(node.module)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("voucher_payment_gateway"):
            module = import_module(node.module)
            for name in node.names:
                assert hasattr(module, name.name) or import_module(f"{node.module}.{name.name}")
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "gateway"
        ):
            assert node.attr in gateway.__all__


@pytest.mark.parametrize("block", list(python_blocks()))
def test_the_settings_of_an_example_have_no_mistake(block):
    for node in ast.walk(ast.parse(without_dots(block))):
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if getattr(target, "id", getattr(target, "attr", "")) == conf.NAME:
            found = conf.problems(dict(given(node.value)))
            assert [problem for problem in found if not problem[1].endswith("is missing")] == []


def given(settings: ast.AST):
    """The keys of an example's settings; what is computed there is taken as some text."""
    for key, value in zip(settings.keys, settings.values, strict=True):
        if key is not None:
            try:
                yield key.value, ast.literal_eval(value)
            except ValueError:
                yield from [(key.value, "https://computed.example")] if key.value != "SEALING_KEYS" else []


@pytest.mark.parametrize("path", list(pages_with_examples()))
def test_the_examples_of_a_page_run(path, shop, server, settings, midday):
    """One after the other in one namespace, with an ``order`` of 50.00 and a voucher of 20.00."""
    settings.DEBUG = True
    shop.voucher("20.00", code="GIFT-20")
    names = {"__name__": "example", "order": shop.order("50.00")}
    for block in blocks(path):
        if block.language == "python" and block.options.split()[:1] == ["run"]:
            text = block.text.replace("http://127.0.0.1:8900", server.url)
            exec(compile("\n" * (block.line - 1) + text, path, "exec"), names)


def test_the_receiver_of_the_example_is_called(shop, capsys):
    names = {"__name__": "example"}
    (block,) = [block for block in blocks(DOCS / "reference/signals.md") if block.language == "python"]
    exec(block.text, names)
    shop.voucher("20.00", code="GIFT-20")
    order = shop.order("50.00")
    gateway.authorize(order, "GIFT-20")
    gateway.capture(order)
    assert capsys.readouterr().out == "20.00 EUR paid for order A-1001\n"


def test_the_adapter_of_the_example_reads_an_order(shop):
    names = {"__name__": "example"}
    block = next(
        block
        for block in blocks(DOCS / "how-to/connect-your-order-model.md")
        if block.language == "python" and "class CentsAdapter" in block.text
    )
    exec(block.text, names)

    class Order:
        shop_id, pk, total_cents = 7, 12, 4995

    adapter = names["CentsAdapter"]()
    assert (adapter.number(Order), str(adapter.total(Order)), adapter.currency(Order)) == (
        "7-12",
        "49.95",
        "EUR",
    )
    assert adapter.lookup("7-12") == {"shop_id": "7", "pk": "12"}


def test_the_controls_of_the_local_voucher_cloud_take_the_bodies_that_are_told(shop, server):
    import httpx

    headers = {"Content-Type": "application/json"}
    with httpx.Client(base_url=server.url, trust_env=False) as client:
        for cells in rows(section(page("reference/commands.md"), "voucher_sandbox")):
            path, body = words(cells[0])[0], words(cells[1])[:1]
            if path.startswith("/sandbox/"):
                answer = client.post(path, content=body[0], headers=headers)
                assert answer.status_code == 200, (path, answer.text)
    assert shop.cloud.behaviour.second_charge == "same"


def test_the_calls_of_the_local_voucher_cloud_exist(shop):
    text = section(page("how-to/test-your-checkout.md"), "What the local Voucher Cloud can do")
    documented = {word for cells in rows(text) for word in re.findall(r"\bcloud((?:\.\w+)+)", cells[0])}
    assert len(documented) > 10
    for dotted in documented:
        found = shop.cloud
        for name in dotted.strip(".").split("."):
            found = getattr(found, name)


# diagrams and tables


@pytest.mark.parametrize(
    ("heading", "every"),
    [
        ("The life of an operation", set(states.OperationState.__args__)),
        ("The life of a payment", set(states.PaymentStatus.__args__)),
        ("The life of a sale", set(sales.SaleStatus.__args__)),
    ],
)
def test_every_arrow_of_a_diagram_is_explained_and_no_other(heading, every):
    text = section(page("explanation/life-cycles.md"), heading)
    drawn = re.findall(r"^ +(\S+) --> (\S+)$", text, re.MULTILINE)
    documented = [(cells[0].strip("`").replace("start", "[*]"), cells[1].strip("`")) for cells in rows(text)]
    assert drawn == documented
    assert {state for arrow in drawn for state in arrow} - {"[*]"} == every


def test_the_diagram_of_an_operation_is_the_table_of_the_rules():
    table = {(before or "[*]", after) for before, follows in states.TRANSITIONS.items() for after in follows}
    assert drawn_arrows("The life of an operation") == table


SALE_OUTCOMES = {
    "issue": ("issued", "failed"),
    "activate": ("active",),
    "deactivate": ("taken_back",),
    "end": ("taken_back",),
}
"""The statuses that each step of a sale may lead to."""


def test_the_diagram_of_a_sale_shows_what_the_rules_allow():
    arrows = {("[*]", "ordered"), ("[*]", "issued"), ("[*]", "active")}
    given = product(sales.SaleStatus.__args__, sales.SaleTarget.__args__, (False, True))
    for status, target, was_sent in given:
        step = sales.next_step(status, target, was_sent=was_sent)
        arrows |= {(status, after) for after in SALE_OUTCOMES[step]} if step else set()
    assert drawn_arrows("The life of a sale") == arrows


def test_the_operations_of_a_sale_are_explained():
    text = section(page("explanation/life-cycles.md"), "The operations of a sale")
    assert [words(cells[0])[0] for cells in rows(text)] == [*sales.StepKind.__args__, "recharge"]


def test_the_layers_are_those_that_the_linter_checks():
    listed = (ROOT / "pyproject.toml").read_text().partition("layers = [")[2].partition("\n]")[0]
    layers = [re.findall(r"[a-z_0-9]+", line) for line in re.findall(r'"(.+)"', listed)]
    package = ROOT / "voucher_payment_gateway"
    there = {path.stem for path in package.iterdir()}  # a layer in brackets may be absent
    checked = [[name for name in layer if name in there] for layer in layers]
    documented = [words(cells[0]) for cells in rows(section(page("explanation/architecture.md"), "Layers"))]
    assert documented == [layer for layer in checked if layer]


def test_the_rooms_of_the_gateway_are_those_that_the_linter_checks():
    contract = (
        (ROOT / "pyproject.toml").read_text().partition('containers = ["voucher_payment_gateway.gateway"]')[2]
    )
    listed = contract.partition("layers = [")[2].partition("\n]")[0]
    rooms = [re.findall(r"[a-z]+", line) for line in re.findall(r'"(.+)"', listed)]
    text = section(page("explanation/architecture.md"), "The rooms of the gateway")
    assert [words(cells[0]) for cells in rows(text)] == rooms


def test_the_reading_guide_names_files_that_exist_and_counts_their_lines():
    text = section(page("explanation/architecture.md"), "Read it in one evening")
    files = [ROOT / "voucher_payment_gateway" / words(cells[1])[0] for cells in rows(text)]
    lines = sum(len(path.read_text().splitlines()) for path in files)
    documented = re.search(r"^(\d+) files, about ([\d,]+) lines", text, re.MULTILINE)
    assert int(documented[1]) == len(files) == len(set(files))
    assert int(documented[2].replace(",", "")) == pytest.approx(lines, rel=0.1)


def test_every_target_of_the_makefile_is_told_and_no_other_is():
    targets = re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE)
    documented = [
        words(cells[0])[0] for cells in rows(section((ROOT / "CONTRIBUTING.md").read_text(), "Set up"))
    ]
    assert sorted(documented) == sorted(["make", *(f"make {name}" for name in targets if name != "help")])


def test_every_file_that_contributing_names_exists():
    text = section((ROOT / "CONTRIBUTING.md").read_text(), "Where does a change go")
    named = {
        word for cells in rows(text) for word in words(" ".join(cells)) if "/" in word or word.endswith(".py")
    }
    roots = (ROOT, ROOT / "voucher_payment_gateway")
    assert [word for word in sorted(named) if not any((root / word).exists() for root in roots)] == []


def test_the_changelog_begins_with_the_version_of_the_package():
    version = import_module("voucher_payment_gateway").__version__
    first = next(line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("## "))
    assert first.startswith(f"## {version} - ")


def test_the_lease_and_the_figures_about_time_are_those_of_the_code():
    from voucher_payment_gateway.gateway.operations import schedule
    from voucher_payment_gateway.gateway.records import conflicts
    from voucher_payment_gateway.rules import resolution, timing

    text = page("explanation/money-safety.md")
    assert schedule.lease_seconds() == conf.gateway_settings().DEADLINE_SECONDS + 40
    assert "The lease is 40 seconds longer than `DEADLINE_SECONDS`." in " ".join(text.split())
    assert f"more than {schedule.SEND_WINDOW_SECONDS} seconds after" in text
    assert timing.HOLD_SECONDS == 30 * 60
    assert f"less a margin of {timing.USE_MARGIN_SECONDS} seconds" in text
    assert conflicts.MAX_CONFLICTS == 12
    assert "twelve conflicts" in " ".join(text.split())
    assert timing.MIN_BACKOFF_SECONDS == 30
    assert "after 30 seconds at first" in " ".join(page("reference/verbs.md").split())
    settings = conf.GatewaySettings.model_fields
    assert f"`LIST_LAG_SECONDS` ({settings['LIST_LAG_SECONDS'].default})" in text
    assert f"`REFUND_GRACE_SECONDS` ({settings['REFUND_GRACE_SECONDS'].default})" in text
    assert (resolution.EXPIRY_MARGIN_SECONDS, resolution.TRAILING_READ_SECONDS) == (5 * 60, 2 * 3600)
    assert "expired 5 minutes after its end" in text
    assert "35 minutes after the answer" in text
    assert "once more two hours later (`reread_at`)" in text
    assert f"it was sent {resolution.MAX_SENDS} times" in text
