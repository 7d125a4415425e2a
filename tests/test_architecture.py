"""What the linter does not check: one writer of an operation's state, ordered unions, and no import circle."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

import voucher_payment_gateway

PACKAGE = Path(voucher_payment_gateway.__file__).parent
WRITER = PACKAGE / "gateway/operations/transitions.py"
WRITING_CALLS = {
    "VoucherOperation",
    "_compare_and_set",
    "acreate",
    "aupdate",
    "compare_and_set",
    "create",
    "get_or_create",
    "update",
    "update_or_create",
}
"""Calls in which ``state=…`` is written; in others, such as ``filter`` and ``Q``, it is compared."""


def writes_of_state(source: str) -> list[int]:
    """Return the lines that write an attribute, a column or a keyword named ``state``."""
    return sorted({node.lineno for node in ast.walk(ast.parse(source)) if _writes_state(node)})


def _writes_state(node: ast.AST) -> bool:
    match node:
        case ast.Call():
            return _call_writes_state(node)
        case ast.Attribute(attr="state", ctx=ast.Store()):
            return True
        case ast.Dict(keys=keys):
            return any(_is_state(key) for key in keys)
        case ast.Subscript(slice=key, ctx=ast.Store()):
            return _is_state(key)
    return False


def _call_writes_state(call: ast.Call) -> bool:
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if name in ("setattr", "bulk_update"):
        return any(_is_state(node) for argument in call.args for node in ast.walk(argument))
    named = {keyword.arg for keyword in call.keywords}
    return "state" in named and (name in WRITING_CALLS or name == "dict")


def _is_state(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and node.value == "state"


def test_only_the_transitions_write_the_state_of_an_operation():
    writers = {
        path.relative_to(PACKAGE).as_posix(): lines
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] not in ("migrations", "sandbox")  # neither has our operations
        and (lines := writes_of_state(path.read_text()))
    }
    assert list(writers) == [WRITER.relative_to(PACKAGE).as_posix()], writers


@pytest.mark.parametrize(
    "source",
    [
        "operation.state = 'due'",
        "operation.state: str = 'due'",
        "operation.claim, operation.state = claim, state",
        "VoucherOperation(payment=payment, state='due')",
        "VoucherOperation.current.filter(pk=1).update(state='due')",
        "VoucherOperation.objects.create(state='due')",
        "_compare_and_set(operation, state='due')",
        "rows.update(**{'state': 'due'})",
        "changes['state'] = 'due'",
        "rows.update(**dict(state='due'))",
        "setattr(operation, 'state', 'due')",
        "VoucherOperation.objects.bulk_update(operations, ['state'])",
    ],
)
def test_a_write_of_a_state_is_noticed(source):
    assert writes_of_state(source) == [1]


@pytest.mark.parametrize(
    "source",
    [
        "VoucherOperation.current.filter(state='due').exclude(state='unknown')",
        "Q(state='manual') | Q(state__in=OPEN_STATES)",
        "if operation.state == 'due': pass",
        "late_answer_needs_review(state=operation.state)",
        "charges.values_list('state', flat=True)",
    ],
)
def test_a_read_of_a_state_is_none(source):
    assert writes_of_state(source) == []


COMBINED = ("union", "difference", "intersection")


def unordered_unions(source: str) -> list[int]:
    """Return the lines of the combined queries without an ``order_by`` of their own."""
    nodes = [*ast.walk(ast.parse(source))]
    ordered = {
        id(node.value) for node in nodes if isinstance(node, ast.Attribute) and node.attr == "order_by"
    }
    calls = [node for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    return [call.lineno for call in calls if call.func.attr in COMBINED and id(call) not in ordered]


def test_every_union_says_its_order():
    """Else Django 6.1 orders it by ``Meta.ordering``, which fails where those columns are not selected."""
    found = {str(path): unordered_unions(path.read_text()) for path in PACKAGE.rglob("*.py")}
    assert not {path: lines for path, lines in found.items() if lines}


def test_a_union_without_an_order_is_noticed():
    assert unordered_unions("a.union(b)\na.union(b).order_by()\na.order_by().union(b)\n") == [1, 3]
    assert unordered_unions("a.difference(b)\na.difference(b).order_by()\na.intersection(b)\n") == [1, 3]


def partials_after_commit(source: str) -> list[int]:
    """Return the lines where ``partial`` makes what is called after a commit, at once or by a name."""
    nodes = [*ast.walk(ast.parse(source))]
    named = {
        target.id
        for node in nodes
        if isinstance(node, ast.Assign) and _is_partial(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    calls = [node for node in nodes if isinstance(node, ast.Call) and node.args]
    hooks = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "on_commit"]
    return [
        call.lineno
        for call in hooks
        if _is_partial(call.args[0]) or (isinstance(call.args[0], ast.Name) and call.args[0].id in named)
    ]


def _is_partial(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "partial"


def test_what_is_called_after_a_commit_has_a_name():
    """Django 5.2 logs the error of a robust one with its ``__qualname__``, which a ``partial`` lacks: its own
    AttributeError would reach the caller, and what else follows the commit would be left out."""
    found = {str(path): partials_after_commit(path.read_text()) for path in PACKAGE.rglob("*.py")}
    assert not {path: lines for path, lines in found.items() if lines}


def test_a_partial_after_a_commit_is_noticed():
    source = "t.on_commit(partial(f))\ng = partial(f)\nt.on_commit(g, using=u)\nt.on_commit(lambda: f())\n"
    assert partials_after_commit(source) == [1, 3]


def test_no_modules_import_each_other_in_a_circle():
    """Counts imports for type checkers too: a reader follows them as any other."""
    graph = grimp.build_graph("voucher_payment_gateway", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(imports) > 150
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as circle:
        pytest.fail(" imports ".join(reversed(circle.args[1])))
